"""Joins the complaints to the clusters that explain them, and counts who suffers alike and says nothing."""

from datetime import datetime, timedelta
from typing import Any

from customers.links import LINK_US, Complaint, Exposure, Link, Risk, link
from customers.topics import Taxonomy, taxonomy_of, topic_of
from store import clusters as stored
from store.clusters import ClusterRow
from store.connection import Connection

LINK = timedelta(microseconds=LINK_US)


def link_complaints(connection: Connection, start: datetime, end: datetime, taxonomy: Taxonomy | None = None) -> int:
    """Link the complaints that the clusters open in [start, end) may explain; returns how many links were made.

    Runs in the caller's transaction. Clusters of the 48 hours before take part too, as a complaint's probability is
    shared over all that may explain it; links of complaints since the first of the clusters are replaced.
    """
    rows = stored.between(connection, start, end)
    if not rows:
        return 0
    since = min(row.started_at for row in rows)
    sharing = stored.between(connection, since - LINK, end)
    until = max(row.ended_at or end for row in sharing) + LINK
    complaints = _complaints(connection, min(row.started_at for row in sharing), until, taxonomy or taxonomy_of())
    exposures = [_exposure(connection, row, end) for row in sharing]
    population = stored.population(connection, since - timedelta(days=1), until)
    found = link(complaints, exposures, population)
    recent = {(each.source_id, each.complaint_id) for each in complaints if each.at_us >= _us(since)}
    links = [each for each in found.links if (each.source_id, each.complaint_id) in recent]
    stored.save_links(connection, since, [_link_row(each) for each in links])
    for row in rows:
        stored.save_silent(connection, row.cluster_id, len(found.silent[row.cluster_id]))
        _keep_risks(connection, row, found.risks[row.cluster_id])
    return len(links)


def _complaints(connection: Connection, start: datetime, end: datetime, taxonomy: Taxonomy) -> list[Complaint]:
    return [
        Complaint(
            source_id=source,
            complaint_id=name,
            customer=customer,
            at_us=at_us,
            topic=topic_of(taxonomy, category, text),
        )
        for source, name, customer, at_us, category, text in stored.complaints(connection, start, end)
    ]


def _link_row(each: Link) -> tuple[int, str, str, float, list[dict[str, Any]]]:
    return each.source_id, each.complaint_id, each.cluster_id, each.probability, _reasons(each)


def _exposure(connection: Connection, row: ClusterRow, end: datetime) -> Exposure:
    users = stored.users(connection, row.cluster_id)
    return Exposure(
        cluster_id=row.cluster_id,
        started_us=_us(row.started_at),
        ended_us=_us(row.ended_at or end),
        customer=users["customer"],
        bad=users["bad"],
        first_bad_us=users["first_bad_us"],
        last_bad_us=users["last_bad_us"],
    )


def _us(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def _reasons(each: Link) -> list[dict[str, Any]]:
    return [
        {"code": "same_customer", "lag_h": round(each.lag_us / 3.6e9, 2), "bad": each.bad},
        {"code": "topic_risk", **_risk(each.risk)},
    ]


def _risk(risk: Risk) -> dict[str, Any]:
    return {
        "topic": risk.topic,
        "relative_risk": round(risk.relative_risk, 3),
        "lo": round(risk.lo, 3),
        "hi": round(risk.hi, 3),
        "exposed": risk.exposed,
        "exposed_complaints": risk.exposed_complaints,
    }


def _keep_risks(connection: Connection, row: ClusterRow, risks: tuple[Risk, ...]) -> None:
    """Store the relative risks among the cluster's evidence: before is the others' rate, during the exposed ones'."""
    others = [each for each in row.evidence if not each["metric"].startswith("complaints.")]
    found = [
        {
            "metric": f"complaints.{risk.topic}",
            "before": round(risk.other_complaints / max(risk.others, 1), 6),
            "during": round(risk.exposed_complaints / max(risk.exposed, 1), 6),
            "effect": round(risk.relative_risk, 3),
            "unit": "relative risk",
            "lo": round(risk.lo, 3),
            "hi": round(risk.hi, 3),
        }
        for risk in sorted(risks, key=lambda each: -each.shrunk)
    ]
    if others + found != row.evidence:
        stored.save_evidence(connection, row.cluster_id, others + found)
