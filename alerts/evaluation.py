"""Judges one closed window by every rule: opens, fires and resolves alerts, and queues what is to be said."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from alerts.facts import Facts
from alerts.rules import Rule
from qoe.drops import DropState, IndexWindow, judge
from records.windows import QUARTER
from store import alerts as stored
from store import clusters
from store.alerts import AlertRow
from store.connection import Connection

# Days of history at the same time of day without which nothing is expected (own).
MIN_DAYS = 3


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """One group at one window: how its series stands."""

    value: int
    series: tuple[IndexWindow, ...]
    windows: tuple[datetime, ...]

    @property
    def newest(self) -> IndexWindow:
        return self.series[-1]


def evaluate(connection: Connection, rules: Sequence[Rule], window: datetime, channels: Sequence[str]) -> int:
    """Judge the window that starts at `window`, in the caller's transaction; returns how many alerts changed state."""
    return sum(_by_rule(connection, rule, window, channels) for rule in rules)


def _by_rule(connection: Connection, rule: Rule, window: datetime, channels: Sequence[str]) -> int:
    known = stored.unresolved(connection, rule.name)
    changed = 0
    for group in _groups(connection, rule, window):
        subject = _subject(connection, rule, group.value)
        row = known.get(subject)
        state = judge(group.series, rule.drop, row is not None and row.state == "firing")
        found = _next(rule, subject, row, state, group, window)
        if found is None:
            continue
        new_state = row is None or row.state != found.state
        if found.state != "pending":
            number = (0 if row is None else row.detail.get("change", 0)) + new_state
            found = replace(found, detail=_facts(connection, rule, group, found, window + QUARTER, number).to_json())
        stored.save(connection, found, at=window + QUARTER, change=new_state)
        told = found.state == "firing" or (row is not None and row.state == "firing")
        if new_state and told:
            stored.queue(connection, found.alert_id, channels, found.detail, window + QUARTER)
        changed += new_state
    return changed


def _groups(connection: Connection, rule: Rule, window: datetime) -> list[_Judged]:
    windows = tuple(window - back * QUARTER for back in range(rule.n - 1, -1, -1))
    by_value: dict[int, dict[datetime, tuple[float | None, int]]] = {}
    for value, start, index, users in stored.index_history(connection, rule.attribute, rule.index, windows):
        if rule.attribute == "all" or value != 0:
            by_value.setdefault(value, {})[start] = (index, users)
    return [
        _Judged(value=value, windows=windows, series=tuple(_window(seen, start) for start in windows))
        for value, seen in by_value.items()
    ]


def _window(seen: Mapping[datetime, tuple[float | None, int]], start: datetime) -> IndexWindow:
    """A window with what is usual at its time: the median of the same time of earlier days, of its kind if it can."""
    index, users = seen.get(start, (None, 0))
    earlier = [(start - timedelta(days=days)) for days in range(1, stored.HISTORY_DAYS + 1)]
    usual = {day: seen[day][0] for day in earlier if day in seen and seen[day][0] is not None}
    alike = [value for day, value in usual.items() if (day.weekday() >= 5) == (start.weekday() >= 5)]
    values = alike if len(alike) >= MIN_DAYS else list(usual.values())
    expected = float(np.median(np.array(values, dtype=float))) if len(values) >= MIN_DAYS else None
    return IndexWindow(index=index, expected=expected, users=users)


def _subject(connection: Connection, rule: Rule, value: int) -> str:
    return "all" if rule.attribute == "all" else f"{rule.attribute}={stored.label(connection, value)}"


def _next(
    rule: Rule, subject: str, row: AlertRow | None, state: DropState, group: _Judged, window: datetime
) -> AlertRow | None:
    at = window + QUARTER
    name = "firing" if state.firing else "pending" if state.pending else "resolved"
    if row is None and name == "resolved":
        return None
    if row is None:
        began = group.windows[state.since if state.since is not None else -1]
        row = AlertRow(
            alert_id=hashlib.sha256(f"{rule.name}|{subject}|{began.isoformat()}".encode()).hexdigest()[:12],
            rule=rule.name,
            subject=subject,
            severity=rule.severity,
            state="",
            started_at=began,
            fired_at=None,
            resolved_at=None,
            value=None,
            expected=None,
            detail={},
        )
    return replace(
        row,
        state=name,
        fired_at=row.fired_at or (at if name == "firing" else None),
        resolved_at=at if name == "resolved" else None,
        value=group.newest.index,
        expected=group.newest.expected,
    )


def _facts(connection: Connection, rule: Rule, group: _Judged, row: AlertRow, at: datetime, number: int) -> Facts:
    likely = sorted(clusters.between(connection, row.started_at, at), key=lambda each: -each.users * each.severity)
    value, expected = group.newest.index, group.newest.expected
    return Facts(
        alert_id=row.alert_id,
        change=number,
        rule=row.rule,
        kind="drop",
        subject=row.subject,
        measure=rule.index,
        unit="points",
        severity=row.severity,
        state=row.state,
        at=at,
        started_at=row.started_at,
        fired_at=row.fired_at,
        resolved_at=row.resolved_at,
        value=value,
        expected=expected,
        drop=None if value is None or expected is None else round(expected - value, 2),
        users=group.newest.users,
        cluster_id=likely[0].cluster_id if likely else None,
    )
