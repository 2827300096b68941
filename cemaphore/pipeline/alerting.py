"""Judges the windows that closed on time by the alert rules, keeps every change, and queues what is to be said."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.judging import restored
from alerts.machine import FORGOTTEN, Machine, Turn
from alerts.quieting import Silence
from alerts.rulefile import default_rules, read_rules
from alerts.rules import RuleBook
from cemaphore import catalogues
from cemaphore.pipeline.alert_facts import FactsMaker
from cemaphore.pipeline.alert_signals import Watcher
from cemaphore.pipeline.baseline import calendar_of
from cemaphore.settings import Settings
from records.errors import TransientError
from records.windows import QUARTER, floor
from store import alert_silences, detections
from store import alerts as stored
from store.connection import Connection, connect
from store.locks import Lock

RULES_FILE = "alerts.toml"
# A window that is judged later than this after its end is late: its news is no alert any more (own).
ON_TIME = timedelta(hours=2)
# Clusters are waited for, but not for ever: after so long a window is judged without (own).
PATIENCE = timedelta(minutes=20)
CHUNK = 96  # windows that are read ahead and committed together


@dataclass(frozen=True, kw_only=True)
class AlertRun:
    """Windows judged, changes of alerts, and messages queued."""

    windows: int
    changes: int
    told: int


def rules_of(settings: Settings) -> RuleBook:
    """The operator's rules where `alerts.toml` lies under `home`, else the shipped ones."""
    path = settings.home / RULES_FILE
    return checked(path.read_text(encoding="utf-8"), str(path), settings) if path.exists() else default_rules()


def checked(text: str, file: str, settings: Settings) -> RuleBook:
    """Read rules against the operator's indicators and zone; `ConfigError` lists all mistakes."""
    known = {"kqi": tuple(catalogues.kqis(settings).indicators), "kpi": tuple(catalogues.kpis(settings).kpis)}
    return read_rules(text, file=file, zone=ZoneInfo(settings.time_zone), known=known)


def alert(dsn: str, settings: Settings, *, now: datetime | None = None, rules: RuleBook | None = None) -> AlertRun:
    """Judge each closed window once, oldest first, and queue what is to be said; delivering is another job's work.

    A window scored again later is not judged again, and one older than `ON_TIME` never, except in demo mode, where
    the made-up days are replayed as if they were now. Raises `TransientError` while another run judges.
    """
    now = now or datetime.now(UTC)
    book = rules or rules_of(settings)
    with connect(dsn, autocommit=True) as connection:
        said = _queue_acts(connection, now)
        windows, changes, told = _judge_all(connection, settings, book, now)
        reviewed, more = _review(connection, settings, book, now)
    return AlertRun(windows=windows, changes=changes + reviewed, told=told + said + more)


def _judge_all(connection: Connection, settings: Settings, book: RuleBook, now: datetime) -> tuple[int, int, int]:
    windows, changes, told = 0, 0, 0
    watcher: Watcher | None = None
    while due := _due(connection, settings, now)[:CHUNK]:
        with connection.transaction():
            if not _alone(connection):
                raise TransientError("another run judges alerts; try again when it has finished")
            if watcher is None:
                watcher = Watcher(connection, settings, book, calendar_of(connection, _zone(settings)), keep=True)
                watcher.restore(due[0])
            live = None if settings.demo else now
            turns = _judge(connection, settings, book, watcher, due, live)
            detections.note(connection, [("alerts", due[-1], len(book.rules), len(turns))], now)
        windows += len(due)
        changes += len(turns)
        told += sum(turn.change.told for turn in turns)
    return windows, changes, told


def _zone(settings: Settings) -> ZoneInfo:
    return ZoneInfo(settings.time_zone)


def _due(connection: Connection, settings: Settings, now: datetime) -> list[datetime]:
    """Windows that closed, were scored and searched, and were not judged: all of them, also those without a record."""
    until = detections.closed_until(connection, now, timedelta(minutes=settings.close_after_minutes))
    searched = detections.newest(connection)
    looked = None if searched is None else searched + QUARTER
    patient = until if settings.demo else now - timedelta(minutes=settings.close_after_minutes) - PATIENCE
    until = min(until, max(each for each in (looked, None if settings.demo and looked else patient) if each))
    judged = detections.newest(connection, "alerts")
    first = stored.first_window(connection)
    if first is None:
        return []
    oldest = first if settings.demo else max(first, floor(now - ON_TIME, QUARTER))
    start = oldest if judged is None else max(oldest, judged + QUARTER)
    waiting = stored.unscored_since(connection, start)
    until = until if waiting is None else min(until, waiting)
    count = max((until - start) // QUARTER, 0)
    return [start + place * QUARTER for place in range(count)]


def _judge(
    connection: Connection,
    settings: Settings,
    book: RuleBook,
    watcher: Watcher,
    windows: Sequence[datetime],
    now: datetime | None,
) -> list[Turn]:
    machine = _machine(connection, book, _zone(settings), windows[0])
    machine.now = now
    watcher.read(windows[0], windows[-1] + QUARTER)
    turns: list[Turn] = []
    for window in windows:
        end = window + QUARTER
        made = machine.step(watcher.signals(window, machine), end)
        turns += made
        _write(connection, settings, machine, made, end)
        machine.forget_resolved(end)
    _refresh(connection, settings, machine, windows[-1] + QUARTER)
    watcher.save(windows[-1])
    return turns


def _machine(connection: Connection, book: RuleBook, zone: ZoneInfo, start: datetime) -> Machine:
    """The alerts as they are stored, locked until what follows is committed."""
    rows = stored.unresolved(connection, lock=True)
    machine = Machine(book=book, zone=zone, silences=_silences(connection, start))
    for row in rows:
        key = (row.rule, row.subject)
        machine.rows[key] = row
        rule = book.named(row.rule)
        if "at" in row.detail:
            machine.heard[key] = datetime.fromisoformat(row.detail["at"])
        if rule is not None:
            machine.signals[key] = restored(row, rule)
    ended = stored.ended_since(connection, "cluster", start - FORGOTTEN)
    machine.over = stored.ended_parents(connection)
    machine.ended = {(rule, subject): at for rule, subject, at in ended}
    return machine


def _write(
    connection: Connection,
    settings: Settings,
    machine: Machine,
    turns: Sequence[Turn],
    end: datetime,
) -> None:
    """Store what changed at a window, and queue what is told of it, in the same transaction."""
    if not turns:
        return
    maker = FactsMaker(connection, machine, settings.k_anonymity)
    rows = [replace(turn.row, detail=maker.facts(turn.row, end).to_json()) for turn in turns]
    stored.save(connection, rows)
    stored.note(connection, [turn.change for turn in turns])
    for turn, row in zip(turns, rows, strict=True):
        key = (row.rule, row.subject)
        if key in machine.rows:
            machine.rows[key] = row
        if turn.change.told:
            stored.queue(connection, row.alert_id, row.detail, end)


def _refresh(connection: Connection, settings: Settings, machine: Machine, end: datetime) -> None:
    """Bring what is known of unresolved alerts up to the newest window, without a change."""
    maker = FactsMaker(connection, machine, settings.k_anonymity)
    rows = [row for key, row in machine.rows.items() if machine.heard.get(key) == end or row.kind == "storm"]
    stored.save(connection, [replace(row, detail=maker.facts(row, end).to_json()) for row in rows])


def _queue_acts(connection: Connection, now: datetime) -> int:
    """Queue what people did since the last run."""
    with connection.transaction():
        said = alert_silences.untold(connection)
        for _, alert_id, facts in said:
            stored.queue(connection, alert_id, facts, now)
        alert_silences.noted(connection, [change for change, *_ in said])
    return len(said)


def _review(connection: Connection, settings: Settings, book: RuleBook, now: datetime) -> tuple[int, int]:
    """Apply what changed between windows: silences, planned work, expired acknowledgements."""
    with connection.transaction():
        if not _alone(connection):
            return 0, 0
        machine = _machine(connection, book, _zone(settings), now)
        turns = machine.review(now)
        _write(connection, settings, machine, turns, now)
    return len(turns), sum(turn.change.told for turn in turns)


def _alone(connection: Connection) -> bool:
    return connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [Lock.ALERTS]).fetchone() == (True,)


def _silences(connection: Connection, after: datetime) -> list[Silence]:
    return [Silence(**vars(row)) for row in alert_silences.silences(connection, after)]
