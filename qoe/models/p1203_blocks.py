"""Building blocks of ITU-T P.1203 mode 0: audio, video, their integration, and stalling.

Written from the published formulas. Patents may cover P.1203 for commercial users.
"""

import numpy as np

from qoe.model import BoolArray, FloatArray

PC_DISPLAY_PX = 1920.0 * 1080.0


def mos_of_quality(quality: FloatArray) -> FloatArray:
    """MOS (1.05..4.9) of a quality Q in 0..100; as printed it dips by 0.003 for Q under 3.2 and is cut there (own)."""
    q = np.clip(quality, 0.0, 100.0)
    mos: FloatArray = (q - 60) * (100 - q)
    mos *= 7e-6
    mos += 3.85 / 100
    mos *= q
    mos += 1.05
    return np.maximum(mos, 1.05, out=mos)


# The published inverse is linear between these points. `_KNOT` says at equal steps of MOS, each shorter than any piece,
# which piece begins there at the latest: so no piece has to be searched for.
_QUALITY_GRID = np.arange(3.25, 100.25, 0.25)
_MOS_GRID = mos_of_quality(_QUALITY_GRID)
_PIECE_SLOPE = np.append(np.diff(_QUALITY_GRID) / np.diff(_MOS_GRID), 0.0)
_PIECE_LEVEL = _QUALITY_GRID - _PIECE_SLOPE * _MOS_GRID
_NEXT = np.append(_MOS_GRID[1:], np.inf)
_PER_MOS = 2000
_KNOT = np.searchsorted(_MOS_GRID, _MOS_GRID[0] + np.arange(int(4 * _PER_MOS)) / _PER_MOS, side="right") - 1


def quality_of_mos(mos: FloatArray) -> FloatArray:
    """Q of a MOS, by interpolation on the published grid."""
    mos = np.clip(mos, _MOS_GRID[0], _MOS_GRID[-1])
    step = np.fmin(mos, _MOS_GRID[-1])  # an unknown one is looked up somewhere, and stays unknown
    step -= _MOS_GRID[0]
    step *= _PER_MOS
    piece = _KNOT.take(step.astype(np.intp))
    piece += mos >= _NEXT.take(piece)
    mos *= _PIECE_SLOPE.take(piece)
    mos += _PIECE_LEVEL.take(piece)
    return mos


def coded_pixels(height: FloatArray) -> FloatArray:
    """Pixels of a 16:9 picture of that height, with the even width that encoders use (852 x 480)."""
    result: FloatArray = 2 * np.floor(height * 8 / 9) * height
    return result


def video_degradation(
    kbps: FloatArray, fps: FloatArray, coded_px: FloatArray, display_px: float = PC_DISPLAY_PX
) -> FloatArray:
    """Sum of the degradations by compression, upscaling and frame rate, 0..100 (H.264, mode 0)."""
    bits = np.maximum(kbps, 1.0)
    arg = bits * bits
    arg /= coded_px * fps
    arg += 0.13183165961
    arg *= bits  # ln(br) + ln(br^2 / ... ) is one logarithm
    np.log(arg, out=arg)
    arg += 41.2475074001
    quantisation = np.log(arg, out=arg)
    quantisation *= -2.99991847
    quantisation += 11.9983519
    quantisation *= 4.06
    coded_mos = np.exp(quantisation, out=quantisation)
    coded_mos *= -0.07
    coded_mos += 4.66
    degradation: FloatArray = 100 - quality_of_mos(np.clip(coded_mos, 1.0, 5.0, out=coded_mos))
    degradation += upscaling(coded_px, display_px)
    slow = fps < 24
    if slow.any():
        degradation[slow] += _temporal(degradation[slow], fps[slow])
    return np.clip(degradation, 0.0, 100.0, out=degradation)


def upscaling(coded_px: FloatArray, display_px: float = PC_DISPLAY_PX) -> FloatArray:
    """Du: what is lost where a picture is shown larger than it was coded."""
    larger: FloatArray = 0.32 * display_px / coded_px
    larger += 1 - 0.32
    np.maximum(larger, 1.0, out=larger)
    np.log10(larger, out=larger)
    larger *= 72.61
    return np.minimum(larger, 100.0, out=larger)


def _temporal(others: FloatArray, fps: FloatArray) -> FloatArray:
    """Dt: what a frame rate below 24 takes of what compression and upscaling leave."""
    return np.clip((100 - others) * (30.98 - 1.29 * fps) / (64.65 + fps), 0.0, 100.0)


def handheld_mos(mos: FloatArray) -> FloatArray:
    """O22 as seen on a handheld screen."""
    return np.clip(-0.60293 + mos * (2.12382 + mos * (-0.36936 + mos * 0.03409)), 1.0, 5.0)


def video_mos(
    kbps: FloatArray, fps: FloatArray, coded_px: FloatArray, handheld: BoolArray, display_px: float = PC_DISPLAY_PX
) -> FloatArray:
    """O22 of H.264 video."""
    mos = mos_of_quality(100 - video_degradation(kbps, fps, coded_px, display_px))
    difference = handheld_mos(mos)
    difference -= mos
    difference *= handheld
    mos += difference
    return mos


# O22 of the same bitrate in another codec as a cubic of the H.264 O22, highest power first
# (TU Ilmenau, codec extension of P.1203; "not standard-compliant").
H264_CUBIC = (0.0, 0.0, 1.0, 0.0)
HEVC_CUBIC = (-0.05196039, 0.39430046, 0.17486221, 0.50008018)
VP9_CUBIC = (-0.04129014, 0.30953836, 0.32314399, 0.52843580)


# a1, a2, a3 of the audio codecs
AUDIO_CODECS = {
    "mp2": (100.0, -0.02, 15.48),
    "ac3": (100.0, -0.03, 15.70),
    "aaclc": (100.0, -0.05, 14.60),
    "heaac": (100.0, -0.11, 20.06),
}


def audio_mos(kbps: FloatArray, codec: str = "aaclc") -> FloatArray:
    """O21 of audio in that codec."""
    a1, a2, a3 = AUDIO_CODECS[codec]
    left: FloatArray = np.exp(a2 * kbps)
    left *= -a1
    left += 100 - a3
    return mos_of_quality(left)


def audiovisual_mos(o21: FloatArray, o22: FloatArray) -> FloatArray:
    """O34 of one second; over a session with constant O34 it is O35 too, for then nothing swings."""
    o34: FloatArray = 0.02461776 * o21
    o34 += 0.97153861
    o34 *= o22
    o34 += 0.15374283 * o21
    o34 -= 0.00069084
    return np.clip(o34, 1.0, 5.0, out=o34)


def recency(before_end_s: FloatArray) -> FloatArray:
    """The part of a stall's weight that halves with each 10 s between it and the end."""
    return np.exp2(-before_end_s / 10)


def stalling_factor(
    count: FloatArray, total_s: FloatArray, recent_s: FloatArray, interval_s: FloatArray, play_s: FloatArray
) -> FloatArray:
    """SI in 0..1 of `count` stalls; `recent_s` is the sum of stall lengths times their recency.

    The initial loading counts as a stall at media time 0; `interval_s` is the mean time between stalls.
    O23 = 1 + 4 SI.
    """
    per_play: FloatArray = (0.48412879 / -0.91890815) * total_s
    per_play += (0.51587121 / -0.91890815) * recent_s
    per_play -= interval_s / 11.0567558
    per_play /= play_s
    per_play -= count / 9.35158684
    return np.exp(per_play, out=per_play)


def closed_form_mos(o35: FloatArray, stalling: FloatArray) -> FloatArray:
    """O46 without the random-forest term of P.1203.3."""
    mos: FloatArray = o35 - 1
    mos *= stalling
    mos += 1
    np.clip(mos, 1.0, 5.0, out=mos)
    mos *= 0.98117059
    mos += 0.02833052
    return mos
