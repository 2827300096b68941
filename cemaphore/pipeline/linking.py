"""Clusters as linking takes them, and what comes of it as it is stored: links, risks, and who suffers and is silent."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from customers.exposure import Complaint, Crowd, Exposure, Floats, Harm, Ints
from customers.links import Link, Linked
from customers.risk import Risk
from customers.sufferers import risks, silent
from store import clusters, complaints
from store.clusters import ClusterRow
from store.connection import Connection

COMPLAINTS = "complaints"
LEAST = 0.001  # probability below which a link is not worth a row (own)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def exposures_of(
    connection: Connection, rows: Sequence[ClusterRow], customers: Ints, until: datetime
) -> list[Exposure]:
    """What the clusters did to all, and to those of these customers whom they hit; surges of complaints do nothing."""
    return [_exposure(connection, row, customers, until) for row in rows if row.over_kind != COMPLAINTS]


def _exposure(connection: Connection, row: ClusterRow, customers: Ints, until: datetime) -> Exposure:
    crowd, last_bad_us = complaints.crowd(connection, row.cluster_id)
    return Exposure(
        cluster_id=row.cluster_id,
        dimension=row.dimension,
        started_us=us_of(row.started_at),
        ended_us=us_of(row.ended_at or until),
        bad_ratio=row.bad_ratio,
        expected_ratio=row.expected_ratio,
        harm=Harm(**complaints.harmed(connection, row.cluster_id, customers)),
        crowd=Crowd(**crowd, last_bad_us=last_bad_us),
        selector={column: frozenset(values) for column, values in row.selector.items()},
    )


def us_of(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def save_links(connection: Connection, made: Sequence[Complaint], linked: Linked, unexplained: Floats) -> int:
    """Replace the links of these complaints; returns how many there are now. Chances below 1 in 1,000 are left out."""
    chosen = {(each.source_id, each.complaint_id) for each in made}
    links = [
        (each.source_id, each.complaint_id, each.cluster_id, each.probability, reasons(each))
        for each in linked.links
        if (each.source_id, each.complaint_id) in chosen and each.probability >= LEAST
    ]
    shares = [(each.source_id, each.complaint_id, float(share)) for each, share in zip(made, unexplained, strict=True)]
    complaints.save_links(connection, shares, links)
    return len(links)


def reasons(each: Link) -> list[dict[str, Any]]:
    """Why a link has its probability, as figures under a code that the screens' messages explain."""
    found: list[dict[str, Any]] = [
        {"code": "same_customer", "bad": each.bad, "dose": round(each.dose, 2), "lag_h": round(each.lag_h, 2)},
        {"code": "relative_risk", "relative_risk": round(each.relative_risk, 2)},
        {"code": "topic", "topic": each.topic, "share": round(each.topic_share, 3)},
    ]
    if each.same_place is not None:
        found.append({"code": "same_place" if each.same_place else "other_place"})
    return found


def save_clusters(
    connection: Connection, exposures: Sequence[Exposure], made: Sequence[Complaint], linked: Linked, customers: int
) -> None:
    """Store each cluster's risks and its silent sufferers."""
    for exposure in exposures:
        found = [_row(risk) for risk in risks(made, exposure, customers)]
        complaints.save_risks(connection, exposure.cluster_id, found)
        harm = Harm(**clusters.users(connection, exposure.cluster_id))
        quiet = silent(exposure, harm, linked.rate[exposure.cluster_id], made, linked.links)
        listed = {"customer": quiet.customer, "bad": quiet.bad, "risk": quiet.risk}
        complaints.save_silent(connection, exposure.cluster_id, quiet.count, listed)


def _row(risk: Risk) -> tuple[Any, ...]:
    return (
        *(risk.topic, risk.exposed, risk.exposed_complaints, risk.others, risk.other_complaints),
        *(risk.relative_risk, risk.lo, risk.hi, risk.lift, risk.attributable),
    )
