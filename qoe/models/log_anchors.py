"""The logarithmic curve between two anchors that web, messaging, payment and file models share (ITU-T G.1030)."""

from math import log

import numpy as np

from qoe.model import FloatArray


def time_mos(time_s: FloatArray, best_s: float, worst_s: float) -> FloatArray:
    """MOS of a waiting time: 5 at `best_s` and below, 1 at `worst_s` and above, linear in ln t between."""
    slope = 4 / log(worst_s / best_s)
    return np.clip(5 + slope * log(best_s) - slope * np.log(np.maximum(time_s, 1e-6)), 1.0, 5.0)


def rate_mos(rate: FloatArray, worst: float, best: float) -> FloatArray:
    """MOS of a rate: 1 at `worst` and below, 5 at `best` and above, linear in ln rate between."""
    return np.clip(1 + 4 / log(best / worst) * np.log(np.maximum(rate, 1e-6) / worst), 1.0, 5.0)
