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
    """Link the complaints that the clusters open in [start, end) may explain; returns how many links there are.

    Runs in the caller's transaction; links of these clusters are replaced.
    """
    rows = stored.between(connection, start, end)
    if not rows:
        return 0
    first = min(row.started_at for row in rows)
    until = max(row.ended_at or end for row in rows) + LINK
    classes = taxonomy or taxonomy_of()
    complaints = [
        Complaint(
            source_id=source, complaint_id=name, customer=customer, at_us=at_us, topic=topic_of(classes, category, text)
        )
        for source, name, customer, at_us, category, text in stored.complaints(connection, first, until)
    ]
    exposures = [_exposure(connection, row, end) for row in rows]
    population = stored.population(connection, first - timedelta(days=1), until)
    found = link(complaints, exposures, population)
    links = [
        (each.source_id, each.complaint_id, each.cluster_id, each.probability, _reasons(each)) for each in found.links
    ]
    silent = {cluster_id: len(customers) for cluster_id, customers in found.silent.items()}
    stored.save_links(connection, [row.cluster_id for row in rows], links, silent)
    for row in rows:
        _keep_risks(connection, row, found.risks.get(row.cluster_id, ()))
    return len(links)


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
