"""Plays history through the alert rules without storing or telling anything: when would which alert have fired."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.incidents import Episode, Incident
from alerts.machine import Machine, Turn
from alerts.rules import RuleBook
from cemaphore.pipeline.alert_signals import Watcher
from cemaphore.pipeline.baseline import calendar_of
from cemaphore.settings import Settings
from qoe.drops import DEPTH
from records.windows import QUARTER, floor
from store import alerts as stored
from store.connection import Connection

_CHUNK = 96
Progress = Callable[[float], None]


def replay(
    connection: Connection,
    settings: Settings,
    book: RuleBook,
    start: datetime | None = None,
    end: datetime | None = None,
    progress: Progress | None = None,
) -> list[Episode]:
    """Judge all scored windows of [start, end) as if each had just closed; alerts in the order in which they fired.

    Seasons that were frozen are used, others are learned from the days before; silences are not looked at.
    """
    first, last = stored.first_window(connection), stored.last_window(connection)
    if first is None or last is None:
        return []
    begin = max(first, floor(start, QUARTER)) if start is not None else first
    stop = min(last + QUARTER, end) if end is not None else last + QUARTER
    # The windows before only fill the tracks: what fires in them belongs to the time before.
    at = max(first, begin - DEPTH * QUARTER)
    zone = ZoneInfo(settings.time_zone)
    watcher = Watcher(connection, settings, book, calendar_of(connection, zone), keep=False)
    machine = Machine(book=book, zone=zone)
    found = _Episodes()
    total = max((stop - at) // QUARTER, 1)
    done = 0
    while at < stop:
        until = min(at + _CHUNK * QUARTER, stop)
        watcher.read(at, until)
        while at < until:
            turns = machine.step(watcher.signals(at, machine), at + QUARTER)
            found.take(machine, turns)
            machine.forget_resolved(at + QUARTER)
            at += QUARTER
            done += 1
        if progress is not None:
            progress(done / total)
    return [each for each in found.all() if each.fired_at > begin]


class _Episodes:
    """Alerts as they fire and end, with the parts that each ever had."""

    def __init__(self) -> None:
        self._found: dict[str, Episode] = {}
        self._parents: dict[str, str] = {}

    def take(self, machine: Machine, turns: Iterable[Turn]) -> None:
        for turn in turns:
            row = turn.row
            if row.fired_at is None:
                continue
            signal = machine.signals.get((row.rule, row.subject))
            known = self._found.get(row.alert_id)
            now = Episode(
                alert_id=row.alert_id,
                rule=row.rule,
                kind=row.kind,
                subject=row.subject,
                severity=row.severity,
                about={} if signal is None else signal.about,
                over="sessions" if signal is None else signal.over,
                started_at=row.started_at,
                fired_at=row.fired_at,
                resolved_at=row.resolved_at,
                value=row.value if known is None else known.value,
                expected=row.expected if known is None else known.expected,
                users=row.users if known is None else known.users,
                horizon=row.horizon,
                cluster_id=row.cluster_id,
                told=(0 if known is None else known.told) + (turn.change.told and row.state != "resolved"),
            )
            self._found[row.alert_id] = now
            if row.parent_id is not None:
                self._parents[row.alert_id] = row.parent_id

    def all(self) -> list[Episode]:
        """Alerts that fired, each with its parts; a part that was told by itself is there by itself, too."""
        parts: dict[str, list[Episode]] = {}
        for name, parent in self._parents.items():
            parts.setdefault(parent, []).append(self._found[name])
        whole = [replace(each, parts=tuple(parts.get(name, ()))) for name, each in self._found.items()]
        return sorted(whole, key=lambda each: (each.fired_at, each.subject, each.rule))


def span_of(
    connection: Connection, incidents: Sequence[Incident], start: datetime | None, end: datetime | None
) -> tuple[float, tuple[Incident, ...]]:
    """The weeks that a replay covers, and the incidents that lie in it."""
    first, last = stored.first_window(connection), stored.last_window(connection)
    if first is None or last is None:
        return 0.0, ()
    begin, stop = max(first, start or first), min(last + QUARTER, end or last + QUARTER)
    inside = tuple(each for each in incidents if each.started_at < stop and each.ended_at > begin)
    return max((stop - begin) / timedelta(days=7), 0.0), inside
