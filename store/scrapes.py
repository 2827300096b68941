"""How far sources that are asked were read, and when they did not answer; all of it in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime

from store.connection import Connection


@dataclass(frozen=True, kw_only=True)
class State:
    """Up to when a source was read, and its last samples as the collector wrote them."""

    at: datetime
    samples: bytes


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A time in which a source (or the target behind it) was away; `ended_at` None: it still is."""

    target: str
    started_at: datetime
    ended_at: datetime | None
    reason: str


def source_number(connection: Connection, source: str) -> int:
    """Return the number of a source, which is entered when it is new."""
    find = "SELECT source_id FROM cem.source WHERE name = %s"
    row = connection.execute(find, [source]).fetchone()
    if row is None:
        connection.execute("INSERT INTO cem.source (name) VALUES (%s) ON CONFLICT DO NOTHING", [source])
        row = connection.execute(find, [source]).fetchone()
    assert row is not None
    return int(row[0])


def state(connection: Connection, source_id: int) -> State | None:
    """Return what is known of a source, and hold others off it until the transaction ends."""
    connection.execute("SELECT FROM cem.source WHERE source_id = %s FOR NO KEY UPDATE", [source_id])
    row = connection.execute("SELECT at, samples FROM cem.scrape_state WHERE source_id = %s", [source_id]).fetchone()
    return State(at=row[0], samples=bytes(row[1])) if row else None


def keep(connection: Connection, source_id: int, at: datetime, series: int, samples: bytes) -> None:
    """Write up to when a source was read and its last samples; the time never goes back."""
    connection.execute(
        "INSERT INTO cem.scrape_state AS old (source_id, at, series, samples) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (source_id) DO UPDATE SET at = greatest(old.at, excluded.at), series = excluded.series, "
        "samples = excluded.samples",
        [source_id, at, series, samples],
    )


def loaded(connection: Connection, source_id: int, kind: str, digest: bytes) -> bool:
    """Say whether a batch is in the ledger already."""
    query = "SELECT FROM cem.batch WHERE source_id = %s AND kind = %s AND digest = %s"
    return connection.execute(query, [source_id, kind, digest]).fetchone() is not None


def went_away(connection: Connection, source_id: int, at: datetime, reason: str, target: str = "") -> None:
    """Note that a source is away since `at`; while it stays away nothing changes."""
    connection.execute(
        "INSERT INTO cem.source_outage (source_id, target, started_at, reason) SELECT %s, %s, %s, %s "
        "WHERE NOT EXISTS (SELECT FROM cem.source_outage WHERE source_id = %s AND target = %s AND ended_at IS NULL) "
        "ON CONFLICT DO NOTHING",
        [source_id, target, at, reason, source_id, target],
    )


def came_back(connection: Connection, source_id: int, at: datetime, target: str = "") -> bool:
    """Note that a source answers again; returns whether it had been away."""
    done = connection.execute(
        "UPDATE cem.source_outage SET ended_at = greatest(started_at, %s) "
        "WHERE source_id = %s AND target = %s AND ended_at IS NULL AND started_at <= %s",
        [at, source_id, target, at],
    )
    return done.rowcount > 0


def was_away(connection: Connection, source_id: int, outage: Outage) -> None:
    """Note an outage of the past; one that it touches or overlaps becomes longer."""
    where = [source_id, outage.target, outage.ended_at, outage.started_at]
    removed = connection.execute(
        "DELETE FROM cem.source_outage WHERE source_id = %s AND target = %s AND started_at <= %s AND ended_at >= %s "
        "RETURNING started_at, ended_at",
        where,
    ).fetchall()
    started = min([outage.started_at, *(row[0] for row in removed)])
    ended = max([moment for moment in (outage.ended_at, *(row[1] for row in removed)) if moment is not None])
    connection.execute(
        "INSERT INTO cem.source_outage (source_id, target, started_at, ended_at, reason) VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT (source_id, target, started_at) DO UPDATE SET ended_at = excluded.ended_at",
        [source_id, outage.target, started, ended, outage.reason],
    )


def outages(connection: Connection, source: str) -> list[Outage]:
    """Return all outages of a source, oldest first."""
    rows = connection.execute(
        "SELECT target, started_at, ended_at, reason FROM cem.source_outage JOIN cem.source USING (source_id) "
        "WHERE name = %s ORDER BY started_at, target",
        [source],
    )
    return [Outage(target=row[0], started_at=row[1], ended_at=row[2], reason=row[3]) for row in rows]
