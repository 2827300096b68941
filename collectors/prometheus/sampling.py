"""From a parsed page to one sample per series, with every sample that is wrong named."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from prometheus_client.metrics_core import Metric

from collectors.prometheus.exposition import Page
from collectors.prometheus.increases import Samples
from collectors.prometheus.memory import NEVER, Memory
from collectors.prometheus.series import check, counter_of, object_of
from collectors.prometheus.targets import ScrapeTarget
from records.errors import DataError
from store.ledger import Rejected

REFUSED = -1
_ALL_MONOTONE = frozenset({"counter", "histogram"})
_COUNTED = frozenset({"counter", "histogram", "summary"})
_YEAR_10000_S = 253_402_300_800
_SHOWN = 20  # refusals of one reason that are written one by one; the rest is a count

Key = tuple[object, ...]


@dataclass(kw_only=True)
class Sampled:
    """The samples of one page with the places of their series, and what was refused."""

    places: NDArray[np.intp]
    samples: Samples
    read: int
    empty_families: int
    rejected: list[Rejected] = field(default_factory=list)


class Sampler:
    """Finds the series of samples; remembers what it found, as the names on a page hardly change."""

    def __init__(self, target: ScrapeTarget, memory: Memory) -> None:
        self._constant = target.constant_labels
        self._left_out = {*self._constant, *target.object_labels}
        self._target = target
        self._memory = memory
        self._places: dict[Key, int] = {}
        self._refused: dict[Key, DataError] = {}

    def sample(self, page: Page, at: datetime) -> Sampled:
        """Return the samples of a page scraped at that time."""
        self._wrong: Counter[tuple[str, str | None, str]] = Counter()
        self._places_read: list[int] = []
        self._values: list[float] = []
        self._monotone: list[bool] = []
        self._explicit: dict[int, int] = {}
        self._created: dict[int, int] = {}
        empty = 0
        for family in page.families:
            self._family(family, page)
            empty += not family.samples
        self._memory.grow()
        count = len(self._places_read)
        samples = Samples(
            value=_floats(self._values),
            at_us=_sparse(count, round(at.timestamp() * 1e6), self._explicit),
            created_us=_sparse(count, NEVER, self._created),
            monotone=np.array(self._monotone, bool),
        )
        places = np.array(self._places_read, np.intp)
        kept = self._checked(places, samples)
        return Sampled(
            places=places[kept],
            samples=samples.take(kept),
            read=count,
            empty_families=empty,
            rejected=self._rejected(),
        )

    @property
    def known(self) -> int:
        """How many series were found so far."""
        return len(self._places)

    def _family(self, family: Metric, page: Page) -> None:
        strip = page.strips_total(family)
        all_monotone, quantiles = family.type in _ALL_MONOTONE, family.name if family.type == "summary" else None
        created = _created(family) if page.openmetrics and family.type in _COUNTED else {}
        places, known = self._places_read, self._places
        for name, labels, value, timestamp, *_ in family.samples:
            if created and name == f"{family.name}_created":
                continue
            written = name[:-6] if strip else name
            key = (written, *labels.items()) if labels else (written,)
            place = known.get(key)
            if place is None:
                place = self._new(key, written, labels)
            if place == REFUSED:
                self._refuse(self._refused[key])
            if timestamp is not None:
                at_us = self._explicit[len(places)] = _microseconds(float(timestamp))
                if at_us == NEVER:
                    self._wrong["time", "time", f"{written} has a timestamp that is no time of 1970 to 9999"] += 1
                    place = REFUSED
            if created:
                self._created[len(places)] = created.get(_without_le(labels), NEVER)
            places.append(place)
            self._values.append(value)
            self._monotone.append(all_monotone or (quantiles is not None and name != quantiles))

    def _new(self, key: Key, name: str, labels: dict[str, str]) -> int:
        given = {**self._constant, **labels}
        object_id = object_of(given, self._target.object_labels, self._target.name)
        counter = counter_of(name, labels, self._left_out)
        try:
            check(labels, object_id, counter)
        except DataError as error:
            self._places[key], self._refused[key] = REFUSED, error
            return REFUSED
        place = self._places[key] = self._memory.place(object_id, counter)
        return place

    def _refuse(self, error: DataError) -> None:
        self._wrong[error.code, error.column, str(error)] += 1

    def _checked(self, places: NDArray[np.intp], samples: Samples) -> NDArray[np.intp]:
        """Positions of the samples to use: of a series that is there twice, neither where they differ."""
        good = places != REFUSED
        fallen = good & samples.monotone & (samples.value < 0)
        endless = good & np.isinf(samples.value)
        for mask, code, why in (
            (fallen, "negative", "is a counter below 0"),
            (endless & ~fallen, "not_finite", "is infinite"),
        ):
            for place in places[mask]:
                self._wrong[code, "value", f"{self._name(place)} {why}"] += 1
        good &= ~fallen & ~endless
        chosen = np.flatnonzero(good)
        _, first, inverse, count = np.unique(places[chosen], return_index=True, return_inverse=True, return_counts=True)
        if len(first) == len(chosen):
            return chosen
        value, at = samples.value[chosen], samples.at_us[chosen]
        lead = first[inverse]
        same = ((value == value[lead]) | (np.isnan(value) & np.isnan(value[lead]))) & (at == at[lead])
        differs = np.zeros(len(first), bool)
        differs[inverse[~same]] = True
        for position in np.flatnonzero(differs):
            name = self._name(places[chosen[first[position]]])
            self._wrong["duplicate", "value", f"{name} is on the page more than once, with different values"] += int(
                count[position]
            )
        return chosen[np.sort(first[~differs])]

    def _name(self, place: int) -> str:
        _, counters = self._memory.named(np.array([place], np.intp))
        return str(counters[0].as_py())

    def _rejected(self) -> list[Rejected]:
        """One record for each reason, with how many samples it holds for; of very many reasons the first ones."""
        found = []
        for number, ((code, column, reason), times) in enumerate(sorted(self._wrong.items(), key=str)):
            more = f" ({times} samples)" if times > 1 else ""
            if number < _SHOWN:
                found.append(Rejected(row_number=None, code=code, column=column, reason=reason + more))
        if len(self._wrong) > _SHOWN:
            rest = f"{len(self._wrong) - _SHOWN} more reasons to refuse samples of this page"
            found.append(Rejected(row_number=None, code="more", reason=rest))
        return found


def _created(family: Metric) -> dict[Key, int]:
    """Since when each series of a family counts, by its labels."""
    name = f"{family.name}_created"
    return {tuple(s.labels.items()): _microseconds(_float(s.value)) for s in family.samples if s.name == name}


def _microseconds(seconds: float) -> int:
    """Microseconds since 1970 UTC, `NEVER` where that is no time before the year 10,000."""
    return round(seconds * 1e6) if 0 <= seconds < _YEAR_10000_S else NEVER


def _without_le(labels: dict[str, str]) -> Key:
    return tuple(item for item in labels.items() if item[0] != "le")


def _sparse(count: int, usual: int, others: dict[int, int]) -> NDArray[np.int64]:
    values = np.full(count, usual, np.int64)
    if others:
        values[np.fromiter(others, np.intp, len(others))] = np.fromiter(others.values(), np.int64, len(others))
    return values


def _floats(values: Sequence[float] | Iterable[float]) -> NDArray[np.float64]:
    try:
        return np.array(values, np.float64)
    except OverflowError:  # the parser reads whole numbers as whole numbers, however long
        return np.array([_float(value) for value in values], np.float64)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")
