"""Complaints with what was read into them: class, links, risks of clusters, silent sufferers, surges."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import pyarrow as pa

from store.clusters import Ints
from store.connection import Connection
from store.copying import Arrays, copy_in, copy_out

PERSON = "person"

# The span's complaints by index, then all their versions: the view of current ones would read the whole table.
_CURRENT: LiteralString = (
    "SELECT DISTINCT ON (c.source_id, c.complaint_id) c.* FROM cem.complaint c JOIN (SELECT DISTINCT source_id, "
    "complaint_id FROM cem.complaint WHERE created_at >= %(start)s AND created_at < %(end)s) AS span "
    "USING (source_id, complaint_id) ORDER BY c.source_id, c.complaint_id, c.version_at DESC, c.arrived_at DESC, "
    "c.batch_id DESC"
)


@dataclass(frozen=True, kw_only=True)
class ComplaintRow:
    """One complaint as linking takes it; names are "" where none was given, `topic` is None where not yet read."""

    source_id: int
    complaint_id: str
    customer: int
    created_at: datetime
    version_at: datetime
    category: str
    text: str
    app: str
    cell_id: str
    site_id: str
    region: str
    topic: str | None
    classifier: str | None
    read_version_at: datetime | None
    label: str | None


def between(connection: Connection, start: datetime, end: datetime) -> list[ComplaintRow]:
    """Return the complaints made in [start, end), oldest first; places as the inventory has them now."""
    rows = connection.execute(
        f"WITH current AS MATERIALIZED ({_CURRENT}) "  # noqa: S608 - only our own constant
        "SELECT c.source_id, c.complaint_id, coalesce((SELECT o.customer_key FROM cem.customer_of o "
        "WHERE o.subscriber_key = c.subscriber_key AND o.valid_from <= c.created_at "
        "ORDER BY o.valid_from DESC LIMIT 1), c.subscriber_key), c.created_at, c.version_at, "
        "coalesce(y.value, ''), coalesce(c.text, ''), coalesce(a.value, ''), coalesce(l.value, ''), "
        "coalesce(s.value, ''), coalesce(g.value, ''), r.topic, r.classifier, r.version_at, "
        "(SELECT b.topic FROM cem.complaint_label b "
        "WHERE b.source_id = c.source_id AND b.complaint_id = c.complaint_id ORDER BY b.label_no DESC LIMIT 1) "
        "FROM current c LEFT JOIN cem.complaint_reading r USING (source_id, complaint_id) "
        "LEFT JOIN cem.label y ON y.label_id = c.category LEFT JOIN cem.label a ON a.label_id = c.app "
        "LEFT JOIN cem.label l ON l.label_id = c.cell_id LEFT JOIN cem.cell_now n ON n.cell_id = c.cell_id "
        "LEFT JOIN cem.label s ON s.label_id = n.site_id LEFT JOIN cem.label g ON g.label_id = n.region "
        "WHERE c.created_at >= %(start)s AND c.created_at < %(end)s "
        "ORDER BY c.created_at, c.source_id, c.complaint_id",
        {"start": start, "end": end},
    )
    names = list(ComplaintRow.__dataclass_fields__)
    return [ComplaintRow(**dict(zip(names, row, strict=True))) for row in rows]


def unread_since(connection: Connection) -> datetime | None:
    """Return when the oldest complaint was made that nobody has looked at, None where all were."""
    row = connection.execute(
        "SELECT min(created_at) FROM cem.complaint c WHERE NOT EXISTS (SELECT FROM cem.complaint_reading r "
        "WHERE (r.source_id, r.complaint_id) = (c.source_id, c.complaint_id))"
    ).fetchone()
    return row[0] if row else None


def labelled(connection: Connection, limit: int) -> list[tuple[str, str, str]]:
    """Return (category, text, topic) of the newest corrections, the newest of each complaint; erased texts are gone."""
    rows = connection.execute(
        "SELECT category, text, topic FROM (SELECT DISTINCT ON (b.source_id, b.complaint_id) coalesce(l.value, '') "
        "AS category, c.text, b.topic, b.label_no FROM cem.complaint_label b "
        "JOIN cem.complaint_now c USING (source_id, complaint_id) LEFT JOIN cem.label l ON l.label_id = c.category "
        "WHERE c.text <> '' ORDER BY b.source_id, b.complaint_id, b.label_no DESC) AS newest "
        "ORDER BY label_no DESC LIMIT %s",
        [limit],
    )
    return rows.fetchall()


def label(connection: Connection, source_id: int, complaint_id: str, topic: str, actor: str) -> None:
    """Note that somebody says what a complaint is about; its reading follows at once."""
    with connection.transaction():
        connection.execute(
            "INSERT INTO cem.complaint_label (source_id, complaint_id, topic, actor) VALUES (%s, %s, %s, %s)",
            [source_id, complaint_id, topic, actor],
        )
        connection.execute(
            "UPDATE cem.complaint_reading SET topic = %s, confidence = 1, classifier = %s "
            "WHERE source_id = %s AND complaint_id = %s",
            [topic, PERSON, source_id, complaint_id],
        )


def save_topics(connection: Connection, rows: Sequence[tuple[int, str, datetime, str, float, str]]) -> None:
    """Store classes: (source_id, complaint_id, version_at, topic, confidence, classifier)."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO cem.complaint_reading (source_id, complaint_id, version_at, topic, confidence, classifier) "
            "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (source_id, complaint_id) DO UPDATE SET "
            "version_at = excluded.version_at, topic = excluded.topic, confidence = excluded.confidence, "
            "classifier = excluded.classifier",
            rows,
        )


def save_links(
    connection: Connection,
    unexplained: Sequence[tuple[int, str, float]],
    links: Sequence[tuple[int, str, str, float, list[dict[str, Any]]]],
) -> None:
    """Replace the links of these complaints (source_id, complaint_id, unexplained share) by those that are given.

    A link is (source_id, complaint_id, cluster_id, probability, reasons).
    """
    sources, names = [row[0] for row in unexplained], [row[1] for row in unexplained]
    connection.execute(
        "DELETE FROM cem.complaint_link l USING unnest(%s::int[], %s::text[]) AS given (source_id, complaint_id) "
        "WHERE l.source_id = given.source_id AND l.complaint_id = given.complaint_id",
        [sources, names],
    )
    connection.execute(
        "UPDATE cem.complaint_reading r SET unexplained = given.share "
        "FROM unnest(%s::int[], %s::text[], %s::float8[]) AS given (source_id, complaint_id, share) "
        "WHERE r.source_id = given.source_id AND r.complaint_id = given.complaint_id",
        [sources, names, [row[2] for row in unexplained]],
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO cem.complaint_link (source_id, complaint_id, cluster_id, probability, reasons) "
            "VALUES (%s, %s, %s, %s, %s)",
            [(*row[:4], json.dumps(row[4])) for row in links],
        )


def crowd(connection: Connection, cluster_id: str) -> tuple[Arrays, int]:
    """Return how many customers of a cluster had how many units, and when on average the last bad one was.

    Arrays n, bad and users; the moment in microseconds since 1970, 0 where nobody was hurt.
    """
    found = copy_out(
        connection,
        "SELECT n::bigint, bad::bigint, count(*) FROM cem.cluster_user WHERE cluster_id = %s GROUP BY 1, 2 "
        "ORDER BY 1, 2",
        (("n", "i8"), ("bad", "i8"), ("users", "i8")),
        [cluster_id],
    )
    row = connection.execute(
        "SELECT coalesce(avg(extract(epoch FROM last_bad)) * 1000000, 0)::bigint FROM cem.cluster_user "
        "WHERE cluster_id = %s AND bad > 0",
        [cluster_id],
    ).fetchone()
    return found, int(row[0]) if row else 0


def harmed(connection: Connection, cluster_id: str, customers: Ints) -> Arrays:
    """Return those of these customers who were in a cluster, sorted: arrays as `store.clusters.users` gives."""
    return copy_out(
        connection,
        "SELECT customer_key, n::bigint, bad::bigint, coalesce(first_bad, 'epoch'), coalesce(last_bad, 'epoch') "
        "FROM cem.cluster_user WHERE cluster_id = %s AND customer_key = ANY(%s) ORDER BY customer_key",
        (("customer", "i8"), ("n", "i8"), ("bad", "i8"), ("first_bad_us", "time"), ("last_bad_us", "time")),
        [cluster_id, customers.tolist()],
    )


def population(connection: Connection, start: datetime, end: datetime) -> int:
    """Return how many customers there are: the most that a day, or else an hour, of [start, end) had."""
    row = connection.execute(
        "SELECT max(n_users) FROM cem.group_index WHERE attribute = 'all' AND grain IN ('day', 'hour') "
        "AND start >= %s AND start < %s",
        [start, end],
    ).fetchone()
    return int(row[0] or 0) if row else 0


def save_risks(connection: Connection, cluster_id: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Replace the risks of a cluster: rows (topic, exposed, ... attributable) in the table's order."""
    connection.execute("DELETE FROM cem.cluster_risk WHERE cluster_id = %s", [cluster_id])
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO cem.cluster_risk (cluster_id, topic, exposed, exposed_complaints, others, other_complaints, "
            "relative_risk, lo, hi, lift, attributable) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [(cluster_id, *row) for row in rows],
        )


def save_silent(connection: Connection, cluster_id: str, count: int, arrays: Arrays) -> None:
    """Replace the silent sufferers of a cluster: how many, and arrays customer, bad, risk of those that are listed."""
    connection.execute("UPDATE cem.cluster SET silent_users = %s WHERE cluster_id = %s", [count, cluster_id])
    connection.execute("DELETE FROM cem.silent_sufferer WHERE cluster_id = %s", [cluster_id])
    batch = pa.record_batch(
        {
            "cluster_id": pa.array([cluster_id] * len(arrays["customer"]), pa.string()),
            "customer_key": pa.array(arrays["customer"], pa.int64()),
            "bad": pa.array(arrays["bad"].astype("i4")),
            "risk": pa.array(arrays["risk"], pa.float64()),
        }
    )
    copy_in(connection, "cem.silent_sufferer", batch)
