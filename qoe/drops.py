"""Whether a group index has dropped: M of the last N windows below expectation, and back above a recovery level."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DropRule:
    """`margin` and `recovery` in index points below expectation; `users` the fewest in a window that count."""

    margin: float
    recovery: float
    m: int
    n: int
    users: int


@dataclass(frozen=True, kw_only=True)
class IndexWindow:
    """One window of a group: its index, what was expected, and its users; None is not enough data."""

    index: float | None
    expected: float | None
    users: int


@dataclass(frozen=True, kw_only=True)
class DropState:
    """Where a series stands: `firing`, and since which window (position in the series) it has been low."""

    firing: bool
    pending: bool
    since: int | None


def judge(series: Sequence[IndexWindow], rule: DropRule, firing: bool) -> DropState:
    """Judge the newest window of a series, oldest first; `firing` is the state before it.

    It fires when m of the last n windows with enough users are below expected - margin, and recovers when none of the
    last m is below expected - recovery. Windows without enough data count neither way.
    """
    known = [(place, _drop(each)) for place, each in enumerate(series) if _counts(each, rule)]
    low = [place for place, drop in known[-rule.n :] if drop >= rule.margin]
    since = low[0] if low else None
    if firing:
        still = any(drop >= rule.recovery for _, drop in known[-rule.m :]) or len(known) < rule.m
        return DropState(firing=still, pending=False, since=since)
    return DropState(firing=len(low) >= rule.m, pending=0 < len(low) < rule.m, since=since)


def _counts(window: IndexWindow, rule: DropRule) -> bool:
    return window.index is not None and window.expected is not None and window.users >= rule.users


def _drop(window: IndexWindow) -> float:
    return (window.expected or 0.0) - (window.index or 0.0)
