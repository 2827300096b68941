"""What causes the bad units of anybody's table: its leaves searched like a window of sessions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qoe.clusters.causes import Found, causes
from qoe.clusters.cuboids import Grid
from qoe.clusters.noise import Weighed, weighed_counts, weighed_measure
from qoe.clusters.precedent import expected_by_precedent
from qoe.clusters.units import Bools, Floats
from records.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One cause of a table, in the form of a cluster: AND over the columns of `selector`, OR inside its lists.

    `sessions` is the total in it (None for an additive measure), `bad` and `expected_bad` what was seen and expected
    there; `p_value` of this selector alone, `q_value` over all that were looked at.
    """

    selector: Mapping[str, list[Any]]
    sessions: float | None
    bad: float
    expected_bad: float
    p_value: float
    q_value: float

    @property
    def bad_ratio(self) -> float | None:
        """Bad over all."""
        return None if self.sessions is None else self.bad / max(self.sessions, 1e-12)

    @property
    def expected_ratio(self) -> float | None:
        """Expected bad over all."""
        return None if self.sessions is None else self.expected_bad / max(self.sessions, 1e-12)

    @property
    def severity(self) -> float:
        """(bad ratio - expected ratio) / (1 - expected ratio); of an additive measure the share that is excess."""
        room = self.bad if self.sessions is None else self.sessions - self.expected_bad
        return (self.bad - self.expected_bad) / max(room, 1e-12)


def localise(
    frame: pd.DataFrame,
    attributes: Sequence[str],
    bad: str,
    total: str | None,
    expected_bad: str | None = None,
    *,
    history: pd.DataFrame | None = None,
    level: float = 0.01,
    depth: int = 6,
    most: int = 12,
) -> list[Cause]:
    """Return the causes of a table's bad units, strongest first; none where chance explains them.

    `frame` has one row a leaf: the columns `attributes` (missing values allowed), `bad` and `total`: counts, or with
    `total` None an additive measure of any unit in `bad`, which then needs `expected_bad`. What to expect comes from
    the column `expected_bad`; without it from `history` (the same columns, any number of rows a leaf, before the
    trouble); without that from the ratio of the rest of the table. `level` is the share of tables without a cause in
    which one may be found, `depth` how many conditions a cause may have, `most` how many causes there may be.
    Each value of a cause stands in a list of one; raises `DataError` where a column is missing.
    """
    _check(frame, [*attributes, bad, *(name for name in (total, expected_bad) if name is not None)])
    if total is None and expected_bad is None:
        raise DataError("an additive measure needs its expectation: name its column in expected_bad", code="expected")
    seen = frame[bad].to_numpy(np.float64)
    n = None if total is None else frame[total].to_numpy(np.float64)
    expected: Floats | None
    if expected_bad is None and history is not None:
        expected = expected_by_precedent(frame, history, attributes, bad, str(total))
    else:
        expected = None if expected_bad is None else frame[expected_bad].to_numpy(np.float64)
    coded = {name: pd.factorize(frame[name]) for name in attributes}
    grid = _grid({name: codes + 1 for name, (codes, _) in coded.items()}, [len(each) for _, each in coded.values()])

    def weighing(alive: Bools) -> Weighed:
        return _weighed(seen[alive], None if n is None else n[alive], None if expected is None else expected[alive])

    found = causes(grid, weighing, relative=expected is None, depth=depth, level=level, most=most)
    values = {name: values.tolist() for name, (_, values) in coded.items()}
    return [_cause(each, grid, values, seen, n, expected) for each in found]


def _grid(codes: Mapping[str, NDArray[np.integer]], sizes: Sequence[int]) -> Grid:
    rows = np.array(list(codes.values()))
    return Grid(names=tuple(codes), codes=rows, sizes=tuple(sizes), gap=int(not rows.size or rows.min() == 0))


def _weighed(seen: Floats, n: Floats | None, expected: Floats | None) -> Weighed:
    if n is None:
        return weighed_measure(seen, seen if expected is None else expected)
    even = n * (seen.sum() / max(float(n.sum()), 1e-12))
    return weighed_counts(seen, even if expected is None else np.minimum(expected, n), n)


def _cause(
    found: Found,
    grid: Grid,
    values: Mapping[str, list[Any]],
    seen: Floats,
    n: Floats | None,
    expected: Floats | None,
) -> Cause:
    inside = grid.chosen(found.codes)
    sessions = None if n is None else float(n[inside].sum())
    if expected is not None:
        mean = float(expected[inside].sum())
    else:
        mean = float(sessions or 0.0) * _ratio_of_rest(~inside, seen, n)
    return Cause(
        selector={name: [values[name][code - 1]] for name, code in found.codes.items()},
        sessions=sessions,
        bad=float(seen[inside].sum()),
        expected_bad=mean,
        p_value=found.p_value,
        q_value=found.q_value,
    )


def _ratio_of_rest(rest: Bools, seen: Floats, n: Floats | None) -> float:
    return 0.0 if n is None else float(seen[rest].sum()) / max(float(n[rest].sum()), 1e-12)


def _check(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in frame]
    if missing:
        there = ", ".join(map(str, frame))
        raise DataError(f"the table has no column {', '.join(missing)}; it has {there}", code="column")
