"""Building blocks of ITU-T G.1070 (06/2018), opinion model for video telephony, read in a secondary source.

Video: H.264 baseline, VGA, on a screen of 6 inches. Multimedia: the one printed set (4.2 inches).
"""

import numpy as np

from qoe.model import FloatArray

# v1..v12 of the video quality, m1..m10 of the multimedia quality (m12 and m14 are 0, and sound and picture share one
# delay here, so the term for their offset is 0 too).
_V = (6.743, 0.009998, 3.051, 168.1, 1.766, 1.130, 0.001834, 1.232, 53.25, 3.353, 6.025, 80.752)
_M = (-0.4457, -0.6638, 0.4042, 2.321, -0.3255, 0.3309, 0.1494, 0.5457, -3.235e-4, 3.915)

BEST_VIDEO = 1 + _V[2]
BEST_SPEECH = 4.5
_LEAST_RATE = 1e-6  # of v4 kbit/s: no rate at all, where Vq is 1
# Delay opinion above which a better picture and sound is a better call, as it should be (own, from m1 and m3).
_LEAST_DELAY_OPINION = -_M[0] / _M[2]


def video_quality(kbps: FloatArray, fps: FloatArray, loss_percent: FloatArray) -> FloatArray:
    """Vq: 1 and more; best at a frame rate that grows with the bit rate."""
    v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12 = _V
    best_fps = v2 * kbps
    best_fps += v1
    away: FloatArray = np.divide(fps, best_fps, out=best_fps)
    np.log(away, out=away)
    width = v7 * kbps
    width += v6
    away /= width
    away *= away
    away *= -0.5
    by_rate = np.exp(np.multiply(kbps, -1 / v9, out=width), out=width)
    by_rate *= v12
    robustness = fps * (-1 / v8)
    np.exp(robustness, out=robustness)
    robustness *= v11
    robustness += by_rate
    robustness += v10
    away -= np.divide(loss_percent, robustness, out=robustness)
    quality = np.exp(away, out=away)
    # (kbps / v4) ** -v5 by a logarithm, since a power is dear where a value is missing.
    short = kbps * (1 / v4)
    np.log(np.maximum(short, _LEAST_RATE, out=short), out=short)
    short *= -v5
    np.exp(short, out=short)
    short += 1
    quality /= short
    quality *= v3
    quality += 1
    return quality


def speech_video_quality(speech: FloatArray, video: FloatArray) -> FloatArray:
    """MMsv: both together.

    As printed, better sound makes a bad picture (Vq below 2.18) worse. It is taken as no help then (own): the smaller
    of what is printed for this sound and for the best.
    """
    # M5 Sq + M8 + Vq (M6 + M7 Sq), as what it is for the best sound and what this sound is below it.
    worse: FloatArray = _M[6] * video
    worse += _M[4]
    np.maximum(worse, 0.0, out=worse)
    worse *= speech - BEST_SPEECH
    both: FloatArray = (_M[5] + _M[6] * BEST_SPEECH) * video
    both += _M[4] * BEST_SPEECH + _M[7]
    both += worse
    return both


def multimedia_quality(speech_video: FloatArray, delay_ms: FloatArray) -> FloatArray:
    """MMq: the call as a whole, from 1.

    As printed, delay improves a call of bad picture and sound (MMsv below 1.64). It is taken as no help then (own):
    the smaller of what is printed for this delay and for none.
    """
    # M1 MMsv + M4 + MMt (M2 + M3 MMsv), as what it is without delay and what delay takes from that.
    late: FloatArray = 2 * _M[8] * delay_ms
    np.maximum(late, _LEAST_DELAY_OPINION - _M[9], out=late)
    worse: FloatArray = _M[2] * speech_video
    worse += _M[1]
    np.maximum(worse, 0.0, out=worse)
    worse *= late
    quality: FloatArray = (_M[0] + _M[9] * _M[2]) * speech_video
    quality += _M[3] + _M[9] * _M[1]
    quality += worse
    return np.maximum(quality, 1.0, out=quality)
