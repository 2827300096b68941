"""The clusters of one kind of unit while detection runs: restored, followed, explained and stored."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from cemaphore.pipeline.units import Feed, moment_of, window_of
from qoe.clusters import (
    SESSION_ATTRIBUTES,
    TOUCHPOINT_ATTRIBUTES,
    Cluster,
    Members,
    Policy,
    Tracker,
    Units,
    WindowCount,
    level_for,
)
from qoe.clusters.domain import Evidence, dimension_of, domain_of, evidence_of, recommendation_of
from qoe.clusters.tracking import LOOKBACK, QUIET, YOUNG
from store import clusters as stored
from store import scores as versions
from store.clusters import ClusterRow
from store.connection import Connection
from store.labels import Labels

MODEL_VERSION = "clusters-2"
# Downlink resource blocks in use, in %: NR cells count it one way (TS 28.552), LTE cells the other (TS 32.425).
LOAD_KPIS = ("PrbUtilDl", "PrbTotDl")
_COLUMN = {"cell": "cell_id", "site": "site_id"}
_ATTRIBUTE = {column: attribute for attribute, column in _COLUMN.items()}
_DAY = timedelta(days=1)


def policy_for(over_kind: str, false_clusters_per_day: float) -> Policy:
    """The policy of one kind of unit; sessions and touchpoints share the false clusters of a day."""
    level = level_for(false_clusters_per_day, families=2)
    if over_kind == "touchpoints":
        return Policy(level=level, attributes=TOUCHPOINT_ATTRIBUTES, drift=False)
    return Policy(level=level, attributes=SESSION_ATTRIBUTES)


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Where a cluster lies and what shows it."""

    domain: str
    evidence: list[dict[str, Any]] = field(default_factory=list)
    version_id: int


class Following:
    """Clusters of one kind through time; `before` are the rows that this run replaces: they keep id and detection."""

    def __init__(
        self, connection: Connection, feed: Feed, policy: Policy, labels: Labels, before: Sequence[ClusterRow]
    ) -> None:
        self.feed = feed
        self._connection = connection
        self._labels = labels
        self._before = [row for row in before if row.over_kind == feed.over_kind]
        self._detected = {row.cluster_id: row.detected_at for row in self._before}
        self._silent: dict[str, int] = {row.cluster_id: row.silent_users for row in self._before}
        self._explained: dict[str, Explanation] = {}
        self._catalogue_version = ""
        self.tracker = Tracker(policy, self._name)

    def restore(self, rows: Sequence[ClusterRow], catalogue_version: str) -> None:
        """Take up the clusters that are stored as alive."""
        self._catalogue_version = catalogue_version
        for row in rows:
            if row.over_kind == self.feed.over_kind:
                self.tracker.clusters.append(self._restored(row))
                self._detected[row.cluster_id] = row.detected_at
                self._silent[row.cluster_id] = row.silent_users
                self._explained[row.cluster_id] = Explanation(
                    domain=row.domain, evidence=row.evidence, version_id=row.version_id
                )

    def step(self, window: int) -> tuple[int, int]:
        """Look at one window; returns how many tests were made and how many findings they gave."""
        expectation = self.feed.expectation(window)
        units = self.feed.reach(window) if expectation.history is not None else None
        if units is None or expectation.history is None:
            return 0, 0
        found = self.tracker.step(units, window, expectation.history)
        for cluster in self.tracker.clusters:
            if cluster.cluster_id not in self._explained or (
                cluster.end is None and window - cluster.detected <= YOUNG
            ):
                self._explain(cluster, units, window, expectation.baseline_id)
        return found.tests, len(found.findings)

    def save(self, since_window: int) -> list[str]:
        """Store the clusters that were alive at or after a window; returns their ids, and drops ended ones."""
        touched = [each for each in self.tracker.clusters if each.end is None or each.end + QUIET >= since_window]
        for cluster in touched:
            stored.save(self._connection, self._row(cluster))
            stored.save_windows(self._connection, cluster.cluster_id, [_window_row(each) for each in cluster.windows])
            members = {name: getattr(cluster.members, name) for name in Members.__dataclass_fields__}
            stored.save_users(self._connection, cluster.cluster_id, members)
        return [each.cluster_id for each in touched]

    def _explain(self, cluster: Cluster, units: Units, window: int, baseline_id: int) -> None:
        chosen = units.chosen(cluster.attribute, cluster.codes)
        in_life = units.window >= cluster.start
        during = units.where(chosen & in_life)
        before = units.where(chosen & ~in_life)
        if len(before) < len(during) / 4:
            before = units.where(~chosen & in_life)
        now, then = dict(during.measured), dict(before.measured)
        if cluster.attribute in ("cell", "site", "region"):
            now["prb_utilisation_dl"], then["prb_utilisation_dl"] = self._loads(during, units, cluster.start, window)
        evidence = evidence_of(now, then)
        sites = len(set(np.unique(during.attributes["site"]).tolist()) - {0}) if "site" in units.attributes else 0
        self._explained[cluster.cluster_id] = Explanation(
            domain=domain_of(cluster.attribute, sites, evidence),
            evidence=[_evidence(each) for each in evidence],
            version_id=versions.version(self._connection, MODEL_VERSION, self._catalogue_version, baseline_id),
        )

    def _loads(self, during: Units, units: Units, first: int, last: int) -> tuple[Any, Any]:
        """Loads of the cells now and a day before, or where nothing is known of that, of the other cells now."""
        cells, start, end = np.unique(during.attributes["cell"]), moment_of(first), moment_of(last + 1)
        now = stored.loads(self._connection, LOAD_KPIS, cells.tolist(), start, end)["value"]
        then = stored.loads(self._connection, LOAD_KPIS, cells.tolist(), start - _DAY, end - _DAY)["value"]
        if len(then):
            return now, then
        others = np.setdiff1d(units.attributes["cell"], cells).tolist()
        return now, stored.loads(self._connection, LOAD_KPIS, others, start, end)["value"]

    def _name(self, attribute: str, code: int, start: int) -> str:
        name = self._labels.names(attribute).get(code, str(code))
        column = _COLUMN.get(attribute, attribute)
        begun = moment_of(start)
        near = LOOKBACK * timedelta(minutes=15)
        used = {each.cluster_id for each in self.tracker.clusters}
        for row in self._before:
            same = name in row.selector.get(column, []) and row.cluster_id not in used
            if same and row.started_at - near <= begun <= (row.ended_at or begun) + near:
                return row.cluster_id
        text = f"{self.feed.over_kind}|{column}|{name}|{begun.isoformat()}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def _restored(self, row: ClusterRow) -> Cluster:
        (column, names), *_ = row.selector.items()
        attribute = _ATTRIBUTE.get(column, column)
        codes = frozenset(self._labels.ids(attribute, names).tolist())
        cluster = Cluster(
            cluster_id=row.cluster_id,
            attribute=attribute,
            codes=codes,
            start=window_of(row.started_at),
            detected=window_of(row.detected_at) - 1,
            end=None if row.ended_at is None else window_of(row.ended_at),
            p_value=row.p_value,
            q_value=row.q_value,
            windows=[_window_count(each) for each in stored.windows(self._connection, row.cluster_id)],
            members=Members(**stored.users(self._connection, row.cluster_id)),
        )
        cluster.counted = cluster.last_bad + 1
        return cluster

    def _row(self, cluster: Cluster) -> ClusterRow:
        n, bad, expected = cluster.totals()
        names = self._labels.names(cluster.attribute)
        explained = self._explained[cluster.cluster_id]
        column = _COLUMN.get(cluster.attribute, cluster.attribute)
        return ClusterRow(
            cluster_id=cluster.cluster_id,
            over_kind=self.feed.over_kind,
            dimension=dimension_of(explained.domain),
            domain=explained.domain,
            selector={column: sorted(names.get(code, str(code)) for code in cluster.codes)},
            started_at=moment_of(cluster.start),
            detected_at=self._detected.get(cluster.cluster_id, moment_of(cluster.detected + 1)),
            ended_at=None if cluster.end is None else moment_of(cluster.end),
            users=len(cluster.members),
            sessions=n,
            bad_ratio=bad / max(n, 1),
            expected_ratio=expected / max(n, 1),
            p_value=cluster.p_value,
            q_value=cluster.q_value,
            severity=(bad - expected) / max(n - expected, 1e-9),
            evidence=explained.evidence,
            silent_users=self._silent.get(cluster.cluster_id, 0),
            recommendation=recommendation_of(explained.domain),
            version_id=explained.version_id,
        )


def _evidence(each: Evidence) -> dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(each).items()}


def _window_row(count: WindowCount) -> tuple[Any, ...]:
    start: datetime = moment_of(count.window)
    return start, count.users, count.n, count.bad, count.expected, count.p_value, count.q_value


def _window_count(row: tuple[Any, ...]) -> WindowCount:
    start, users, n, bad, expected, p_value, q_value = row
    return WindowCount(
        window=window_of(start), users=users, n=n, bad=bad, expected=expected, p_value=p_value, q_value=q_value
    )
