"""Fairness of a group: how evenly experience is spread over its users."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qoe.model import FloatArray

LOWEST, HIGHEST = 0.0, 100.0  # the ends of the scale of indices


@dataclass(frozen=True, eq=False)
class Fairness:
    """Per group: mean and standard deviation of its users' indices, and F; NaN where no user has one."""

    mean: FloatArray
    sigma: FloatArray
    f: FloatArray


def fairness(count: NDArray[Any], total: FloatArray, square: FloatArray) -> Fairness:
    """Return F = 1 - 2 sigma / (H - L) of groups given by users, sum of their indices and of the squares.

    F is 1 where all fare alike and 0 where half are at each end of the scale [L, H] (Hossfeld et al. 2017); it says
    nothing of how well they fare. Sigma is that of the users at hand (divided by n).
    """
    some = np.maximum(count, 1)
    mean = np.where(count > 0, total / some, np.nan)
    sigma = np.sqrt(np.maximum(square / some - mean**2, 0.0))
    return Fairness(mean=mean, sigma=sigma, f=1.0 - 2.0 * sigma / (HIGHEST - LOWEST))
