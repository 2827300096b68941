"""Counter rows in long form, turned into one vector per counter over the (object, period) rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi import names
from records.errors import DataError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

COLUMNS = ("object_id", "window_start", "period_s", "counter", "value", "suspect")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One counter over all rows: NaN where it is not usable, and why."""

    value: Floats
    reported: Bools
    suspect: Bools
    whole: Bools  # False where a counter could not be split or weighted as the formula asks


class Periods:
    """The rows of a counters frame: one per object, period start and period length.

    `object_code` indexes `objects`; `start_s` counts seconds since 1970 UTC. Where one counter of a row was delivered
    more than once the last row of the frame wins.
    """

    def __init__(self, counters: pd.DataFrame, wanted: Iterable[str]) -> None:
        absent = [column for column in COLUMNS if column not in counters.columns]
        if absent:
            raise DataError(
                f"counters frame lacks {', '.join(absent)}; it needs {', '.join(COLUMNS)}",
                code="missing_column",
                column=absent[0],
            )
        codes, uniques = pd.factorize(counters["counter"])
        self._members: dict[str, list[tuple[str, int]]] = {}
        relevant = self._assign([str(name) for name in uniques], set(wanted))
        keep = relevant[codes] if len(uniques) else np.zeros(0, dtype=bool)
        self._index(counters.loc[keep], np.asarray(codes[keep], dtype=np.int64))
        self._readings: dict[object, Reading] = {}

    def _assign(self, present: list[str], wanted: set[str]) -> Bools:
        relevant = np.zeros(len(present), dtype=bool)
        self.names = present
        for code, name in enumerate(present):
            parts = name.split(".")
            for n in range(1, len(parts) + 1):
                base = ".".join(parts[:n])
                if base in wanted:
                    self._members.setdefault(base, []).append((".".join(parts[n:]), code))
                    relevant[code] = True
        return relevant

    def _index(self, frame: pd.DataFrame, codes: Ints) -> None:
        start = frame["period_start" if "period_start" in frame.columns else "window_start"]
        stamps = pd.to_datetime(start, utc=True).dt.as_unit("s").astype("int64").to_numpy()
        length = frame["period_s"].to_numpy(dtype=np.int64)
        if len(length) and length.min() <= 0:
            raise DataError(f"period_s is {length.min()}; it must be above 0", code="period", column="period_s")
        objects, self.objects = pd.factorize(frame["object_id"], sort=True)
        starts, start_values = pd.factorize(stamps, sort=True)
        lengths, length_values = pd.factorize(length, sort=True)
        spans = max(len(length_values), 1)
        key = (objects.astype(np.int64) * max(len(start_values), 1) + starts) * spans + lengths
        row, keys = pd.factorize(key, sort=True)
        keys = np.asarray(keys, dtype=np.int64)
        self.count = len(keys)
        self.object_code: Ints = keys // spans // max(len(start_values), 1)
        self.start_s: Ints = np.asarray(start_values, dtype=np.int64)[keys // spans % max(len(start_values), 1)]
        self.period_s: Ints = np.asarray(length_values, dtype=np.int64)[keys % spans]
        order = np.argsort(codes, kind="stable")
        self._codes, self._row = codes[order], np.asarray(row, dtype=np.int64)[order]
        self._value = frame["value"].to_numpy(dtype=np.float64, na_value=np.nan)[order]
        self._suspect = frame["suspect"].fillna(False).to_numpy(dtype=bool)[order]

    def raw(self, code: int) -> Reading:
        """Return one counter exactly as delivered."""
        low, high = np.searchsorted(self._codes, [code, code + 1])
        row = self._row[low:high]
        value, reported, suspect = np.full(self.count, np.nan), self.nowhere(), self.nowhere()
        value[row] = self._value[low:high]
        reported[row] = True
        suspect[row] = self._suspect[low:high]
        value[suspect | ~np.isfinite(value)] = np.nan
        return Reading(value=value, reported=reported, suspect=suspect, whole=~self.nowhere())

    def nowhere(self) -> Bools:
        """Return False for every row."""
        return np.zeros(self.count, dtype=bool)

    def total(self, name: str) -> Reading:
        """Return the total counter alone, under its own name or as the sub-counter `sum`."""
        codes = [code for suffix, code in self._members.get(name, ()) if names.family(suffix) == "total"]
        return self._first([self.raw(code) for code in codes])

    def splits(self, name: str) -> Iterator[list[tuple[str, Reading]]]:
        """Yield the families of sub-counters, preferred first, each a list of suffix and reading."""
        families: dict[tuple[int, ...], list[tuple[str, int]]] = {}
        for suffix, code in self._members.get(name, ()):
            if names.family(suffix) != "total":
                families.setdefault(names.partition(suffix), []).append((suffix, code))
        for key in sorted(families):
            yield [(suffix, self.raw(code)) for suffix, code in families[key]]

    def counter(self, name: str) -> Reading:
        """Return a counter: its total where a row has it, else the sum of the preferred family that the row has."""
        if name not in self._readings:
            family_sums = (self.added([reading for _, reading in split]) for split in self.splits(name))
            self._readings[name] = self._first([self.total(name), *family_sums])
        return self._readings[name]

    def without(self, name: str, causes: tuple[str, ...]) -> Reading:
        """Return a counter without some causes; where a row is not split by cause, the whole of it, not `whole`."""
        if (name, causes) not in self._readings:
            self._readings[name, causes] = self._without(name, {names.cause_key(cause) for cause in causes})
        return self._readings[name, causes]

    def _without(self, name: str, causes: set[str]) -> Reading:
        split = [member for part in self.splits(name) for member in part if names.family(member[0]) == "cause"]
        gone = self.added([reading for suffix, reading in split if names.cause_key(suffix) in causes])
        kept = self.added([reading for suffix, reading in split if names.cause_key(suffix) not in causes])
        total, any_cause = self.total(name), gone.reported | kept.reported
        has_total = np.isfinite(total.value) | total.suspect
        rest = np.where(gone.reported, total.value - gone.value, total.value)
        value = np.where(has_total, rest, np.where(kept.reported, kept.value, np.where(gone.reported, 0.0, np.nan)))
        suspect = np.where(has_total, total.suspect | gone.suspect, kept.suspect)
        plain = self.counter(name)
        return Reading(
            value=np.where(any_cause, np.where(suspect, np.nan, value), plain.value),
            reported=plain.reported,
            suspect=np.where(any_cause, suspect, plain.suspect),
            whole=any_cause,
        )

    def added(self, readings: list[Reading]) -> Reading:
        """Return the sum over sub-counters: what a row does not list counts 0, what it lists as NIL leaves NaN."""
        value, reported, suspect = np.zeros(self.count), self.nowhere(), self.nowhere()
        for reading in readings:
            value += np.where(reading.reported, reading.value, 0.0)
            reported |= reading.reported
            suspect |= reading.suspect
        return Reading(
            value=np.where(reported, value, np.nan), reported=reported, suspect=suspect, whole=~self.nowhere()
        )

    def _first(self, readings: list[Reading]) -> Reading:
        value, reported, suspect = np.full(self.count, np.nan), self.nowhere(), self.nowhere()
        open_rows = ~self.nowhere()
        for reading in readings:
            value = np.where(open_rows, reading.value, value)
            suspect = np.where(open_rows, reading.suspect, suspect)
            reported |= reading.reported
            open_rows &= np.isnan(value) & ~suspect
        return Reading(value=value, reported=reported, suspect=suspect, whole=~self.nowhere())
