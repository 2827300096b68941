"""Building blocks of the E-model (ITU-T G.107): transmission rating, impairments, and rating to MOS."""

from dataclasses import dataclass
from math import log10

import numpy as np

from qoe.model import FloatArray


@dataclass(frozen=True, kw_only=True)
class Line:
    """The parameters of a connection that do not come from the session; ITU-T G.107 defaults (published)."""

    slr_db: float = 8.0  # send loudness rating
    rlr_db: float = 2.0  # receive loudness rating
    stmr_db: float = 15.0  # sidetone masking rating
    lstr_db: float = 18.0  # listener sidetone rating
    ds_db: float = 3.0  # D-value of the telephone, send side
    telr_db: float = 65.0  # talker echo loudness rating
    wepl_db: float = 110.0  # weighted echo path loss
    qdu: float = 1.0  # quantisation distortion units
    nc_dbm0p: float = -70.0  # circuit noise
    nfor_dbmp: float = -64.0  # noise floor at the receive side
    ps_dba: float = 35.0  # room noise, send side
    pr_dba: float = 35.0  # room noise, receive side
    sensitivity: float = 1.0  # sT, delay sensitivity
    least_delay_ms: float = 100.0  # mT, smallest delay that is noticed

    @property
    def olr_db(self) -> float:
        """Overall loudness rating."""
        return self.slr_db + self.rlr_db

    @property
    def noise_dbm0p(self) -> float:
        """No: the power sum of circuit noise, room noise on both sides and noise floor."""
        send = self.ps_dba - self.slr_db - self.ds_db - 100 + 0.004 * (self.ps_dba - self.olr_db - self.ds_db - 14) ** 2
        effective = self.pr_dba + 10 * log10(1 + 10 ** ((10 - self.lstr_db) / 10))
        receive = self.rlr_db - 121 + effective + 0.008 * (effective - 35) ** 2
        floor = self.nfor_dbmp + self.rlr_db
        return 10 * log10(sum(10 ** (part / 10) for part in (self.nc_dbm0p, send, receive, floor)))

    @property
    def basic_rating(self) -> float:
        """Ro: the basic signal-to-noise ratio."""
        return 15 - 1.5 * (self.slr_db + self.noise_dbm0p)


DEFAULT_LINE = Line()


def sidetone_impairment(echo_delay_ms: FloatArray, line: Line = DEFAULT_LINE) -> FloatArray:
    """Ist: impairment by a sidetone that is not optimal."""
    echo = np.exp(-echo_delay_ms / 4) * 10 ** (-line.telr_db / 10)
    masking = -10 * np.log10(10 ** (-line.stmr_db / 10) + echo)
    low = 12 * (1 + ((masking - 13) / 6) ** 8) ** (1 / 8)
    middle = 28 * (1 + ((masking + 1) / 19.4) ** 35) ** (1 / 35)
    high = 13 * (1 + ((masking - 3) / 33) ** 13) ** (1 / 13)
    result: FloatArray = low - middle - high + 29
    return result


def simultaneous_impairment(echo_delay_ms: FloatArray, line: Line = DEFAULT_LINE) -> FloatArray:
    """Is: too loud a connection, sidetone, and quantisation."""
    ratio = (line.olr_db + 0.2 * (64 + line.noise_dbm0p - line.rlr_db)) / 8
    loudness = 20 * ((1 + ratio**8) ** (1 / 8) - ratio)
    quality = 37 - 15 * log10(line.qdu)
    g = 1.07 + 0.258 * quality + 0.0602 * quality**2
    y, z = (line.basic_rating - 100) / 15 + 46 / 8.4 - g / 9, 46 / 30 - g / 40
    quantisation = 15 * log10(1 + 10**y + 10**z)
    impairment: FloatArray = sidetone_impairment(echo_delay_ms, line) + (loudness + quantisation)
    return impairment


def talker_echo_impairment(echo_delay_ms: FloatArray, line: Line = DEFAULT_LINE) -> FloatArray:
    """Idte, for STMR between 9 and 20 dB; never below 0.

    As printed, it is up to 0.2 below 0 between 1 and 5 ms; an echo does not improve a call, so it is cut there (own).
    """
    t = echo_delay_ms
    loss = line.telr_db - 40 * np.log10((1 + t / 10) / (1 + t / 150)) + 6 * np.exp(-0.3 * t * t)
    half = (-1.5 * (line.noise_dbm0p - line.rlr_db) - (80 + 2.5 * (loss - 14))) / 2
    impairment = (half + np.sqrt(half * half + 100) - 1) * -np.expm1(-t)
    return np.where(t < 1, 0.0, np.maximum(impairment, 0.0))


def listener_echo_impairment(round_trip_ms: FloatArray, line: Line = DEFAULT_LINE) -> FloatArray:
    """Idle: the listener hears the speech again after `round_trip_ms`."""
    half = (line.basic_rating - 10.5 * (line.wepl_db + 7) / np.sqrt(np.sqrt(round_trip_ms + 1))) / 2
    result: FloatArray = half + np.sqrt(half * half + 169)
    return result


def pure_delay_impairment(delay_ms: FloatArray, line: Line = DEFAULT_LINE) -> FloatArray:
    """Idd: the talkers wait for each other (one-way delay above `least_delay_ms`)."""
    x = np.log2(np.maximum(delay_ms, line.least_delay_ms) / line.least_delay_ms)
    power = 6 * line.sensitivity
    raised = x**power
    result: FloatArray = 25 * ((1 + raised) ** (1 / power) - 3 * (1 + raised / 3**power) ** (1 / power) + 2)
    return result


def delay_rating(delay_ms: FloatArray, line: Line = DEFAULT_LINE) -> FloatArray:
    """Ro - Is - Id of a connection whose echo comes over the same path: T = Ta = `delay_ms`, Tr = 2 `delay_ms`."""
    return (
        line.basic_rating
        - simultaneous_impairment(delay_ms, line)
        - talker_echo_impairment(delay_ms, line)
        - listener_echo_impairment(2 * delay_ms, line)
        - pure_delay_impairment(delay_ms, line)
    )


def equipment_impairment(
    ie: FloatArray | float,
    bpl: FloatArray | float,
    loss_percent: FloatArray,
    burst_ratio: FloatArray | float = 1.0,
    worst: FloatArray | float = 95.0,
) -> FloatArray:
    """Ie,eff: what codec and packet loss take away, at most `worst` (95 on the wideband scale too, 132 on fullband)."""
    burst = loss_percent if isinstance(burst_ratio, float) and burst_ratio == 1 else loss_percent / burst_ratio
    impairment: FloatArray = (worst - ie) * loss_percent
    impairment /= burst + bpl
    impairment += ie
    return impairment


def mos_of_rating(rating: FloatArray) -> FloatArray:
    """MOS (1..4.5) of a narrowband rating R; the published polynomial dips below 1 for R under 6.5 and is cut there."""
    r = np.clip(rating, 0.0, 100.0)
    bend = (r - 60) * (100 - r)
    bend *= 7e-6
    bend += 0.035
    bend *= r
    bend += 1
    return np.maximum(bend, 1.0, out=bend)
