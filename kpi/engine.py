"""Evaluates a KPI catalogue over a counters frame: ratios of sums per object or group, and window."""

from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi import formula as language
from kpi import intervals, names
from kpi.catalogue import Catalogue, Kpi
from kpi.formula import Formula
from kpi.periods import COLUMNS, Bools, Floats, Ints, Periods
from kpi.sums import Grouping, Part, part
from records.errors import DataError

FLAGS = ("success_above_attempts", "suspect_excluded", "incomplete", "no_attempts", "unweighted", "not_split")
OUTPUT = (
    *("object_id", "window_start", "kpi", "value", "numerator", "denominator", "lo", "hi", "missing_lo", "missing_hi"),
    *("n_periods", "n_suspect", "coverage", "flags"),
)


def evaluate(
    counters: pd.DataFrame,
    catalogue: Catalogue,
    *,
    window_s: int = 900,
    windows: pd.DatetimeIndex | None = None,
    group: Mapping[Hashable, Hashable] | None = None,
    kpis: Collection[str] | None = None,
) -> pd.DataFrame:
    """Compute the KPIs of a counters frame, one row per object or group, window and KPI that was reported.

    In, one row per counter value: `object_id`; `window_start`, the UTC start of the row's own period (where there is a
    column `period_start`, that); `period_s`; `counter` (full name); `value` (NaN for NIL); `suspect`. Windows are
    `window_s` long from 1970 on, or lie between the edges `windows`; a period not whole inside one is not used.
    `group` maps objects to groups (others are left out); sums are added over the objects before anything is divided.

    Out: `value` in the KPI's unit (NaN: nothing usable, or no attempts); `numerator`, `denominator` of single
    quotients, before the formula's factor; `lo`, `hi` 95 % sampling interval; `missing_lo`, `missing_hi` what missing
    time leaves open; `n_periods` used; `n_suspect` rows left out as suspect or impossible; `coverage` 0..1, observed
    of expected seconds; `flags`, comma-joined of `FLAGS`. Raises `DataError` where the frame lacks a column.
    """
    present = [str(name) for name in counters["counter"].unique()] if "counter" in counters.columns else []
    chosen = [kpi for name, kpi in catalogue.kpis.items() if kpis is None or name in kpis]
    formulas = [entry for kpi in chosen for entry in _repeated(kpi, present)]
    periods = Periods(counters, {name for entry in formulas for name in entry.formula.counters})
    frame = _Cells(periods, window_s, windows, group)
    results = [_result(entry, periods, frame) for entry in formulas]
    filled = [result for result in results if len(result)]
    return pd.concat(filled, ignore_index=True) if filled else _result_frame(frame, np.zeros(0, dtype=np.int64), {})


@dataclass(frozen=True, kw_only=True)
class _Entry:
    name: str
    kpi: Kpi
    formula: Formula


def _repeated(kpi: Kpi, present: list[str]) -> Iterator[_Entry]:
    """Yield the KPI, or one for each sub-counter in the data where its formula has a placeholder."""
    parsed = kpi.parsed
    kind = parsed.placeholder
    if kind is None:
        yield _Entry(name=kpi.name, kpi=kpi, formula=parsed)
        return
    bases = {name.removesuffix(".{" + kind + "}") for name in parsed.counters if "{" in name}
    suffixes = {suffix for base, suffix in (names.split(name, bases) for name in present) if base in bases}
    for suffix in sorted(suffix for suffix in suffixes if names.family(suffix) == language.PLACEHOLDERS[kind]):
        text = language.at(kpi.formula, kind, suffix)
        yield _Entry(name=language.at(kpi.name, kind, suffix), kpi=kpi, formula=language.parse(text))


class _Cells:
    """The cells (group and window) of a result, and where each row of the counters falls."""

    def __init__(
        self,
        periods: Periods,
        window_s: int,
        windows: pd.DatetimeIndex | None,
        group: Mapping[Hashable, Hashable] | None,
    ) -> None:
        labels = [group.get(name) if group is not None else name for name in periods.objects]
        object_group, self.labels = pd.factorize(pd.Series(labels, dtype=object), sort=True)
        start, length = _windows(periods, window_s, windows)
        row_group = np.asarray(object_group, dtype=np.int64)[periods.object_code]
        inside = (row_group >= 0) & (length > 0) & (periods.start_s + periods.period_s <= start + length)
        window, starts = pd.factorize(start[inside], sort=True)
        key = row_group[inside] * max(len(starts), 1) + window
        cell, keys = pd.factorize(key, sort=True)
        row_cell = np.full(periods.count, -1, dtype=np.int64)
        row_cell[inside] = cell
        cell_s = np.zeros(len(keys))
        cell_s[cell] = length[inside]
        self.group = np.asarray(keys, dtype=np.int64) // max(len(starts), 1)
        self.start_s = np.asarray(starts, dtype=np.int64)[np.asarray(keys, dtype=np.int64) % max(len(starts), 1)]
        self.grouping = Grouping(
            object_group=np.asarray(object_group, dtype=np.int64),
            row_cell=row_cell,
            cell_group=self.group,
            cell_s=cell_s,
        )


def _windows(periods: Periods, window_s: int, windows: pd.DatetimeIndex | None) -> tuple[Ints, Ints]:
    """Return start and length of the window that each row's start lies in; length 0 where in none."""
    if windows is None:
        if window_s <= 0:
            raise DataError(f"window_s is {window_s}; a window is longer than 0 s", code="window", column="window_s")
        return periods.start_s // window_s * window_s, np.full(periods.count, window_s, dtype=np.int64)
    edges = pd.DatetimeIndex(windows).tz_convert("UTC").as_unit("s").asi8
    place = np.searchsorted(edges, periods.start_s, side="right") - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    place = np.where(inside, place, 0)
    start = edges[place]
    return start, np.where(inside, edges[np.minimum(place + 1, len(edges) - 1)] - start, 0)


def _result(entry: _Entry, periods: Periods, cells: _Cells) -> pd.DataFrame:
    bounded = entry.kpi.kind in ("proportion", "share")
    parts = [
        [part(periods, block, cells.grouping, bounded=bounded) for block in term.blocks] for term in entry.formula.terms
    ]
    every = [one for term in parts for one in term]
    size = len(cells.start_s)
    value = np.zeros(size)
    for term, of_term in zip(entry.formula.terms, parts, strict=True):
        value = value + term.scale * np.prod([one.value for one in of_term] or [np.ones(size)], axis=0)
    coverage = np.min([one.observed_s / np.where(one.expected_s > 0, one.expected_s, np.inf) for one in every], axis=0)
    columns: dict[str, object] = {"kpi": entry.name, "value": value, "coverage": np.minimum(coverage, 1.0)}
    single = entry.formula.single
    columns["numerator"] = every[0].numerator if single else np.full(size, np.nan)
    columns["denominator"] = every[0].denominator if single else np.full(size, np.nan)
    columns |= _sampling(entry, every, size) | _missing(entry, every, size)
    left_out = np.logical_or.reduce([one.excluded_rows for one in every])
    columns["n_periods"] = np.min([one.periods for one in every], axis=0)
    columns["n_suspect"] = cells.grouping.count(left_out)
    columns["flags"] = _flags(every, value, columns["coverage"], cells.grouping.count(left_out) > 0)
    # A group that never reports one of the quotients (an NR cell and an LTE product) does not have the KPI at all.
    known = np.logical_and.reduce([one.expected_s > 0 for one in every])
    shown = np.flatnonzero(known & np.logical_or.reduce([one.reported for one in every]))
    return _result_frame(cells, shown, columns)


def _sampling(entry: _Entry, parts: list[Part], size: int) -> dict[str, Floats]:
    lower = upper = np.full(size, np.nan)
    scale = entry.formula.terms[0].scale
    if entry.kpi.kind == "proportion":
        level = intervals.shared_level(len(parts))
        bounds = [intervals.wilson(one.numerator, one.denominator, level) for one in parts]
        lower = scale * np.prod([low for low, _ in bounds], axis=0)
        upper = scale * np.prod([high for _, high in bounds], axis=0)
    elif entry.kpi.kind == "event_rate":
        lower, upper = (scale * bound for bound in intervals.poisson(parts[0].numerator, parts[0].denominator))
    return {"lo": lower, "hi": upper}


def _missing(entry: _Entry, parts: list[Part], size: int) -> dict[str, Floats]:
    lower = upper = np.full(size, np.nan)
    if entry.kpi.kind in ("proportion", "share"):
        scale = entry.formula.terms[0].scale
        bounds = [
            intervals.missing(
                np.nan_to_num(one.numerator),
                np.nan_to_num(one.denominator),
                one.observed_s,
                np.maximum(one.expected_s - one.observed_s, 0.0),
            )
            for one in parts
        ]
        lower = scale * np.prod([low for low, _ in bounds], axis=0)
        upper = scale * np.prod([high for _, high in bounds], axis=0)
    return {"missing_lo": lower, "missing_hi": upper}


def _flags(parts: list[Part], value: Floats, coverage: object, left_out: Bools) -> npt.NDArray[np.object_]:
    raised = (
        np.logical_or.reduce([one.excess for one in parts]),
        left_out,
        np.asarray(coverage) < 1.0,
        np.isnan(value) & np.logical_and.reduce([one.periods > 0 for one in parts]),
        np.logical_or.reduce([one.unweighted for one in parts]),
        np.logical_or.reduce([one.unsplit for one in parts]),
    )
    code = np.sum([flag.astype(np.int64) << bit for bit, flag in enumerate(raised)], axis=0)
    texts = [",".join(name for bit, name in enumerate(FLAGS) if n >> bit & 1) for n in range(1 << len(FLAGS))]
    flags: npt.NDArray[np.object_] = np.array(texts, dtype=object)[code]
    return flags


def _result_frame(cells: _Cells, shown: Ints, columns: dict[str, object]) -> pd.DataFrame:
    picked = {name: values[shown] if isinstance(values, np.ndarray) else values for name, values in columns.items()}
    fixed = {
        "object_id": pd.Index(cells.labels.tolist())[cells.group[shown]],
        "window_start": pd.to_datetime(cells.start_s[shown], unit="s", utc=True),
    }
    return pd.DataFrame({**fixed, **picked}, columns=list(OUTPUT))


__all__ = ["COLUMNS", "FLAGS", "OUTPUT", "evaluate"]
