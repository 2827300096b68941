"""What a message about an alert says: the alert, its parts, and the cluster that likely causes it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from alerts.facts import MOST_CHILDREN, MOST_EVIDENCE, Child, Facts, TierUsers
from alerts.machine import Machine
from alerts.quieting import kept_back
from alerts.rules import SEVERITIES
from store import cluster_life
from store import clusters as stored
from store.alerts import AlertRow
from store.clusters import ClusterRow
from store.connection import Connection

_MEASURES = {"cluster": "bad_ratio", "no_data": "volume"}


class FactsMaker:
    """Makes facts of alerts; clusters are read once."""

    def __init__(self, connection: Connection, machine: Machine, k_anonymity: int) -> None:
        self._connection, self._machine, self._least = connection, machine, k_anonymity
        self._clusters: dict[str, ClusterRow | None] = {}
        self._parts: dict[str, list[AlertRow]] = {}

    def facts(self, row: AlertRow, at: datetime) -> Facts:
        """What is known of an alert at the end of a window."""
        key = (row.rule, row.subject)
        signal, rule = self._machine.signals.get(key), self._machine.book.named(row.rule)
        parts = self._machine.children_of(row)
        cluster = self._cluster(row)
        about = {} if signal is None else signal.about
        kept = None
        if rule is not None and row.state in ("silenced", "resolved"):
            machine = self._machine
            now = machine.now or at
            kept = kept_back(rule, row.subject, row.severity, about, now, machine.book, machine.silences, machine.zone)
        users = row.users if cluster is None or row.kind != "cluster" else cluster.users_hurt
        links = {} if cluster is None else stored.links(self._connection, [cluster.cluster_id])
        return Facts(
            alert_id=row.alert_id,
            change=row.change,
            rule=row.rule,
            kind=row.kind,
            subject=row.subject,
            measure=_MEASURES.get(row.kind, "overall" if rule is None else rule.measure),
            unit="" if signal is None else signal.unit,
            severity=row.severity,
            state=row.state,
            at=at,
            started_at=row.started_at,
            fired_at=row.fired_at,
            resolved_at=row.resolved_at,
            value=row.value,
            expected=row.expected,
            lo=None if signal is None else signal.lo,
            hi=None if signal is None else signal.hi,
            drop=None if signal is None else signal.drop,
            horizon=row.horizon or (None if signal is None else signal.horizon),
            about={name: tuple(sorted(values)) for name, values in about.items()},
            excess=None if signal is None or signal.excess is None else round(signal.excess, 2),
            users=users if users is not None and users >= self._least else None,
            tiers=() if cluster is None else self._tiers(cluster.cluster_id),
            domain=None if cluster is None else cluster.domain,
            certainty=None if cluster is None else cluster.certainty,
            cluster_id=row.cluster_id,
            evidence=() if cluster is None else _weightiest(cluster),
            complaints=0 if cluster is None else sum(share >= 0.5 for _, share in links.get(cluster.cluster_id, [])),
            children_count=len(parts),
            children=tuple(_child(each) for each in _gravest(parts)),
            owner=row.owner,
            labels={} if rule is None else rule.labels,
            acknowledged_by=row.acknowledged_by,
            acknowledged_at=row.acknowledged_at,
            acknowledged_until=row.acknowledged_until,
            acknowledged_comment=row.acknowledged_comment,
            silence_id=row.silence_id,
            silenced_by=None if kept is None else kept.by,
            silenced_until=None if kept is None else kept.until,
        )

    def _cluster(self, row: AlertRow) -> ClusterRow | None:
        if row.cluster_id is None:
            return None
        if row.cluster_id not in self._clusters:
            self._clusters[row.cluster_id] = stored.by_id(self._connection, row.cluster_id)
        return self._clusters[row.cluster_id]

    def _tiers(self, cluster_id: str) -> tuple[TierUsers, ...]:
        found = cluster_life.tiers(self._connection, [cluster_id]).get(cluster_id, [])
        return told_tiers([(tier, hurt) for tier, _, hurt in found], self._least)


def told_tiers(hurt: Sequence[tuple[str | None, int]], least: int) -> tuple[TierUsers, ...]:
    """The tiers of `least` users and more, most hurt first.

    Where a smaller one is left out, the smallest of the others is too: the users less the listed ones would be it.
    """
    listed = sorted(((users, tier) for tier, users in hurt if users >= least), key=lambda pair: -pair[0])
    if any(0 < users < least for _, users in hurt):
        listed = listed[:-1]
    return tuple(TierUsers(tier=tier, users=users) for users, tier in listed)


def _weightiest(cluster: ClusterRow) -> tuple[Mapping[str, object], ...]:
    """The pieces that speak loudest for the cluster's domain."""

    def weight(piece: Mapping[str, object]) -> float:
        speaks = piece.get("speaks")
        return -float(speaks.get(cluster.domain, 0.0)) if isinstance(speaks, dict) else 0.0

    return tuple(sorted(cluster.evidence, key=weight)[:MOST_EVIDENCE])


def _gravest(parts: Sequence[AlertRow]) -> list[AlertRow]:
    """The parts that a message lists: the gravest, then the deepest."""

    def depth(row: AlertRow) -> float:
        return (row.value or 0.0) - (row.expected or 0.0)

    ordered = sorted(parts, key=lambda row: (-SEVERITIES.index(row.severity), depth(row), row.subject))
    return ordered[:MOST_CHILDREN]


def _child(row: AlertRow) -> Child:
    return Child(
        alert_id=row.alert_id,
        rule=row.rule,
        subject=row.subject,
        severity=row.severity,
        state=row.state,
        value=row.value,
        expected=row.expected,
    )
