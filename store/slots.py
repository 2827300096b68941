"""Which program runs which run of which job: claims of slots, the programs that are there, and fencing off the dead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.connection import Connection
from store.locks import Lock

JOB_CONNECTION = "cem-job"  # application names of jobs' connections begin with this and their program's name
_RETRY = "10 minutes"  # a daily run that failed is tried again after so long (own)
LOST, LIMIT = "lost", "limit"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A slot that this program runs; `missed` slots before it had no run, `attempt` counts the runs of this one."""

    missed: int
    attempt: int


def take_lead(connection: Connection) -> bool:
    """Whether this connection now holds the lead; it does until it ends."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [Lock.LEADER]).fetchone()
    return bool(row and row[0])


def led(connection: Connection) -> bool:
    """Whether any program leads."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory' "
        "AND granted AND datname = current_database() AND classid = 0 AND objid = %s AND objsubid = 1)",
        [int(Lock.LEADER)],
    ).fetchone()
    return bool(row and row[0])


def fence(connection: Connection, instance: str) -> int:
    """End the jobs of every other program: their connections, and all unfinished slots, which are lost.

    This program's own ones, too: it calls this when it takes the lead, and what ran when it lost it was ended.
    A program that was only frozen finds, when it wakes up, every transaction that it had open rolled back.
    Returns how many slots were lost.
    """
    end_connections(connection, f"{JOB_CONNECTION} ", but=instance)
    connection.execute("UPDATE cem.instance SET leads_since = NULL WHERE instance <> %s", [instance])
    connection.execute("UPDATE cem.instance SET leads_since = clock_timestamp() WHERE instance = %s", [instance])
    done = connection.execute(
        "UPDATE cem.job_slot SET finished_at = clock_timestamp(), ok = false, error = %s WHERE finished_at IS NULL",
        [LOST],
    )
    return done.rowcount


def end_connections(connection: Connection, prefix: str, *, but: str = "") -> None:
    """End the connections whose application name begins with `prefix`, except those of the program `but`."""
    connection.execute(
        "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = current_database() "
        "AND usename = session_user AND starts_with(application_name, %s) "
        "AND NOT (%s <> '' AND starts_with(application_name, %s || %s))",
        [prefix, but, prefix, but],
    )


def claim(
    connection: Connection, job: str, slot: datetime, instance: str, every_s: float, *, again: bool
) -> Claim | None:
    """Claim a slot; None where it was claimed before.

    `again`: a slot whose run was lost, or failed ten minutes ago, is claimed once more.
    """
    row = connection.execute(
        "INSERT INTO cem.job_slot AS s (job, slot, instance) VALUES (%(job)s, %(slot)s, %(instance)s) "
        "ON CONFLICT (job, slot) DO UPDATE SET attempt = s.attempt + 1, instance = excluded.instance, "
        "started_at = clock_timestamp(), finished_at = NULL, ok = NULL, error = NULL WHERE %(again)s AND NOT s.ok "
        "AND (s.error = %(lost)s OR s.finished_at < clock_timestamp() - %(retry)s::interval) "
        "RETURNING attempt, (SELECT max(b.slot) FROM cem.job_slot b WHERE b.job = %(job)s AND b.slot < %(slot)s)",
        {"job": job, "slot": slot, "instance": instance, "again": again, "lost": LOST, "retry": _RETRY},
    ).fetchone()
    if row is None:
        return None
    attempt, before = row
    gap = 0 if before is None or attempt > 1 else round((slot - before).total_seconds() / every_s) - 1
    return Claim(missed=max(gap, 0), attempt=attempt)


def finish(connection: Connection, job: str, slot: datetime, instance: str, error: str | None) -> None:
    """Note the end of a run; `error` is the kind of what went wrong."""
    connection.execute(
        "UPDATE cem.job_slot SET finished_at = clock_timestamp(), ok = %s, error = %s "
        "WHERE job = %s AND slot = %s AND instance = %s",
        [error is None, error, job, slot, instance],
    )


def succeeded(connection: Connection, names: Sequence[str]) -> dict[str, datetime]:
    """Return when each of these jobs last succeeded, in whichever program; a job that never did is left out."""
    rows = connection.execute(
        "SELECT job, good FROM unnest(%s::text[]) AS names (job) CROSS JOIN LATERAL "
        "(SELECT max(finished_at) AS good FROM cem.job_slot s WHERE s.job = names.job AND ok) AS slots "
        "WHERE good IS NOT NULL",
        [list(names)],
    )
    return dict(rows.fetchall())


def appear(connection: Connection, instance: str, host: str, pid: int) -> None:
    """Note that a program is there."""
    connection.execute(
        "INSERT INTO cem.instance (instance, host, pid) VALUES (%s, %s, %s) ON CONFLICT (instance) DO NOTHING",
        [instance, host, pid],
    )


def seen(connection: Connection, instance: str) -> None:
    """Note that a program is still there."""
    connection.execute("UPDATE cem.instance SET seen_at = clock_timestamp() WHERE instance = %s", [instance])


def leave(connection: Connection, instance: str) -> None:
    """Forget a program that stops in good order."""
    connection.execute("DELETE FROM cem.instance WHERE instance = %s", [instance])


def prune(connection: Connection, days: int) -> int:
    """Forget claims and programs that are older than so many days, but never a job's newest; returns how many."""
    gone = connection.execute(
        "DELETE FROM cem.job_slot s WHERE finished_at < clock_timestamp() - make_interval(days => %s) "
        "AND slot < (SELECT max(slot) FROM cem.job_slot n WHERE n.job = s.job)",
        [days],
    ).rowcount
    gone += connection.execute(
        "DELETE FROM cem.instance WHERE seen_at < clock_timestamp() - make_interval(days => %s)", [days]
    ).rowcount
    return gone


def jobs(connection: Connection) -> list[dict[str, Any]]:
    """Return the newest run of each job, as `api.jobs` has it."""
    names = ("job", "slot", "instance", "ok", "error", "last_success", "running_since", "failing_since")
    rows = connection.execute(
        "SELECT job, slot, instance, ok, error, last_success, running_since, failing_since FROM api.jobs ORDER BY job"
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


def instances(connection: Connection) -> list[dict[str, Any]]:
    """Return the programs that were seen within the last minute, the leading one first."""
    names = ("instance", "host", "pid", "started_at", "seen_at", "leads_since")
    rows = connection.execute(
        "SELECT instance, host, pid, started_at, seen_at, leads_since FROM api.instances WHERE alive "
        "ORDER BY leads_since IS NULL, started_at"
    )
    return [dict(zip(names, row, strict=True)) for row in rows]
