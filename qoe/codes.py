"""Dense codes for sparse numbers, so that sums per group are one pass over an array."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]

_SPARSE = 4  # a look-up table this much longer than the rows costs more than sorting them
_SMALL = 1 << 16


def dense(numbers: NDArray[Any]) -> tuple[NDArray[Any], Codes]:
    """Return the distinct numbers, ascending, and for each row the place of its own among them."""
    if len(numbers) and numbers.min() >= 0 and numbers.max() < _SMALL + _SPARSE * len(numbers):
        present = np.zeros(int(numbers.max()) + 1, dtype=np.bool_)
        present[numbers] = True
        place = np.cumsum(present, dtype=np.int64) - 1
        return np.flatnonzero(present).astype(numbers.dtype), place[numbers]
    values, codes = np.unique(numbers, return_inverse=True)
    return values, codes.astype(np.int64, copy=False)


def crossed(*codes: Codes) -> tuple[int, Codes]:
    """Return the number of distinct combinations of several codes, and a dense code of each row's combination."""
    combined = codes[0]
    for other in codes[1:]:
        combined = combined * (int(other.max(initial=0)) + 1) + other
    values, places = dense(combined)
    return len(values), places


def stable_order(codes: Codes) -> Codes:
    """Return the stable sorting order; a radix sort where the codes are few."""
    if len(codes) and int(codes.max()) < _SMALL:
        return np.argsort(codes.astype(np.uint16), kind="stable")
    return np.argsort(codes, kind="stable")
