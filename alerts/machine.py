"""The states of alerts: one closed window's signals in, changed alerts and what is to be said of them out."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.family import in_order, parent_of, storms
from alerts.quieting import Kept, Silence, kept_back
from alerts.rules import SEVERITIES, Rule, RuleBook
from alerts.signals import Signal
from records.windows import QUARTER
from store.alerts import AlertRow, ChangeRow

# An alert of whose subject nothing was heard for so long has ended: a cell that was taken down (own).
FORGOTTEN = timedelta(days=1)
# Parts of an alert that is over recover a little later than it: only what fires on for longer stands for itself (own).
LINGERING = 4 * QUARTER
ACTOR = "rule"
FIRING = ("firing", "acknowledged", "silenced")


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A change of an alert: as it is now, and whether people are told."""

    row: AlertRow
    change: ChangeRow


@dataclass(kw_only=True)
class Machine:
    """All unresolved alerts, followed window by window; `signals` is what was heard of each last, `heard` when.

    Silences, planned work and acknowledgements are judged at `now`, without it at the end of each window.
    `ended` are clusters' alerts that were over lately: such a cluster may hurt again, and is no late one then. `over`
    says when alerts were over that still have parts (by their id).
    """

    book: RuleBook
    zone: ZoneInfo
    rows: dict[tuple[str, str], AlertRow] = field(default_factory=dict)
    silences: Sequence[Silence] = ()
    signals: dict[tuple[str, str], Signal] = field(default_factory=dict)
    heard: dict[tuple[str, str], datetime] = field(default_factory=dict)
    ended: dict[tuple[str, str], datetime] = field(default_factory=dict)
    over: dict[str, datetime] = field(default_factory=dict)
    now: datetime | None = None

    def step(self, found: Iterable[Signal], end: datetime) -> list[Turn]:
        """Take in the signals of the window that ends at `end`; the rows that changed, in the order of their change."""
        before = dict(self.rows)
        new: list[Signal] = []
        for signal in found:
            if signal.key in self.rows or signal.firing or signal.pending:
                self.signals[signal.key], self.heard[signal.key] = signal, end
            if self._judge(signal, end):
                new.append(signal)
        self._forget(end)
        new += self._promoted(end)
        self._place(new, end)
        self._end_storms(end)
        return self._settled(before, end)

    def review(self, at: datetime) -> list[Turn]:
        """Apply silences, planned work and the expiry of acknowledgements between windows."""
        return self._settled(dict(self.rows), at)

    def forget_resolved(self, end: datetime) -> None:
        """Let go of what is over; once all that is to be said of it was said."""
        self.ended = {key: at for key, at in self.ended.items() if end - at <= FORGOTTEN}
        for key in [key for key, row in self.rows.items() if row.state == "resolved"]:
            if self.rows.pop(key).kind == "cluster":
                self.ended[key] = end
            self.signals.pop(key, None)
            self.heard.pop(key, None)

    def open_subjects(self, rule: str) -> set[str]:
        """The subjects of a rule that have an unresolved alert."""
        return {subject for name, subject in self.rows if name == rule}

    def recent_subjects(self, rule: str) -> set[str]:
        """The subjects of a rule whose alert was over lately."""
        return {subject for name, subject in self.ended if name == rule}

    def children_of(self, row: AlertRow) -> list[AlertRow]:
        """The unresolved alerts that are part of one."""
        return [each for each in self.rows.values() if each.parent_id == row.alert_id]

    def _judge(self, signal: Signal, end: datetime) -> bool:
        """Follow one subject; returns whether it begins to fire."""
        row = self.rows.get(signal.key)
        if row is None:
            if not (signal.firing or signal.pending):
                return False
            row = _opened(signal, end)
        elif row.state == "pending" and not (signal.firing or signal.pending):
            self.rows[signal.key] = replace(row, state="resolved", resolved_at=end)
            return False
        elif row.state in FIRING and signal.recovered:
            self.rows[signal.key] = replace(_measured(row, signal), state="resolved", resolved_at=end)
            return False
        begins = signal.firing and row.state == "pending"
        row = _measured(row, signal)
        if begins:
            row = replace(row, state="firing", fired_at=end, horizon=signal.horizon)
        severity = signal.rule.severity_of(signal.drop)
        if signal.firing and SEVERITIES.index(severity) > SEVERITIES.index(row.severity):
            row = replace(row, severity=severity)
        self.rows[signal.key] = row
        return begins

    def _forget(self, end: datetime) -> None:
        rules = {rule.name for rule in self.book.rules}
        for key, row in self.rows.items():
            silent = row.kind != "storm" and end - self.heard.get(key, row.started_at) > FORGOTTEN
            if (row.rule not in rules or silent) and row.state != "resolved":
                self.rows[key] = replace(row, state="resolved", resolved_at=end)

    def _promoted(self, end: datetime) -> list[Signal]:
        """Alerts that fire on after the one that they were part of has ended: they stand for themselves now."""
        alive = {row.alert_id for row in self.rows.values() if row.state in FIRING}
        self.over = {name: at for name, at in self.over.items() if end - at <= FORGOTTEN}
        found = []
        for key, row in self.rows.items():
            if row.parent_id is None or row.parent_id in alive or row.state not in FIRING or key not in self.signals:
                continue
            if end - self.over.setdefault(row.parent_id, end) >= LINGERING:
                self.rows[key] = replace(row, parent_id=None)
                found.append(self.signals[key])
        return found

    def _place(self, new: Sequence[Signal], end: datetime) -> None:
        """Find for each alert that begins to fire the one that it is part of; what is left may be a storm."""
        fresh = {signal.key for signal in new}
        roots = in_order(
            [
                self.signals[key]
                for key, row in self.rows.items()
                if row.state in FIRING and row.parent_id is None and key not in fresh and key in self.signals
            ]
        )
        alone: list[Signal] = []
        for signal in in_order(new):
            parent = parent_of(signal, roots)
            if parent is None:
                alone.append(signal)
                roots.append(signal)
            else:
                self._attach(signal, self.rows[parent.key])
        for rule in self.book.of_kind("storm"):
            for region, parts in storms(alone, rule.m).items():
                self._storm(rule, region, parts, end)
        self._adopt([signal for signal in alone if self.rows[signal.key].parent_id is None])

    def _attach(self, signal: Signal, parent: AlertRow) -> None:
        row = self.rows[signal.key]
        self.rows[signal.key] = replace(row, parent_id=parent.alert_id)
        for key, each in self.rows.items():  # what was part of it is part of its parent: one level is enough
            if each.parent_id == row.alert_id:
                self.rows[key] = replace(each, parent_id=parent.alert_id)
        key = (parent.rule, parent.subject)
        if self.rows[key].cluster_id is None and row.cluster_id is not None:
            self.rows[key] = replace(self.rows[key], cluster_id=row.cluster_id)
        mine = self.rows[key].severity
        if SEVERITIES.index(row.severity) > SEVERITIES.index(mine):
            self.rows[key] = replace(self.rows[key], severity=row.severity)

    def _adopt(self, new: Sequence[Signal]) -> None:
        """Let alerts that fired before become part of a wider one that begins now."""
        for parent in new:
            for key, row in list(self.rows.items()):
                known = self.signals.get(key)
                if row.state not in FIRING or row.parent_id is not None or known is None or key == parent.key:
                    continue
                if self.rows[parent.key].parent_id is None and parent_of(known, [parent]) is not None:
                    self._attach(known, self.rows[parent.key])

    def _storm(self, rule: Rule, region: str, parts: Sequence[Signal], end: datetime) -> None:
        subject = f"region={region}"
        first = min(parts, key=lambda each: each.since)
        signal = replace(
            first,
            rule=rule,
            subject=subject,
            about={"region": frozenset({region})},
            firing=True,
            value=None,
            expected=None,
            drop=None,
            lo=None,
            hi=None,
            users=sum(each.users or 0 for each in parts),
            excess=None if any(each.excess is None for each in parts) else sum(each.excess or 0.0 for each in parts),
        )
        key = signal.key
        if key not in self.rows or self.rows[key].state not in FIRING:
            self.rows[key] = replace(_opened(signal, end), state="firing", fired_at=end)
        self.signals[key], self.heard[key] = signal, end
        for part in parts:
            self._attach(part, self.rows[key])

    def _end_storms(self, end: datetime) -> None:
        """A storm is over when none of its parts fires any more."""
        busy = {row.parent_id for row in self.rows.values() if row.state in FIRING}
        for key, row in self.rows.items():
            if row.kind == "storm" and row.state in FIRING and row.alert_id not in busy:
                self.rows[key] = replace(row, state="resolved", resolved_at=end)

    def _settled(self, before: Mapping[tuple[str, str], AlertRow], end: datetime) -> list[Turn]:
        turns = [self._settle(key, before.get(key), self.now or end) for key in list(self.rows)]
        return [turn for turn in turns if turn is not None]

    def _settle(self, key: tuple[str, str], before: AlertRow | None, end: datetime) -> Turn | None:
        """Say what an alert's state is to people, and number the change if it is one."""
        row = self.rows[key]
        kept: Kept | None = None
        if row.state in FIRING:
            row, kept = self._shown(key, row, before, end)
        changed = before is None or (row.state, row.severity, row.parent_id) != (
            before.state,
            before.severity,
            before.parent_id,
        )
        if not changed:
            self.rows[key] = row
            return None
        told = self._tell(row, before, kept)
        row = replace(row, change=row.change + 1, told=row.told or (told and row.state != "resolved"))
        self.rows[key] = row
        said = kept.by if kept is not None and row.state == "silenced" else None
        note = ChangeRow(
            alert_id=row.alert_id,
            number=row.change,
            at=end,
            state=row.state,
            severity=row.severity,
            actor=ACTOR,
            comment=said,
            told=told,
        )
        return Turn(row=row, change=note)

    def _shown(
        self, key: tuple[str, str], row: AlertRow, before: AlertRow | None, end: datetime
    ) -> tuple[AlertRow, Kept | None]:
        """Silenced before acknowledged before firing; what has become graver is acknowledged no longer."""
        signal, rule = self.signals.get(key), self.book.named(row.rule)
        kept = None
        if rule is not None:
            about = {} if signal is None else signal.about
            kept = kept_back(rule, row.subject, row.severity, about, end, self.book, self.silences, self.zone)
        graver = before is not None and before.severity != row.severity
        lapsed = row.acknowledged_until is not None and row.acknowledged_until <= end
        if row.acknowledged_at is not None and (graver or lapsed):
            row = replace(
                row, acknowledged_at=None, acknowledged_by=None, acknowledged_until=None, acknowledged_comment=None
            )
        state = "silenced" if kept else "firing" if row.acknowledged_at is None else "acknowledged"
        return replace(row, state=state, silence_id=None if kept is None else kept.silence_id), kept

    def _tell(self, row: AlertRow, before: AlertRow | None, kept: Kept | None) -> bool:
        if row.state == "resolved":
            return row.told and before is not None
        if row.parent_id is not None or kept is not None or row.state == "pending":
            return False
        was = before is not None and before.parent_id is None and before.state in ("firing", "acknowledged")
        graver = before is not None and before.severity != row.severity
        lapsed = before is not None and before.state == "acknowledged" and row.state == "firing"
        return not was or graver or lapsed or not row.told


def _opened(signal: Signal, end: datetime) -> AlertRow:
    text = f"{signal.rule.name}|{signal.subject}|{end.isoformat()}"
    return AlertRow(
        alert_id=hashlib.sha256(text.encode()).hexdigest()[:12],
        rule=signal.rule.name,
        subject=signal.subject,
        kind=signal.rule.kind,
        severity=signal.rule.severity,
        state="pending",
        started_at=signal.since,
        owner=signal.rule.owner,
        cluster_id=signal.cluster_id,
    )


def _measured(row: AlertRow, signal: Signal) -> AlertRow:
    return replace(row, value=signal.value, expected=signal.expected, users=signal.users)
