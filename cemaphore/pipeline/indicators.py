"""Adds service quality indicators up per hour, for the whole, regions, apps and cells."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from cemaphore.pipeline.frame import SessionFrame, TouchpointFrame
from kqi.catalogue import Indicator, KqiCatalogue
from kqi.engine import evaluate
from qoe.codes import crossed, dense
from qoe.model import Columns

ATTRIBUTES = ("all", "region", "app", "cell")
_MOST_CELLS = 1_000_000  # combinations times indicators that are held at once

Table = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class IndicatorSums:
    """Sums per indicator and value: for each attribute its values, and tables (indicators, values)."""

    names: tuple[str, ...]
    values: dict[str, NDArray[Any]]
    numerator: dict[str, Table]
    denominator: dict[str, Table]
    rows: dict[str, Table]


def add_indicators(sessions: SessionFrame, touchpoints: TouchpointFrame, catalogue: KqiCatalogue) -> IndicatorSums:
    """Sums of all indicators; those over touchpoints only for the whole."""
    made = _of_sessions(sessions, catalogue)
    wanted = catalogue.of("touchpoints")
    whole = _tables(touchpoints.columns, np.zeros(touchpoints.rows, dtype=np.int64), 1, wanted)
    for table, more in zip((made.numerator, made.denominator, made.rows), whole, strict=True):
        for attribute, mine in table.items():
            others = more if attribute == "all" else np.zeros((len(more), mine.shape[1]))
            table[attribute] = np.vstack([mine, others])
    return replace(made, names=made.names + tuple(item.name for item in wanted))


def indicator_columns(parts: Sequence[IndicatorSums], hour: datetime, version_id: int) -> Iterator[dict[str, Any]]:
    """Columns of kqi_value per attribute, the parts added together; only what was observed."""
    names = np.array(parts[0].names, dtype=object)
    for attribute in ATTRIBUTES:
        values, place = np.unique(np.concatenate([part.values[attribute] for part in parts]), return_inverse=True)
        tables = []
        for field in ("numerator", "denominator", "rows"):
            together = np.hstack([getattr(part, field)[attribute] for part in parts])
            tables.append(np.array([np.bincount(place, line, len(values)) for line in together]))
        indicator, value = np.nonzero(tables[2] > 0)
        yield {
            "grain": "hour",
            "attribute": attribute,
            "start": hour,
            "value": values[value].astype(np.int32),
            "kqi": names[indicator],
            "numerator": tables[0][indicator, value],
            "denominator": tables[1][indicator, value],
            "n": tables[2][indicator, value].astype(np.int64),
            "version_id": version_id,
        }


def _of_sessions(frame: SessionFrame, catalogue: KqiCatalogue) -> IndicatorSums:
    """Evaluate once over the combinations of region, app and cell that occur, then add those up per attribute."""
    keys = [dense(frame.attributes[name]) for name in ATTRIBUTES[1:]]
    count, group = crossed(*(code for _, code in keys))
    one = np.zeros(count, dtype=np.int64)
    one[group] = np.arange(frame.rows)
    codes = {"all": np.zeros(count, dtype=np.int64)}
    values: dict[str, NDArray[Any]] = {"all": np.zeros(1, dtype=np.int32)}
    for name, (known, code) in zip(ATTRIBUTES[1:], keys, strict=True):
        codes[name], values[name] = code[one], known
    wanted = catalogue.of("sessions")
    step = max(1, _MOST_CELLS // max(count, 1))
    pieces = [_tables(frame.columns, group, count, wanted[at : at + step]) for at in range(0, len(wanted), step)]
    added = [
        {name: np.vstack([_by(codes[name], piece[k], len(values[name])) for piece in pieces]) for name in ATTRIBUTES}
        for k in range(3)
    ]
    for name in ATTRIBUTES[1:]:
        given = values[name] != 0
        values[name] = values[name][given]
        for table in added:
            table[name] = table[name][:, given]
    return IndicatorSums(tuple(item.name for item in wanted), values, *added)


def _tables(columns: Columns, group: NDArray[np.int64], count: int, indicators: Sequence[Indicator]) -> list[Table]:
    """Numerators, denominators and rows (indicators, groups)."""
    # Histograms are not kept with the hour, so they are not counted.
    sums = evaluate(columns, group, count, [replace(item, bins=None) for item in indicators])
    return [sums.numerator, sums.denominator, sums.rows.astype(np.float64)]


def _by(code: NDArray[np.int64], table: Table, count: int) -> Table:
    """Columns of the table added up per code: a product with a sparse matrix of ones."""
    groups = len(code)
    ones = csr_array((np.ones(groups), (code, np.arange(groups))), shape=(count, groups))
    return np.asarray((ones @ table.T).T)
