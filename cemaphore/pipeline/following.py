"""The clusters of one kind of unit while detection runs: restored, followed, explained and stored."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from cemaphore.pipeline.contrast import contrast
from cemaphore.pipeline.explaining import Explanation, contrasts_of, explain
from cemaphore.pipeline.units import Feed, moment_of, window_of
from qoe.clusters import (
    SESSION_ATTRIBUTES,
    TOUCHPOINT_ATTRIBUTES,
    Cluster,
    Members,
    Policy,
    Selector,
    Tracker,
    WindowCount,
    level_for,
)
from qoe.clusters.advice import Advice
from qoe.clusters.changepoint import Onset
from qoe.clusters.cluster import Change
from qoe.clusters.domain import dimension_of, recommendation_of
from qoe.clusters.evidence import Evidence
from qoe.clusters.space import Space
from qoe.clusters.tracking import BACK, LOOKBACK, YOUNG
from records.windows import QUARTER
from store import cluster_life
from store import clusters as stored
from store import scores as versions
from store.clusters import ClusterRow
from store.connection import Connection
from store.labels import Labels

MODEL_VERSION = "clusters-3"
# Searches that share the false clusters of a day: sessions by attribute and by place, touchpoints, complaints.
FAMILIES = 4
CONTRAST_AGAIN = 4  # windows after the detection at which the sessions' losses are looked at again (own)
_COLUMN = {"cell": "cell_id", "site": "site_id"}
_ATTRIBUTE = {column: attribute for attribute, column in _COLUMN.items()}


def policy_for(over_kind: str, false_clusters_per_day: float, depth: int = 2) -> Policy:
    """The policy of one kind of unit; `depth` is how many conditions a cluster of sessions may have."""
    level = level_for(false_clusters_per_day, families=FAMILIES)
    if over_kind == "touchpoints":
        return Policy(level=level, attributes=TOUCHPOINT_ATTRIBUTES, drift=False)
    return Policy(level=level, attributes=SESSION_ATTRIBUTES, depth=depth)


class Following:
    """Clusters of one kind through time; `before` are the rows that this run replaces: they keep id and detection."""

    def __init__(
        self,
        connection: Connection,
        feed: Feed,
        policy: Policy,
        labels: Labels,
        before: Sequence[ClusterRow],
        *,
        advice: Mapping[str, Advice],
        space: Space | None = None,
    ) -> None:
        self.feed = feed
        self._connection = connection
        self._labels = labels
        self._advice = advice
        self._before = [row for row in before if row.over_kind == feed.over_kind]
        self._detected = {row.cluster_id: row.detected_at for row in self._before}
        self._silent: dict[str, int] = {row.cluster_id: row.silent_users for row in self._before}
        self._explained: dict[str, Explanation] = {}
        self._catalogue_version = ""
        self.tracker = Tracker(policy, self._name, space=space)

    def restore(self, rows: Sequence[ClusterRow], catalogue_version: str) -> None:
        """Take up the clusters that are stored as alive."""
        self._catalogue_version = catalogue_version
        mine = [row for row in rows if row.over_kind == self.feed.over_kind]
        turns = cluster_life.changes(self._connection, [row.cluster_id for row in mine])
        for row in mine:
            self.tracker.clusters.append(self._restored(row, turns.get(row.cluster_id, [])))
            self._detected[row.cluster_id] = row.detected_at
            self._silent[row.cluster_id] = row.silent_users
            self._explained[row.cluster_id] = Explanation(
                domain=row.domain, certainty=row.certainty, evidence=row.evidence, version_id=row.version_id
            )

    def step(self, window: int) -> tuple[int, int]:
        """Look at one window; returns how many tests were made and how many findings they gave."""
        expectation = self.feed.expectation(window)
        units = self.feed.reach(window) if expectation.history is not None else None
        if units is None or expectation.history is None:
            return 0, 0
        found = self.tracker.step(units, window, expectation.history)
        for cluster in self.tracker.clusters:
            young = cluster.end is None and window - cluster.detected <= YOUNG
            if young or cluster.cluster_id not in self._explained:
                version = versions.version(
                    self._connection, MODEL_VERSION, self._catalogue_version, expectation.baseline_id
                )
                contrasts = self._contrasted(cluster, window)
                self._explained[cluster.cluster_id] = explain(
                    self._connection, cluster, units, window, self._advice, version, contrasts
                )
        return found.tests, len(found.findings)

    def _contrasted(self, cluster: Cluster, window: int) -> list[Evidence]:
        """What its sessions lose to whom: looked at when it is found, and an hour later."""
        if self.feed.over_kind != "sessions":
            return []
        if window - cluster.detected in (0, CONTRAST_AGAIN):
            return contrast(self._connection, self.feed.context, cluster, window)
        known = self._explained.get(cluster.cluster_id)
        return [] if known is None else contrasts_of(known.evidence)

    def save(self, since_window: int) -> list[str]:
        """Store the clusters that were alive at or after a window; returns their ids, and drops ended ones."""
        touched = [each for each in self.tracker.clusters if each.end is None or each.end + BACK >= since_window]
        for cluster in touched:
            name = cluster.cluster_id
            stored.save(self._connection, self._row(cluster))
            stored.save_windows(self._connection, name, [_window_row(each) for each in cluster.windows])
            members = {each: getattr(cluster.members, each) for each in Members.__dataclass_fields__}
            stored.save_users(self._connection, name, members)
            turns = [(moment_of(each.window + 1), each.kind, each.other) for each in cluster.changes]
            cluster_life.save_changes(self._connection, name, turns)
            tiers, segments = self._parts(cluster)
            cluster_life.save_tiers(self._connection, name, tiers)
            cluster_life.save_segments(self._connection, name, segments)
        return [each.cluster_id for each in touched]

    def _parts(self, cluster: Cluster) -> tuple[dict[int, tuple[int, int]], dict[int, tuple[int, int]]]:
        """Users and users hurt by the value tier, and by the segment, that they had at the cluster's start."""
        people = cluster.members.customer
        moment = np.full(len(people), round(moment_of(cluster.start).timestamp() * 1_000_000))
        found, hurt = self.feed.context.inventory.people(people, people, moment), cluster.members.bad > 0
        tiers, segments = (
            {int(code): (int((of == code).sum()), int((hurt & (of == code)).sum())) for code in np.unique(of)}
            for of in (found["vip_level"], found["segment"])
        )
        return tiers, segments

    def _name(self, selector: Selector, start: int) -> str:
        named = self._named(selector)
        begun = moment_of(start)
        near = LOOKBACK * QUARTER
        used = {each.cluster_id for each in self.tracker.clusters}
        for row in self._before:
            same = set(row.selector) == set(named) and all(
                set(row.selector[column]) & set(names) for column, names in named.items()
            )
            if same and row.cluster_id not in used and row.started_at - near <= begun <= (row.ended_at or begun) + near:
                return row.cluster_id
        words = [f"{column}|{','.join(names)}" for column, names in named.items()]
        text = "|".join((self.feed.over_kind, *words, begun.isoformat()))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def _named(self, selector: Selector) -> dict[str, list[str]]:
        """The selector as it is stored: columns of the input contract to names."""
        found = {}
        for attribute, codes in selector.conditions:
            names = self._labels.names(attribute)
            found[_COLUMN.get(attribute, attribute)] = sorted(names.get(code, str(code)) for code in codes)
        return found

    def _restored(self, row: ClusterRow, turns: Sequence[cluster_life.Turn]) -> Cluster:
        conditions = {_ATTRIBUTE.get(column, column): names for column, names in row.selector.items()}
        start = window_of(row.started_at)
        cluster = Cluster(
            cluster_id=row.cluster_id,
            selector=Selector.of({name: self._labels.ids(name, given).tolist() for name, given in conditions.items()}),
            onset=Onset(
                window=start,
                lo=start if row.onset_lo is None else window_of(row.onset_lo),
                hi=start if row.onset_hi is None else window_of(row.onset_hi),
            ),
            detected=window_of(row.detected_at) - 1,
            end=None if row.ended_at is None else window_of(row.ended_at),
            p_value=row.p_value,
            q_value=row.q_value,
            windows=[_window_count(each) for each in stored.windows(self._connection, row.cluster_id)],
            changes=[Change(window=window_of(at) - 1, kind=kind, other=other) for at, kind, other in turns],
            members=Members(**stored.users(self._connection, row.cluster_id)),
        )
        cluster.counted = cluster.last_bad + 1
        return cluster

    def _row(self, cluster: Cluster) -> ClusterRow:
        n, bad, expected = cluster.totals()
        explained = self._explained[cluster.cluster_id]
        return ClusterRow(
            cluster_id=cluster.cluster_id,
            over_kind=self.feed.over_kind,
            dimension=dimension_of(explained.domain),
            domain=explained.domain,
            selector=self._named(cluster.selector),
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
            onset_lo=moment_of(cluster.onset.lo),
            onset_hi=moment_of(cluster.onset.hi),
            users_hurt=int((cluster.members.bad > 0).sum()),
            sessions_hurt=bad,
            certainty=explained.certainty,
        )


def _window_row(count: WindowCount) -> tuple[Any, ...]:
    start: datetime = moment_of(count.window)
    return start, count.users, count.n, count.bad, count.expected, count.p_value, count.q_value


def _window_count(row: tuple[Any, ...]) -> WindowCount:
    start, users, n, bad, expected, p_value, q_value = row
    return WindowCount(
        window=window_of(start), users=users, n=n, bad=bad, expected=expected, p_value=p_value, q_value=q_value
    )
