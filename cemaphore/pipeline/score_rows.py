"""Turns scores of the core into the columns of the tables that hold them, and back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qoe.catalogue import DIMENSIONS
from qoe.groups import MEASURES, GroupSums, indices
from qoe.indices import NONE, IndexRules, Sums, score

Array = NDArray[Any]
Columns = dict[str, Any]
CONTRIBUTIONS = (*DIMENSIONS, "prior")
_SUMS = ("n", "w", "s1", "s2", "m")


def user_columns(
    start: datetime | Array, customers: Array, n: Array, bad: Array, sums: Sums, rules: IndexRules
) -> Columns:
    """Columns of user_hour, user_day or user_period, without `version_id`, `days`; `start` is one, or one a row."""
    scores = score(sums, rules)
    columns: Columns = {"start": start, "customer_key": customers, "n": n, "bad": bad}
    for row, name in enumerate(DIMENSIONS):
        columns |= {f"{name}_{part}": getattr(sums, part)[row] for part in _SUMS}
        columns[name] = scores.dimension[row]
    columns |= {name: getattr(scores, name).astype(np.float32) for name in ("overall", "lo", "hi", "coverage")}
    limiting = scores.limiting.astype(np.float64)
    columns["limiting"] = np.where(limiting == NONE, np.nan, limiting)
    return columns | {f"{name}_c": scores.contributions[row] for row, name in enumerate(CONTRIBUTIONS)}


def sums_of(columns: Mapping[str, Array]) -> Sums:
    """Sums out of columns that are named as in the tables."""
    parts = {part: np.array([columns[f"{name}_{part}"] for name in DIMENSIONS]) for part in _SUMS}
    return Sums(**parts)


def group_columns(grain: str, attribute: str, start: datetime | Array, sums: GroupSums, version_id: int) -> Columns:
    """Columns of group_index; `start` is one moment, or one per row (datetime64)."""
    made = indices(sums.count, sums.total, sums.square)
    value = (np.zeros_like(sums.value) if attribute == "all" else sums.value).astype(np.int32)
    columns: Columns = {"grain": grain, "attribute": attribute, "start": start, "value": value}
    columns |= {name: getattr(sums, name) for name in ("n_users", "bad_users", "n", "bad")}
    columns["expected_bad"] = sums.expected
    for row, name in enumerate(MEASURES):
        columns |= {f"{name}_n": sums.count[row], f"{name}_sum": sums.total[row], f"{name}_sq": sums.square[row]}
        columns |= {name: made.mean[row], f"{name}_lo": made.lo[row], f"{name}_hi": made.hi[row]}
    return columns | {"version_id": version_id}


def stacked(tables: Sequence[Columns]) -> Columns:
    """Put tables of the same columns below one another: one COPY costs less than many."""
    if not tables:
        return {}
    rows = [max(len(values) for values in table.values() if isinstance(values, np.ndarray)) for table in tables]
    whole: Columns = {}
    for name, first in tables[0].items():
        if isinstance(first, np.ndarray):
            whole[name] = np.concatenate([table[name] for table in tables])
        elif isinstance(first, str):
            whole[name] = np.repeat(np.array([table[name] for table in tables], dtype=object), rows)
        else:
            whole[name] = first
    return whole


def group_sums_of(columns: Mapping[str, Array]) -> GroupSums:
    """Sums of groups out of columns that are named as in the table."""
    return GroupSums(
        value=columns["value"],
        bucket=np.zeros(len(columns["value"]), dtype=np.int64),
        n_users=columns["n_users"],
        bad_users=columns["bad_users"],
        n=columns["n"],
        bad=columns["bad"],
        expected=columns["expected_bad"],
        count=np.array([columns[f"{name}_n"] for name in MEASURES]),
        total=np.array([columns[f"{name}_sum"] for name in MEASURES]),
        square=np.array([columns[f"{name}_sq"] for name in MEASURES]),
    )
