"""The KQI engine: sums of numerators and denominators per group, which merge by addition into any longer window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kqi.catalogue import Indicator
from kqi.expressions import FloatArray
from kqi.histogram import CountArray
from records.kinds import SERVICES

Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums per indicator and group: `numerator`, `denominator` and `rows` (what entered them), shape (K, n_groups).

    `histograms` holds counts of shape (n_groups, bins) for the indicators with percentiles, of numerator/denominator
    per row.
    """

    indicators: tuple[Indicator, ...]
    numerator: FloatArray
    denominator: FloatArray
    rows: CountArray
    histograms: Mapping[str, CountArray]

    @property
    def values(self) -> FloatArray:
        """Ratio of the sums in the indicator's unit, shape (K, n_groups); NaN where nothing was attempted."""
        factor = np.array([item.factor for item in self.indicators])[:, None]
        empty = np.full(self.numerator.shape, np.nan)
        ratio = np.divide(self.numerator, self.denominator, out=empty, where=self.denominator != 0)
        values: FloatArray = factor * ratio
        return values

    def percentile(self, name: str, percent: float) -> FloatArray:
        """Percentile per group of one indicator, from its histogram; KeyError where it has none."""
        (indicator,) = (item for item in self.indicators if item.name == name)
        counts = self.histograms[name]
        if indicator.bins is None:
            raise KeyError(name)
        return indicator.bins.percentile(counts, percent)

    def __add__(self, other: "Sums") -> "Sums":
        """Sums of both; same indicators and groups."""
        return Sums(
            self.indicators,
            self.numerator + other.numerator,
            self.denominator + other.denominator,
            self.rows + other.rows,
            {name: counts + other.histograms[name] for name, counts in self.histograms.items()},
        )


@dataclass(frozen=True, eq=False)
class _Part:
    """The rows of one service in a known group, with columns read once."""

    columns: Columns
    rows: NDArray[np.intp]
    groups: NDArray[np.intp]
    cache: dict[str, FloatArray]

    def read(self, name: str) -> FloatArray:
        if name not in self.cache:
            self.cache[name] = self._numbers(name)
        return self.cache[name]

    def _numbers(self, name: str) -> FloatArray:
        if name not in self.columns:
            return np.full(len(self.rows), np.nan)
        raw = np.asarray(self.columns[name])[self.rows]
        if raw.dtype.kind == "O":
            raw = np.array([np.nan if value is None else value for value in raw], dtype=np.float64)
        values = raw.astype(np.float64)
        # Truth columns and codes say "unknown" as -1; measurements are floats and say it as NaN.
        return np.where(values < 0, np.nan, values) if raw.dtype.kind == "i" else values


def evaluate(columns: Columns, group_codes: NDArray[Any], n_groups: int, indicators: Sequence[Indicator]) -> Sums:
    """Sums of every indicator per group; rows with a group code below 0 are left out.

    `columns` are those of the input contract for what the indicators are over, `service` as codes. A row enters an
    indicator where its `where` is true and numerator and denominator are known.
    """
    groups = np.asarray(group_codes, dtype=np.intp)
    shape = (len(indicators), n_groups)
    numerator, denominator = np.zeros(shape), np.zeros(shape)
    rows = np.zeros(shape, dtype=np.int64)
    histograms: dict[str, CountArray] = {}
    parts: dict[str, _Part] = {}
    for k, indicator in enumerate(indicators):
        if indicator.service not in parts:
            parts[indicator.service] = _part(columns, groups, indicator.service)
        part = parts[indicator.service]
        top, bottom, used = _terms(indicator, part)
        codes = part.groups[used]
        numerator[k] = np.bincount(codes, weights=top[used], minlength=n_groups)
        denominator[k] = np.bincount(codes, weights=bottom[used], minlength=n_groups)
        rows[k] = np.bincount(codes, minlength=n_groups)
        if indicator.bins is not None:
            counted = used & (bottom != 0)
            each = top[counted] / bottom[counted] * indicator.factor
            histograms[indicator.name] = indicator.bins.counts(each, part.groups[counted], n_groups)
    return Sums(tuple(indicators), numerator, denominator, rows, histograms)


def _part(columns: Columns, groups: NDArray[np.intp], service: str) -> _Part:
    wanted = groups >= 0
    if service:
        wanted &= np.asarray(columns["service"]) == SERVICES.index(service)
    rows = np.flatnonzero(wanted)
    return _Part(columns, rows, groups[rows], {})


def _terms(indicator: Indicator, part: _Part) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    size = len(part.rows)
    top, bottom, where = (
        np.broadcast_to(expression.evaluate(part.read), (size,))
        for expression in (indicator.numerator, indicator.denominator, indicator.where)
    )
    return top, bottom, (where == 1) & ~np.isnan(top) & ~np.isnan(bottom)
