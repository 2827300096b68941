"""How long each kind of row is kept, and dropping what is older once everything was made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString

from psycopg import sql

from store.connection import Connection
from store.locks import Lock
from store.schema import capability

SESSIONS, USER_HOURS = "sessions", "user_hours"  # what hours and days of a customer are made of


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Rows of one table and how long they are kept by default (days, at least `least_days`).

    `held_by` names the marks of `cem.dirty` whose windows still need the rows: none is dropped from the oldest such
    window on. `only` narrows the rows of a table down;
    `after` removes what hung on them. Defaults are ours (own): records of single people go first.
    """

    name: str
    table: str
    column: str
    days: int
    least_days: int = 1
    held_by: tuple[str, ...] = ()
    only: LiteralString = "true"
    after: tuple[sql.SQL | sql.Composed, ...] = ()
    schema: str = "cem"


# What was read into complaints that are gone (classes, people's corrections, links), and lists of persons hurt.
_WITHOUT_COMPLAINT = sql.SQL(
    "DELETE FROM {} AS lost WHERE NOT EXISTS (SELECT FROM cem.complaint AS one "
    "WHERE one.source_id = lost.source_id AND one.complaint_id = lost.complaint_id)"
)
_LOST_COMPLAINTS = tuple(
    _WITHOUT_COMPLAINT.format(sql.Identifier("cem", table))
    for table in ("complaint_link", "complaint_reading", "complaint_label")
)
_LOST_SUFFERERS = sql.SQL(
    "DELETE FROM cem.silent_sufferer AS lost WHERE NOT EXISTS (SELECT FROM cem.cluster_user AS one "
    "WHERE one.cluster_id = lost.cluster_id AND one.customer_key = lost.customer_key)"
)
# Who was told of an alert is told its end, however late that comes. Changes and messages of an alert go with it.
_TOLD_AND_OVER: LiteralString = (
    "outcome <> 'waiting' AND NOT EXISTS "
    "(SELECT FROM cem.alert WHERE alert.alert_id = delivery.alert_id AND alert.resolved_at IS NULL)"
)
# 28 days feed the longest trailing period, the expectation and its ladder: what they read is kept at least that long.
RULES = (
    Kept(name=SESSIONS, table="session", column="start_time", days=7, held_by=("sessions", "days", "search")),
    Kept(
        name="touchpoints", table="touchpoint", column="time", days=90, least_days=28, held_by=("touchpoints", "days")
    ),
    Kept(name="counters", table="counter", column="time", days=30, held_by=("counters",)),
    Kept(name="surveys", table="survey", column="time", days=760),
    Kept(name="complaints", table="complaint", column="created_at", days=365, least_days=28, after=_LOST_COMPLAINTS),
    Kept(name="alarms", table="alarm", column="time", days=90),
    Kept(name="events", table="event_seen", column="time", days=30),
    Kept(name="quarantine", table="quarantine", column="arrived_at", days=30),
    Kept(name=USER_HOURS, table="user_hour", column="start", days=30, least_days=2, held_by=("days",)),
    Kept(name="user_days", table="user_day", column="start", days=90, least_days=29, held_by=("days", "periods")),
    Kept(name="group_quarters", table="group_index", column="start", days=90, least_days=29, only="grain = '15m'"),
    Kept(name="groups", table="group_index", column="start", days=760, least_days=29, only="grain <> '15m'"),
    Kept(name="kpis", table="kpi_value", column="start", days=760, least_days=29),
    Kept(name="kqis", table="kqi_value", column="start", days=760, least_days=29),
    Kept(name="cluster_users", table="cluster_user", column="last_bad", days=90, after=(_LOST_SUFFERERS,)),
    Kept(name="surges", table="complaint_surge", column="started_at", days=760),
    Kept(name="alerts", table="alert", column="resolved_at", days=760),
    Kept(name="deliveries", table="delivery", column="queued_at", days=90, only=_TOLD_AND_OVER),
    Kept(name="source_windows", table="source_window", column="start", days=90, least_days=29),
    Kept(name="baselines", table="baseline", column="day", days=760, least_days=29),
    Kept(name="effects", table="effect", column="day", days=760),
    Kept(name="verdicts", table="effect_verdict", column="day", days=760),
    Kept(name="aggregations", table="aggregation_choice", column="start", days=760),
    Kept(name="fairness", table="group_fairness", column="start", days=760),
    Kept(name="mix_warnings", table="mix_warning", column="start", days=760),
    Kept(name="shadow_hours", schema="shadow", table="user_hour", column="start", days=30),
    Kept(name="shadow_days", schema="shadow", table="user_day", column="start", days=90),
    Kept(name="shadow_groups", schema="shadow", table="group_index", column="start", days=90),
    Kept(name="runs", table="run", column="started_at", days=90),
)
DEFAULT_DAYS: Mapping[str, int] = {rule.name: rule.days for rule in RULES}
LEAST_DAYS: Mapping[str, int] = {rule.name: rule.least_days for rule in RULES}


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """What was dropped of one kind: `before` is the time that its rows now begin at, `held` why it is not later."""

    name: str
    days: int
    before: datetime
    rows: int
    held: str | None


def drop(connection: Connection, days: Mapping[str, int], now: datetime) -> list[Dropped]:
    """Drop what is older than its days; one transaction a kind, so that it can be ended and called again.

    Whole chunks go at once on TimescaleDB; what is left of a chunk, and plain PostgreSQL, row by row.
    """
    hypertables = capability(connection) != "plain"
    return [_drop(connection, rule, days[rule.name], now, hypertables) for rule in RULES]


def report(connection: Connection, days: Mapping[str, int], now: datetime) -> list[dict[str, Any]]:
    """Return per kind its days, its oldest row, how far it was dropped, and whether anything was kept too long."""
    found = []
    for rule in RULES:
        query = sql.SQL("SELECT min({})::timestamptz FROM {} WHERE {}")
        row = connection.execute(query.format(_column(rule), _table(rule), sql.SQL(rule.only))).fetchone()
        oldest = row[0] if row else None
        found.append(
            {
                "name": rule.name,
                "days": days[rule.name],
                "oldest": oldest,
                "dropped_before": horizon(connection, rule.name),
                # Dropped by the hour, and by a job that runs daily.
                "kept_too_long": oldest is not None and oldest < now - timedelta(days=days[rule.name] + 1, hours=1),
            }
        )
    return found


def horizon(connection: Connection, name: str) -> datetime | None:
    """Return the time before which rows of this name may be gone; None while none were dropped."""
    row = connection.execute("SELECT before FROM cem.retained WHERE name = %s", [name]).fetchone()
    return row[0] if row else None


def gone(connection: Connection, name: str, start: datetime) -> bool:
    """Say whether rows of this name from `start` on may be gone, and hold off dropping until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", [Lock.RETENTION])
    before = horizon(connection, name)
    return before is not None and start < before


def _drop(connection: Connection, rule: Kept, days: int, now: datetime, hypertables: bool) -> Dropped:
    wanted = (now - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.RETENTION])
        before, held = _held(connection, rule, wanted)
        rows = _delete(connection, rule, before, hypertables)
        connection.execute(
            "INSERT INTO cem.retained AS r (name, before, rows_dropped) VALUES (%s, %s, %s) ON CONFLICT (name) "
            "DO UPDATE SET before = greatest(r.before, excluded.before), updated_at = now(), "
            "rows_dropped = r.rows_dropped + excluded.rows_dropped",
            [rule.name, before, rows],
        )
    return Dropped(name=rule.name, days=days, before=before, rows=rows, held=held)


def _held(connection: Connection, rule: Kept, wanted: datetime) -> tuple[datetime, str | None]:
    """The wanted time, or the hour of the oldest window that still needs the rows, and what needs it."""
    row = connection.execute(
        "SELECT kind, window_start FROM cem.dirty WHERE kind = ANY(%s) AND window_start < %s "
        "ORDER BY window_start LIMIT 1",
        [list(rule.held_by), wanted],
    ).fetchone()
    if row is None:
        return wanted, None
    return row[1].replace(minute=0), f"{row[0]} of {row[1]:%Y-%m-%d %H:%M} UTC wait"


def _delete(connection: Connection, rule: Kept, before: datetime, hypertables: bool) -> int:
    older = sql.SQL("FROM {} WHERE {} < {} AND {}").format(
        _table(rule), _column(rule), sql.Literal(before), sql.SQL(rule.only)
    )
    row = connection.execute(sql.SQL("SELECT count(*) {}").format(older)).fetchone()
    if row is None or not row[0]:
        return 0
    if hypertables and rule.only == "true" and _is_hypertable(connection, rule):
        connection.execute(
            "SELECT drop_chunks(%s::regclass, older_than => %s)", [f"{rule.schema}.{rule.table}", before]
        )
    connection.execute(sql.SQL("DELETE {}").format(older))
    for statement in rule.after:
        connection.execute(statement)
    return int(row[0])


def _is_hypertable(connection: Connection, rule: Kept) -> bool:
    row = connection.execute(
        "SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_schema = %s AND hypertable_name = %s",
        [rule.schema, rule.table],
    ).fetchone()
    return row is not None


def _table(rule: Kept) -> sql.Identifier:
    return sql.Identifier(rule.schema, rule.table)


def _column(rule: Kept) -> sql.Identifier:
    return sql.Identifier(rule.column)
