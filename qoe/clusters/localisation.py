"""What causes the bad units of anybody's table: its leaves searched like a window of sessions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qoe.clusters.causes import Found, causes
from qoe.clusters.cuboids import Grid
from qoe.clusters.ledger import CountLedger, Ledger, MeasureLedger
from qoe.clusters.noise import Measured, Weighed, weighed_counts
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
    seen = _figures(frame[bad])
    n = None if total is None else frame[total].to_numpy(np.float64)
    expected: Floats | None
    if expected_bad is None and history is not None:
        expected = expected_by_precedent(frame, history, attributes, bad, str(total))
    else:
        expected = None if expected_bad is None else _figures(frame[expected_bad])
    grid, values = _grid(frame, attributes)
    found = causes(grid, _ledger(grid, seen, n, expected, depth), level=level, most=most)
    return [_cause(each, grid, values, seen, n, expected) for each in found]


def _grid(frame: pd.DataFrame, attributes: Sequence[str]) -> tuple[Grid, dict[str, list[Any]]]:
    """The rows as codes, as narrow as they may be, and the value of each code by column."""
    rows: list[NDArray[np.integer]] = []
    values: dict[str, list[Any]] = {}
    for name in attributes:
        codes, there = pd.factorize(frame[name])
        rows.append((codes + 1).astype(np.min_scalar_type(-len(there) - 1)))
        values[name] = there.tolist()
    codes = np.array(rows)
    sizes = tuple(len(each) for each in values.values())
    return Grid(names=tuple(values), codes=codes, sizes=sizes, gap=int(not codes.size or codes.min() == 0)), values


def _ledger(grid: Grid, seen: Floats, n: Floats | None, expected: Floats | None, depth: int) -> Ledger:
    if n is None:
        return MeasureLedger(grid, Measured.of(seen, seen if expected is None else expected), depth=depth)

    def weighing(alive: Bools) -> Weighed:
        bad, units = seen[alive], n[alive]
        even = units * (bad.sum() / max(float(units.sum()), 1e-12))
        return weighed_counts(bad, even if expected is None else np.minimum(expected[alive], units), units)

    return CountLedger(grid, weighing, relative=expected is None, depth=depth)


def _figures(column: "pd.Series[Any]") -> Floats:
    """A column's figures, as narrow as they came."""
    return column.to_numpy(np.float32 if column.dtype == np.float32 else np.float64)


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
