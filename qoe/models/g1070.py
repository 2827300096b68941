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
# Delay opinion above which a better picture and sound is a better call, as it should be (own, from m1 and m3).
_LEAST_DELAY_OPINION = -_M[0] / _M[2]


def video_quality(kbps: FloatArray, fps: FloatArray, loss_percent: FloatArray) -> FloatArray:
    """Vq: 1 and more; best at a frame rate that grows with the bit rate."""
    v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12 = _V
    best_fps = v1 + v2 * kbps
    at_best = v3 * (1 - 1 / (1 + (kbps / v4) ** v5))
    width = v6 + v7 * kbps
    away = np.log(fps / best_fps) / width
    robustness = v10 + v11 * np.exp(-fps / v8) + v12 * np.exp(-kbps / v9)
    quality: FloatArray = np.exp(-0.5 * away * away - loss_percent / robustness)
    quality *= at_best
    quality += 1
    return quality


def speech_video_quality(speech: FloatArray, video: FloatArray) -> FloatArray:
    """MMsv: both together.

    As printed, better sound makes a bad picture (Vq below 2.18) worse. It is taken as no help then (own): the smaller
    of what is printed for this sound and for the best.
    """
    return np.minimum(_speech_video(speech, video), _speech_video(BEST_SPEECH, video))


def _speech_video(speech: FloatArray | float, video: FloatArray) -> FloatArray:
    both: FloatArray = _M[4] * speech + _M[7] + video * (_M[5] + _M[6] * speech)
    return both


def delay_opinion(delay_ms: FloatArray) -> FloatArray:
    """MMt of sound and picture that both take so long one way."""
    opinion: FloatArray = 2 * _M[8] * delay_ms
    opinion += _M[9]
    return np.maximum(opinion, _LEAST_DELAY_OPINION, out=opinion)


def multimedia_quality(speech_video: FloatArray, delay_ms: FloatArray) -> FloatArray:
    """MMq: the call as a whole, from 1.

    As printed, delay improves a call of bad picture and sound (MMsv below 1.64). It is taken as no help then (own):
    the smaller of what is printed for this delay and for none.
    """
    now = _multimedia(speech_video, delay_opinion(delay_ms))
    return np.maximum(np.minimum(now, _multimedia(speech_video, _M[9])), 1.0)


def _multimedia(speech_video: FloatArray, delay: FloatArray | float) -> FloatArray:
    quality: FloatArray = _M[0] * speech_video + _M[3] + delay * (_M[1] + _M[2] * speech_video)
    return quality
