"""Fixed-bin histograms of times and rates: mergeable by addition, with percentiles by interpolation."""

from dataclasses import dataclass
from math import log10

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
CountArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Bins:
    """Bins with equal ratios between `lo` and `hi`, one below for [0, lo) and one above; never change a version's bins.

    A percentile inside [lo, hi) is off by at most one bin: the ratio of neighbouring edges, 1.122 with 20 per decade.
    """

    lo: float
    hi: float
    per_decade: int = 20

    @property
    def inner(self) -> int:
        """Number of bins between `lo` and `hi`."""
        return round(log10(self.hi / self.lo) * self.per_decade)

    @property
    def size(self) -> int:
        """Number of bins in all."""
        return self.inner + 2

    @property
    def edges(self) -> FloatArray:
        """Shape (size + 1): 0, lo .. hi, and hi again times one step for the open bin above."""
        edges = self.lo * 10 ** (np.arange(self.inner + 1) / self.per_decade)
        return np.concatenate([[0.0], edges, [edges[-1] * 10 ** (1 / self.per_decade)]])

    def index(self, values: FloatArray) -> NDArray[np.intp]:
        """Bin of every value (not NaN, at least 0)."""
        return np.searchsorted(self.edges[1:-1], values, side="right")

    def counts(self, values: FloatArray, group_codes: NDArray[np.intp], n_groups: int) -> CountArray:
        """Counts of shape (n_groups, size); NaN, negative values and groups below 0 are left out."""
        used = (values >= 0) & (group_codes >= 0)
        cell = group_codes[used] * self.size + self.index(values[used])
        return np.bincount(cell, minlength=n_groups * self.size).reshape(n_groups, self.size)

    def percentile(self, counts: CountArray, percent: float) -> FloatArray:
        """Percentile per row of counts of shape (n, size), linear inside its bin; NaN for an empty row."""
        below = np.cumsum(counts, axis=-1)
        total = below[..., -1]
        target = total * (percent / 100)
        place = np.minimum((below < target[..., None]).sum(axis=-1), self.size - 1)
        first = np.argmax(counts > 0, axis=-1)
        place = np.maximum(place, first)
        inside = np.take_along_axis(counts, place[..., None], axis=-1)[..., 0]
        before = np.take_along_axis(below, place[..., None], axis=-1)[..., 0] - inside
        share = (target - before) / np.maximum(inside, 1)
        edges = self.edges
        value = edges[place] + share * (edges[place + 1] - edges[place])
        return np.where(total > 0, value, np.nan)


TIME_MS = Bins(lo=1.0, hi=1_000_000.0)
TIME_S = Bins(lo=1.0, hi=1_000_000.0)
RATE_KBPS = Bins(lo=1.0, hi=10_000_000.0)
BINS = {"ms": TIME_MS, "s": TIME_S, "kbit/s": RATE_KBPS}
