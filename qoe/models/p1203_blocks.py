"""Building blocks of ITU-T P.1203 mode 0: audio, video, their integration, and stalling.

Written from the published formulas. Patents may cover P.1203 for commercial users.
"""

import numpy as np

from qoe.model import BoolArray, FloatArray

PC_DISPLAY_PX = 1920.0 * 1080.0


def mos_of_quality(quality: FloatArray) -> FloatArray:
    """MOS (1.05..4.9) of a quality Q in 0..100; as printed it dips by 0.003 for Q under 3.2 and is cut there (own)."""
    q = np.clip(quality, 0.0, 100.0)
    return np.maximum(1.05 + 3.85 * q / 100 + q * (q - 60) * (100 - q) * 7e-6, 1.05)


_QUALITY_GRID = np.arange(3.25, 100.25, 0.25)
_MOS_GRID = mos_of_quality(_QUALITY_GRID)


def quality_of_mos(mos: FloatArray) -> FloatArray:
    """Q of a MOS, by interpolation on the published grid."""
    result: FloatArray = np.interp(mos, _MOS_GRID, _QUALITY_GRID)
    return result


def coded_pixels(height: FloatArray) -> FloatArray:
    """Pixels of a 16:9 picture of that height, with the even width that encoders use (852 x 480)."""
    result: FloatArray = 2 * np.floor(height * 8 / 9) * height
    return result


def video_degradation(
    kbps: FloatArray, fps: FloatArray, coded_px: FloatArray, display_px: float = PC_DISPLAY_PX
) -> FloatArray:
    """Sum of the degradations by compression, upscaling and frame rate, 0..100 (H.264, mode 0)."""
    bits = np.maximum(kbps, 1.0)
    arg = 41.2475074001 + np.log(bits) + np.log(bits * bits / (coded_px * fps) + 0.13183165961)
    quantisation = 11.9983519 - 2.99991847 * np.log(arg)
    coded_mos = np.clip(4.66 - 0.07 * np.exp(4.06 * quantisation), 1.0, 5.0)
    compression = np.clip(100 - quality_of_mos(coded_mos), 0.0, 100.0)
    scale = np.maximum(display_px / coded_px, 1.0)
    upscaling = np.clip(72.61 * np.log10(0.32 * (scale - 1) + 1), 0.0, 100.0)
    slow = (100 - compression - upscaling) * (30.98 - 1.29 * fps) / (64.65 + fps)
    temporal = np.where(fps >= 24, 0.0, np.clip(slow, 0.0, 100.0))
    return np.clip(compression + upscaling + temporal, 0.0, 100.0)


def handheld_mos(mos: FloatArray) -> FloatArray:
    """O22 as seen on a handheld screen."""
    return np.clip(-0.60293 + mos * (2.12382 + mos * (-0.36936 + mos * 0.03409)), 1.0, 5.0)


def video_mos(
    kbps: FloatArray, fps: FloatArray, coded_px: FloatArray, handheld: BoolArray, display_px: float = PC_DISPLAY_PX
) -> FloatArray:
    """O22 of H.264 video."""
    mos = mos_of_quality(100 - video_degradation(kbps, fps, coded_px, display_px))
    return np.where(handheld, handheld_mos(mos), mos)


# O22 of the same bitrate in another codec as a cubic of the H.264 O22, highest power first
# (TU Ilmenau, codec extension of P.1203; "not standard-compliant").
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
    return mos_of_quality(100 - (a1 * np.exp(a2 * kbps) + a3))


def audiovisual_mos(o21: FloatArray, o22: FloatArray) -> FloatArray:
    """O34 of one second; over a session with constant O34 it is O35 too, for then nothing swings."""
    return np.clip(-0.00069084 + 0.15374283 * o21 + 0.97153861 * o22 + 0.02461776 * o21 * o22, 1.0, 5.0)


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
    weighted_s = 0.48412879 * total_s + 0.51587121 * recent_s
    exponent = count / 9.35158684 + weighted_s / (0.91890815 * play_s) + interval_s / (11.0567558 * play_s)
    result: FloatArray = np.exp(-exponent)
    return result


def closed_form_mos(o35: FloatArray, stalling: FloatArray) -> FloatArray:
    """O46 without the random-forest term of P.1203.3."""
    result: FloatArray = 0.02833052 + 0.98117059 * np.clip(1 + (o35 - 1) * stalling, 1.0, 5.0)
    return result
