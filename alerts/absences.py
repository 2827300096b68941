"""Signals of what is not measured: sources that are away, and groups whose records are gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.rules import Rule
from alerts.signals import About, Signal
from records.windows import QUARTER


@dataclass(frozen=True, kw_only=True)
class Present:
    """One window of a source or group: its records, those usual, and whether it counts as away."""

    records: float
    usual: float | None
    away: bool


def absence_signal(rule: Rule, subject: str, about: About, windows: Sequence[Present], end: datetime) -> Signal:
    """Judge the last windows, oldest first: it fires when `m` of the last `n` are away, and ends when two are not.

    A window is back when it is not away and its records reach the share `recovery` of the usual ones.
    """
    recent = windows[-rule.n :]
    away = [each.away for each in recent]
    firing = bool(away and away[-1] and sum(away) >= rule.m)
    newest = recent[-1]
    last = windows[-2:]
    back = len(last) > 1 and all(_back(rule, each) for each in last)
    first = next((place for place, each in enumerate(recent) if each.away), len(recent) - 1)
    share = None if not newest.usual else newest.records / newest.usual
    return Signal(
        rule=rule,
        subject=subject,
        about=about,
        firing=firing,
        pending=newest.away,
        recovered=back,
        since=end - (len(recent) - first) * QUARTER,
        unit="records",
        value=newest.records,
        expected=None if newest.usual is None else round(newest.usual, 1),
        drop=None if share is None else round(1 - share, 4),
    )


def _back(rule: Rule, window: Present) -> bool:
    return not window.away and (window.usual is None or window.records >= rule.recovery * window.usual)
