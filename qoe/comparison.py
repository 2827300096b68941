"""What moves for whom between two versions of the same customers' indices: shifts, bands, groups, ranks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from qoe.catalogue import DIMENSIONS
from qoe.indices import Z95
from qoe.model import FloatArray

# Borders of the bands that customers are counted in (own): bad, poor, fair, good.
BANDS = (50.0, 65.0, 80.0)
NOTICEABLE = 5.0  # points: less than half of what one session moves a customer with ten (own)


@dataclass(frozen=True, eq=False)
class Scored:
    """Indices of customers in one version: sorted keys, overall and (4, rows) dimensions, NaN without enough data."""

    customer: NDArray[np.int64]
    overall: FloatArray
    dimension: FloatArray
    limiting: NDArray[np.int8]

    def at(self, rows: NDArray[np.intp]) -> "Scored":
        """Some of the customers."""
        return Scored(self.customer[rows], self.overall[rows], self.dimension[:, rows], self.limiting[rows])


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How `n` customers move: means before and after, mean shift with 95 % interval, and who moves noticeably.

    `risen` and `fallen` are shares of those who move by `NOTICEABLE` points or more. NaN where nobody has both.
    """

    n: int
    before: float
    after: float
    shift: float
    lo: float
    hi: float
    risen: float
    fallen: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two versions side by side.

    `only_before` and `only_after` have an overall index in one version only. `bands[i][j]` customers move from band i
    to band j of `BANDS`. `rank_correlation` is Spearman's. `limiting_moved`: share whose limiting dimension differs.
    """

    overall: Shift
    dimensions: dict[str, Shift]
    only_before: int
    only_after: int
    bands: tuple[tuple[int, ...], ...]
    rank_correlation: float
    limiting_moved: float


def aligned(before: Scored, after: Scored) -> tuple[Scored, Scored]:
    """The customers that are in both, in one order."""
    _, left, right = np.intersect1d(before.customer, after.customer, assume_unique=True, return_indices=True)
    return before.at(left), after.at(right)


def compare(before: Scored, after: Scored) -> Comparison:
    """Compare two versions of the same customers, as `aligned` returns them."""
    had, has = ~np.isnan(before.overall), ~np.isnan(after.overall)
    both = had & has
    old, new = before.overall[both], after.overall[both]
    return Comparison(
        overall=shift_of(before.overall, after.overall),
        dimensions={name: shift_of(before.dimension[row], after.dimension[row]) for row, name in enumerate(DIMENSIONS)},
        only_before=int((had & ~has).sum()),
        only_after=int((has & ~had).sum()),
        bands=_bands(old, new),
        rank_correlation=_rank_correlation(old, new),
        limiting_moved=float((before.limiting[both] != after.limiting[both]).mean()) if both.any() else np.nan,
    )


def shift_of(before: FloatArray, after: FloatArray) -> Shift:
    """How the customers with a value in both versions move; the interval is that of the mean of paired differences."""
    both = ~np.isnan(before) & ~np.isnan(after)
    n = int(both.sum())
    if not n:
        return Shift(n=0, **dict.fromkeys(("before", "after", "shift", "lo", "hi", "risen", "fallen"), np.nan))
    difference = after[both] - before[both]
    mean = float(difference.mean())
    error = Z95 * float(difference.std(ddof=1)) / np.sqrt(n) if n > 1 else np.nan
    return Shift(
        n=n,
        before=float(before[both].mean()),
        after=float(after[both].mean()),
        shift=mean,
        lo=mean - error,
        hi=mean + error,
        risen=float((difference >= NOTICEABLE).mean()),
        fallen=float((difference <= -NOTICEABLE).mean()),
    )


def by_group(before: Scored, after: Scored, group: NDArray[np.integer], least: int) -> dict[int, Shift]:
    """How the overall index of each group of at least `least` customers moves, the greatest shift first; 0 is nobody's.

    `group` is each customer's, in the order of both versions.
    """
    found = {
        int(code): shift_of(before.overall[group == code], after.overall[group == code])
        for code in np.unique(group)
        if code
    }
    shown = {code: shift for code, shift in found.items() if shift.n >= least}
    return dict(sorted(shown.items(), key=lambda item: -abs(item[1].shift)))


def _bands(before: FloatArray, after: FloatArray) -> tuple[tuple[int, ...], ...]:
    size = len(BANDS) + 1
    place = np.digitize(before, BANDS) * size + np.digitize(after, BANDS)
    counts = np.bincount(place, minlength=size * size).reshape(size, size)
    return tuple(tuple(int(count) for count in row) for row in counts)


def _rank_correlation(before: FloatArray, after: FloatArray) -> float:
    if len(before) < 2 or np.ptp(before) == 0 or np.ptp(after) == 0:
        return float("nan")
    return float(stats.spearmanr(before, after).statistic)
