"""Building blocks of ITU-T G.1072 with its class High for interaction and for video: what a network does to a game.

Written from the published formulas; the coefficients are those of a secondary source.
"""

import numpy as np

from qoe.model import Block, FloatArray

Value = FloatArray | float


def delay_ms(block: Block) -> FloatArray:
    """Round trip to the game server and, since G.1072 has no jitter, twice its mean as the 95th percentile (own)."""
    delay = 2 * block.or_assumed("jitter_ms", 0.0)
    delay += block.or_assumed("rtt_server_ms", 0.0)
    delay += block.number("rtt_client_ms")
    return delay


def frame_loss_percent(delay_ms: FloatArray, loss: FloatArray, fps: Value, mbps: Value) -> FloatArray:
    """FLR: frames lost in percent; loss as a ratio, nothing is lost below 16 ms of delay."""
    lost: FloatArray = 0.09656 * delay_ms
    lost -= 1.5
    lost *= loss
    share = 1.425e-4 * mbps
    share += 0.00073
    share *= fps
    share += 0.08526
    lost *= share
    np.negative(lost, out=lost)
    np.expm1(lost, out=lost)
    lost *= -100
    np.copyto(lost, 0.0, where=delay_ms < 16)
    return lost


def input_impairment(delay_ms: FloatArray) -> FloatArray:
    """IINP: how late the game answers to what the player does."""
    late: FloatArray = -0.009775 * delay_ms
    late += 1.191
    np.exp(late, out=late)
    late += 1
    np.divide(90.0, late, out=late)
    late -= 18.73
    return np.clip(late, 0.0, 68.98, out=late)


def frame_impairment(log_lost: FloatArray, fps: Value) -> FloatArray:
    """IFrame: a low or broken frame rate, as it disturbs playing; of ln(1 + FLR)."""
    broken = _quadratic(fps, 0.02589, -2.485, 54.71) + 9.306 * log_lost
    return np.clip(broken, 0.0, 68.98, out=broken)


def motion_impairment(log_lost: FloatArray, fps: Value) -> FloatArray:
    """ITVQ: a low or broken frame rate, as it is seen; of ln(1 + FLR)."""
    broken = _quadratic(fps, 0.01747, -1.823, 47.03) + 10.7 * log_lost
    return np.clip(broken, 0.0, 61.29, out=broken)


def _quadratic(x: Value, second: float, first: float, constant: float) -> Value:
    value = second * x
    value += first
    value *= x
    value += constant
    return value


def coding_impairment(mbps: FloatArray, fps: FloatArray, coded_px: FloatArray) -> FloatArray:
    """Icodn: what coding with so few bits a pixel takes, 3.4 and more."""
    bits_per_pixel = mbps * 1e6
    bits_per_pixel /= coded_px
    bits_per_pixel /= fps
    complexity = -167.837954 * bits_per_pixel
    np.exp(complexity, out=complexity)
    complexity *= 9.05167501 * 7.62306351
    coding = np.multiply(bits_per_pixel, -12.0699723, out=bits_per_pixel)
    np.exp(coding, out=coding)
    coding *= 47.7463038
    coding += complexity
    coding += 9.05167501 * 0.0760332685 + 3.41919377
    return np.minimum(coding, 65.0, out=coding)


def transmission_impairment(coding: FloatArray, loss: FloatArray) -> FloatArray:
    """Itras: what lost packets do to a picture that coding has already impaired; loss as a ratio."""
    weight = coding * 0.00406000335
    weight += loss
    spoilt: FloatArray = 74.0570804 - coding
    spoilt *= loss
    spoilt /= weight
    spoilt *= 0.868406685
    np.expm1(spoilt, out=spoilt)
    spoilt *= 2.58892e-8 * 3.68595885
    np.log1p(spoilt, out=spoilt)
    spoilt *= 1.57176227
    return spoilt


def mos_of_rating(rating: FloatArray) -> FloatArray:
    """MOS (1.3..4.64) of a rating in 0..100."""
    r = np.clip(rating, 0.0, 100.0)
    mos: FloatArray = (r - 60) * (100 - r)
    mos *= 7e-6
    mos += 3.34 / 100
    mos *= r
    mos += 1.3
    return np.clip(mos, 1.3, 4.64, out=mos)
