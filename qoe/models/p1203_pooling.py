"""P.1203.3 pooling of a session second by second: O35 of players that log what each segment was like.

Written from the published formulas. Patents may cover P.1203 for commercial users. A session that tells only its means
is alike in every second: then O35 is O34, and the closed form of the session is the one of its seconds.
"""

import numpy as np
from numpy.typing import NDArray

from qoe.model import FloatArray
from qoe.models.p1203_blocks import audiovisual_mos

_SWING = 0.2  # smallest change of O22 that counts as one


def integrated_mos(o21: FloatArray, o22: FloatArray) -> float:
    """O35 of one session from the audio and video MOS of each of its seconds (two arrays of one length, 1 or more)."""
    o34 = audiovisual_mos(o21, o22)
    seconds = len(o34)
    base = float(np.average(o34, weights=_position_weights(seconds) * _quality_weights(o34)))
    runs = _runs(o22)
    swings = len(runs) - 1
    longest = max(runs, default=seconds)
    value = base - _negative_bias(o34, base)
    if longest / seconds < 0.25:
        spread = float(np.ptp(o22))
        if longest < 30:
            value -= _oscillation(spread, swings)
        changes = np.count_nonzero(np.abs(np.diff(o22)) > _SWING) / seconds
        value -= float(np.clip(0.17332553 * spread * changes - 0.01035647, 0.0, 0.5))
    return value


def _position_weights(seconds: int) -> FloatArray:
    """w1: the end of a session counts most."""
    place = np.arange(seconds) / seconds
    return 0.00666620027943848 + 4.04018840273729e-5 * np.exp(place / 0.156497800436237)


def _quality_weights(o34: FloatArray) -> FloatArray:
    """w2: what is bad counts more."""
    weights: FloatArray = 0.143179744942738 - 0.0238641564518876 * o34
    return weights


def _negative_bias(o34: FloatArray, base: float) -> float:
    """What the worst tenth of the seconds takes off, the later the more."""
    c1, c2 = 1.87403625, 7.85416481
    before_end = len(o34) - np.arange(len(o34)) - 1.0
    weight = c1 + (1 - c1) * 0.5 ** (before_end / c2)
    return max(0.0, -float(np.percentile((o34 - base) * weight, 10))) * 0.01853820


def _oscillation(spread: float, swings: int) -> float:
    """What going up and down takes off."""
    size = max(0.0, 1 + float(np.log10(spread + 0.001)))
    return float(np.clip(size * np.exp(0.67756080 * swings - 8.05533303), 0.0, 1.5))


def _runs(o22: FloatArray) -> NDArray[np.intp]:
    """Lengths in seconds of the stretches without a change of direction of the smoothed video quality.

    Smoothed over five seconds, looked at every third; a step of less than `_SWING` is no direction of its own.
    """
    smooth = np.convolve(np.pad(o22, 2, mode="edge"), np.full(5, 0.2), mode="valid")[::3]
    step = np.diff(smooth)
    direction = np.where(step > _SWING, 1, np.where(step < -_SWING, -1, 0))
    turns = np.flatnonzero(np.diff(direction)) + 1
    edges = np.concatenate([[0], 3 * turns, [len(o22)]])
    return np.diff(edges)
