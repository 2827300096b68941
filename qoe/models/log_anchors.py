"""The logarithmic curve between two anchors that web, messaging, payment and file models share (ITU-T G.1030)."""

from math import log, sqrt

import numpy as np

from qoe.model import FloatArray


def curve(best: float, worst: float) -> tuple[float, float]:
    """Scale and slope of `MOS = 3 + slope ln(scale x)` that is 5 at `best` and 1 at `worst`.

    Written from the middle, so that the logarithm is small and single precision is enough.
    """
    return 1 / sqrt(best * worst), -4 / log(worst / best)


def on_curve(x: FloatArray, scale: float | FloatArray, slope: float | FloatArray, level: float = 3.0) -> FloatArray:
    """Return `level + slope ln(scale x)` of each x >= 0, which goes on beyond 1 and 5; NaN stays NaN."""
    mos: FloatArray = x * scale
    with np.errstate(divide="ignore"):
        np.log(mos, out=mos)
    mos *= slope
    mos += level
    return mos


def time_mos(time_s: FloatArray, best_s: float, worst_s: float) -> FloatArray:
    """MOS of a waiting time: 5 at `best_s` and below, 1 at `worst_s` and above, linear in ln t between."""
    return np.clip(on_curve(time_s, *curve(best_s, worst_s)), 1.0, 5.0)


def rate_mos(rate: FloatArray, worst: float, best: float) -> FloatArray:
    """MOS of a rate: 1 at `worst` and below, 5 at `best` and above, linear in ln rate between."""
    return np.clip(on_curve(rate, *curve(best, worst)), 1.0, 5.0)
