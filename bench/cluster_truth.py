"""Clusters of a demo city held against its truth: which fault each one is, by the records that both select."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cities import City
from cemaphore.demo import TruthEntry
from cemaphore.pipeline.frame import FrameContext, session_frame, touchpoint_frame
from records.windows import HOUR, QUARTER, floor
from store import cluster_life
from store import clusters as stored
from store.clusters import ClusterRow
from store.connection import Connection, connect
from store.labels import Labels

IN_TIME = 4 * QUARTER  # closed windows within which a fault is to be found
SAME = 0.5  # record-set F1 from which a cluster is taken to be that fault
EXPLAINED = 0.5  # share of a cluster's records that a fault must have hit for the cluster not to be false
_ATTRIBUTE = {"cell_id": "cell", "site_id": "site"}


@dataclass(frozen=True, kw_only=True)
class Found:
    """A fault and the cluster that describes it best, None where none is it."""

    fault: TruthEntry
    cluster: ClusterRow | None
    f1: float

    @property
    def delay(self) -> timedelta | None:
        """From the fault's start to the end of the window that showed it."""
        return None if self.cluster is None else self.cluster.detected_at - self.fault.started_at

    @property
    def in_time(self) -> bool:
        """Whether it was found within four closed windows."""
        return self.delay is not None and self.delay <= IN_TIME

    @property
    def right_domain(self) -> bool:
        """Whether it was found in time and its domain is the fault's."""
        return self.in_time and self.cluster is not None and self.cluster.domain == self.fault.domain


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One city: its faults, the clusters that are none, and those of these that are what must not be flagged."""

    seed: int
    days: float
    faults: tuple[Found, ...]
    false: tuple[ClusterRow, ...]
    decoys: tuple[tuple[str, ClusterRow], ...] = field(default=())


def compare(city: City, days: int) -> Compared:
    """Hold the clusters of a searched city against its truth; `days` of it were searched."""
    with connect(city.dsn, autocommit=True) as connection:
        rows = stored.since(connection, datetime(1970, 1, 1, tzinfo=UTC))
        turns = cluster_life.changes(connection, [row.cluster_id for row in rows])
        merged = {name for name, each in turns.items() if any(kind == "merged_into" for _, kind, _ in each)}
        rows = [row for row in rows if row.cluster_id not in merged]
        records = _Records(connection)
        faults = [each for each in city.truth.entries if each.severity > 0]
        found = tuple(_found(fault, rows, records) for fault in faults)
        taken = {each.cluster.cluster_id for each in found if each.cluster is not None}
        false = tuple(
            row for row in rows if row.cluster_id not in taken and not _explained(row, faults, records, connection)
        )
        quiet = [each for each in city.truth.entries if each.severity == 0]
        decoys = tuple((each.id, row) for row in false for each in quiet if _is(each, row, records))
    return Compared(seed=city.seed, days=days, faults=found, false=false, decoys=decoys)


def _found(fault: TruthEntry, rows: Sequence[ClusterRow], records: "_Records") -> Found:
    best, score = None, 0.0
    for row in rows:
        if row.over_kind == fault.over and _meet(fault, row):
            f1 = records.f1(row, fault)
            if f1 > score:
                best, score = row, f1
    return Found(fault=fault, cluster=best if score >= SAME else None, f1=score if score >= SAME else 0.0)


def _explained(row: ClusterRow, faults: Sequence[TruthEntry], records: "_Records", connection: Connection) -> bool:
    if row.over_kind == "complaints":
        caused = {name for fault in faults for name in fault.complaint_ids}
        linked = [name for name, _ in stored.links(connection, [row.cluster_id]).get(row.cluster_id, [])]
        return bool(linked) and sum(name in caused for name in linked) >= EXPLAINED * len(linked)
    met = [fault for fault in faults if fault.over == row.over_kind and _meet(fault, row)]
    return any(records.share(row, fault) >= EXPLAINED for fault in met)


def _is(decoy: TruthEntry, row: ClusterRow, records: "_Records") -> bool:
    """Whether a false cluster is that case: most of its records are, or it began while something stood still."""
    if decoy.over != row.over_kind or not _meet(decoy, row):
        return False
    if not set(decoy.selector) <= set(row.selector) | {"site_id", "model"} or not decoy.selector:
        return decoy.started_at <= row.started_at < decoy.ended_at
    return records.share(row, decoy) >= EXPLAINED


def _meet(fault: TruthEntry, row: ClusterRow) -> bool:
    return row.started_at < fault.ended_at and (row.ended_at is None or row.ended_at > fault.started_at)


class _Records:
    """The records of a city hour by hour, read once: which of them two selectors choose."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._context = FrameContext.load(connection)
        self._labels = Labels(connection)
        self._hours: dict[tuple[str, datetime], tuple[NDArray[np.int64], Mapping[str, NDArray[Any]]]] = {}

    def f1(self, row: ClusterRow, fault: TruthEntry) -> float:
        """2 both / (records of the cluster + records of the fault), each within its own time."""
        cluster, truth, both = self._counts(row, fault)
        return 2 * both / (cluster + truth) if cluster + truth else 0.0

    def share(self, row: ClusterRow, fault: TruthEntry) -> float:
        """Share of the cluster's records that are the fault's."""
        cluster, _, both = self._counts(row, fault)
        return both / cluster if cluster else 0.0

    def _counts(self, row: ClusterRow, fault: TruthEntry) -> tuple[int, int, int]:
        cluster_end = row.ended_at or fault.ended_at
        hour = floor(min(row.started_at, fault.started_at).astimezone(UTC), HOUR)
        sums = np.zeros(3, np.int64)
        while hour < max(cluster_end, fault.ended_at):
            time_us, attributes = self._hour(row.over_kind, hour)
            mine = self._chosen(row.selector, row.started_at, cluster_end, time_us, attributes)
            its = self._chosen(fault.selector, fault.started_at, fault.ended_at, time_us, attributes)
            sums += (mine.sum(), its.sum(), (mine & its).sum())
            hour += HOUR
        return int(sums[0]), int(sums[1]), int(sums[2])

    def _chosen(
        self,
        selector: Mapping[str, Sequence[str]],
        start: datetime,
        end: datetime,
        time_us: NDArray[np.int64],
        attributes: Mapping[str, NDArray[Any]],
    ) -> NDArray[np.bool_]:
        chosen = (time_us >= start.timestamp() * 1e6) & (time_us < end.timestamp() * 1e6)
        for column, names in selector.items():
            attribute = _ATTRIBUTE.get(column, column)
            if attribute in attributes:
                chosen &= np.isin(attributes[attribute], self._labels.ids(attribute, list(names)))
        return chosen

    def _hour(self, over: str, hour: datetime) -> tuple[NDArray[np.int64], Mapping[str, NDArray[Any]]]:
        if (over, hour) not in self._hours:
            if over == "sessions":
                frame = session_frame(self._connection, hour, hour + HOUR, context=self._context)
                self._hours[over, hour] = frame.start_us, frame.attributes
            else:
                touch = touchpoint_frame(self._connection, hour, hour + HOUR, context=self._context)
                self._hours[over, hour] = touch.time_us, touch.attributes
        return self._hours[over, hour]
