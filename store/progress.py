"""How far growing files and Kafka partitions were read; written in the transaction that stores what was read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.connection import Connection


@dataclass(frozen=True, kw_only=True)
class FileProgress:
    """A growing file so far: SHA-256 of its first `read_bytes`, and how many rows they hold (a header is one)."""

    name: str
    read_bytes: int
    digest: bytes
    rows_read: int


@dataclass(frozen=True, kw_only=True)
class Partition:
    """One partition of a topic of a cluster, as one consumer reads it."""

    cluster: str
    consumer: str
    topic: str
    number: int


def files_begun(connection: Connection, source: str, kind: str, largest_bytes: int) -> dict[int, dict[bytes, int]]:
    """Return the files of a source that were begun and are no longer than `largest_bytes`.

    By the number of bytes that were read: digest of those bytes to the rows in them.
    """
    rows = connection.execute(
        "SELECT read_bytes, digest, rows_read FROM cem.file_progress JOIN cem.source USING (source_id) "
        "WHERE source.name = %s AND kind = %s AND read_bytes <= %s",
        [source, kind, largest_bytes],
    ).fetchall()
    found: dict[int, dict[bytes, int]] = {}
    for read_bytes, digest, rows_read in rows:
        found.setdefault(read_bytes, {})[bytes(digest)] = rows_read
    return found


def save_file(
    connection: Connection, source: str, kind: str, before: bytes | None, now: FileProgress, at: datetime
) -> None:
    """Move the file on from the state whose digest was `before`; None: it is new."""
    values = [now.name, now.read_bytes, now.digest, now.rows_read, at]
    if before is not None:
        connection.execute(
            "DELETE FROM cem.file_progress USING cem.source "
            "WHERE source.source_id = file_progress.source_id AND source.name = %s AND kind = %s AND digest = %s",
            [source, kind, before],
        )
    connection.execute(
        "INSERT INTO cem.file_progress (source_id, kind, name, read_bytes, digest, rows_read, updated_at) "
        "SELECT source_id, %s, %s, %s, %s, %s, %s FROM cem.source WHERE source.name = %s "
        "ON CONFLICT (source_id, kind, digest) DO NOTHING",
        [kind, *values, source],
    )


def next_offsets(connection: Connection, cluster: str, consumer: str, topics: Sequence[str]) -> dict[Partition, int]:
    """Return the offset that is read next in each partition that was read before."""
    rows = connection.execute(
        "SELECT topic, partition, next_offset FROM cem.kafka_progress "
        "WHERE cluster = %s AND consumer = %s AND topic = ANY(%s)",
        [cluster, consumer, list(topics)],
    ).fetchall()
    return {
        Partition(cluster=cluster, consumer=consumer, topic=topic, number=number): offset
        for topic, number, offset in rows
    }


def save_offset(connection: Connection, partition: Partition, before: int, after: int, at: datetime) -> bool:
    """Move a partition on from the offset `before` to `after`; False where another reader has moved it meanwhile.

    A second reader of the same partition waits here for the first one's transaction.
    """
    key = [partition.cluster, partition.consumer, partition.topic, partition.number]
    connection.execute(
        "INSERT INTO cem.kafka_progress VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING", [*key, before, at]
    )
    done = connection.execute(
        "UPDATE cem.kafka_progress SET next_offset = %s, updated_at = %s "
        "WHERE (cluster, consumer, topic, partition) = (%s, %s, %s, %s) AND next_offset = %s",
        [after, at, *key, before],
    )
    return done.rowcount == 1
