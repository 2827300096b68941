"""Surges of complaints that nothing explains, as they are stored, and the complaints that they are found in."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from store.connection import Connection


@dataclass(frozen=True, kw_only=True)
class SurgeRow:
    """One surge; `selector` maps topic, app, region or site_id to a list of one name.

    `experience`: whether its topic is about experience, so that it is a cluster of the same id as well.
    """

    surge_id: str
    selector: Mapping[str, list[str]]
    started_at: datetime
    detected_at: datetime
    ended_at: datetime | None
    complaints: float
    expected: float
    customers: int
    p_value: float
    experience: bool


def weighted(
    connection: Connection, start: datetime, end: datetime
) -> list[tuple[datetime, int, float, str, str, str, str, int, str]]:
    """Return the classified complaints of [start, end), oldest first.

    Each is (created_at, customer, share that nothing explains, topic, app, region, site, source_id, complaint_id), ""
    where not known.
    """
    return connection.execute(
        "SELECT c.created_at, coalesce((SELECT o.customer_key FROM cem.customer_of o "
        "WHERE o.subscriber_key = c.subscriber_key AND o.valid_from <= c.created_at "
        "ORDER BY o.valid_from DESC LIMIT 1), c.subscriber_key), coalesce(r.unexplained, 1), r.topic, "
        "coalesce(a.value, ''), coalesce(g.value, ''), coalesce(s.value, ''), c.source_id, c.complaint_id "
        "FROM cem.complaint_reading r JOIN (SELECT DISTINCT ON (source_id, complaint_id) source_id, complaint_id, "
        "created_at, subscriber_key, app, cell_id FROM cem.complaint WHERE created_at >= %s AND created_at < %s "
        "ORDER BY source_id, complaint_id, version_at DESC, arrived_at DESC, batch_id DESC) c "
        "USING (source_id, complaint_id) LEFT JOIN cem.label a ON a.label_id = c.app "
        "LEFT JOIN cem.cell_now n ON n.cell_id = c.cell_id LEFT JOIN cem.label g ON g.label_id = n.region "
        "LEFT JOIN cem.label s ON s.label_id = n.site_id ORDER BY c.created_at, c.source_id, c.complaint_id",
        [start, end],
    ).fetchall()


def alive(connection: Connection, moment: datetime) -> list[SurgeRow]:
    """Return the surges that began before the moment and were going on then; they are open again."""
    rows = connection.execute(
        "SELECT surge_id, selector, started_at, detected_at, NULL::timestamptz, complaints, expected, customers, "
        "p_value, experience FROM cem.complaint_surge WHERE detected_at <= %s AND (ended_at IS NULL OR ended_at > %s) "
        "ORDER BY started_at, surge_id",
        [moment, moment],
    )
    names = list(SurgeRow.__dataclass_fields__)
    return [SurgeRow(**dict(zip(names, row, strict=True))) for row in rows]


def forget(connection: Connection, moment: datetime) -> None:
    """Remove the surges, with their clusters, that were found or going on after the moment."""
    connection.execute(
        "DELETE FROM cem.cluster WHERE over_kind = 'complaints' AND cluster_id IN (SELECT surge_id "
        "FROM cem.complaint_surge WHERE detected_at > %s OR ended_at IS NULL OR ended_at > %s)",
        [moment, moment],
    )
    connection.execute(
        "DELETE FROM cem.complaint_surge WHERE detected_at > %s OR ended_at IS NULL OR ended_at > %s", [moment, moment]
    )


def save_links(
    connection: Connection, surge_id: str, links: Sequence[tuple[int, str, float]], reason: Mapping[str, object]
) -> None:
    """Replace the links of a surge that is a cluster: (source_id, complaint_id, probability), all for one reason."""
    connection.execute("DELETE FROM cem.complaint_link WHERE cluster_id = %s", [surge_id])
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO cem.complaint_link (source_id, complaint_id, cluster_id, probability, reasons) "
            "VALUES (%s, %s, %s, %s, %s)",
            [(source, name, surge_id, probability, json.dumps([reason])) for source, name, probability in links],
        )


def save(connection: Connection, row: SurgeRow) -> None:
    """Insert or replace a surge."""
    connection.execute(
        "INSERT INTO cem.complaint_surge (surge_id, selector, started_at, detected_at, ended_at, complaints, expected, "
        "customers, p_value, experience) VALUES (%(surge_id)s, %(selector)s, %(started_at)s, %(detected_at)s, "
        "%(ended_at)s, %(complaints)s, %(expected)s, %(customers)s, %(p_value)s, %(experience)s) "
        "ON CONFLICT (surge_id) DO UPDATE SET ended_at = excluded.ended_at, complaints = excluded.complaints, "
        "expected = excluded.expected, customers = excluded.customers",
        {**vars(row), "selector": json.dumps(row.selector)},
    )
