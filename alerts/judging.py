"""Turns judged series, sources and clusters into signals: only of what fires, is low, or has an alert."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.rules import GROUPS, KPI, KQI, Rule
from alerts.signals import Geography, Signal, subject_of
from qoe.drops import Standing, Track
from records.windows import QUARTER
from store.alerts import AlertRow

_PLACE = 1 << 32  # a series' number is the place of its attribute in GROUPS times this, plus its value


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names behind the numbers of values, and where places lie."""

    labels: Mapping[int, str]
    geography: Geography

    def of(self, number: int) -> tuple[str, str]:
        """Attribute and name of a series."""
        return GROUPS[number // _PLACE], self.labels.get(number % _PLACE, str(number % _PLACE))


def numbers_of(places: NDArray[np.int64], value: NDArray[np.int64], attributes: tuple[str, ...]) -> NDArray[np.int64]:
    """The numbers of series by the place of their attribute among `attributes` and their value."""
    where = np.array([GROUPS.index(name) for name in attributes], dtype=np.int64)
    return where[places] * _PLACE + value


def attribute_places(number: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place in GROUPS of each series' attribute."""
    return number // _PLACE


def unit_of(measure: str) -> str:
    """What a measure is told in: points of an index, or the indicator's own unit."""
    return measure if measure.startswith((KQI, KPI)) else "points"


def drop_signals(
    rule: Rule,
    track: Track,
    standing: Standing,
    end: datetime,
    names: Names,
    known: Mapping[int, str | None],
    *,
    step: Any = QUARTER,
    sign: float = 1.0,
    excess: Mapping[int, float],
    chosen: NDArray[np.bool_],
) -> list[Signal]:
    """The signals of one rule on series; `known` maps series with an alert to its horizon, `chosen` its series."""
    shown = (standing.fires | standing.pending) & chosen
    open_numbers = np.isin(track.value, list(known)) & chosen
    found = []
    for at in np.flatnonzero(shown | open_numbers).tolist():
        if not standing.tested[at]:
            continue
        number = int(track.value[at])
        attribute, name = names.of(number)
        if rule.values and name not in rule.values:
            continue
        subject = subject_of(attribute, name)
        level, drop, half = (float(getattr(standing, each)[at]) for each in ("level", "drop", "half"))
        value = level - sign * drop
        slow = bool(standing.slow[at])
        beyond = excess.get(number, float("nan"))
        found.append(
            Signal(
                rule=rule,
                subject=subject,
                about=names.geography.about(attribute, name),
                firing=bool(standing.fires[at]),
                pending=bool(standing.pending[at]),
                recovered=bool((standing.settled if known.get(number) == "slow" else standing.recovered)[at]),
                since=end - step * (int(standing.since[at]) + 1),
                unit=unit_of(rule.measure),
                value=round(value, 4),
                expected=round(level, 4),
                lo=round(value - half, 4),
                hi=round(value + half, 4),
                drop=round(drop, 4),
                users=None if rule.drop.relative else int(standing.users[at]),
                horizon="slow" if slow else "fast",
                excess=None if np.isnan(beyond) else beyond,
                over="touchpoints" if rule.measure == "service" else "sessions",
            )
        )
    return found


def restored(row: AlertRow, rule: Rule) -> Signal:
    """What was heard last of a stored alert."""
    detail = row.detail
    return Signal(
        rule=rule,
        subject=row.subject,
        about={name: frozenset(values) for name, values in detail.get("about", {}).items()},
        firing=row.state != "pending",
        pending=row.state == "pending",
        recovered=False,
        since=row.started_at,
        unit=detail.get("unit", ""),
        value=row.value,
        expected=row.expected,
        lo=detail.get("lo"),
        hi=detail.get("hi"),
        drop=detail.get("drop"),
        users=row.users,
        horizon=detail.get("horizon"),
        excess=detail.get("excess"),
        cluster_id=row.cluster_id,
        over=detail.get("over", "sessions"),
    )


@dataclass(frozen=True, kw_only=True)
class ClusterSeen:
    """A cluster as it stood at a window's end; counts are of its windows up to then, `recent` of the last three."""

    cluster_id: str
    over: str
    selector: Mapping[str, list[str]]
    started_at: datetime
    detected_at: datetime
    ended: bool
    users_hurt: int
    n: float
    bad: float
    expected: float
    last_excess: float
    recent: tuple[float, float, float] | None

    @property
    def severity(self) -> float:
        """(bad ratio - expected ratio) / (1 - expected ratio), so far."""
        return _severity(self.n, self.bad, self.expected)


def _severity(n: float, bad: float, expected: float) -> float:
    return (bad - expected) / max(n - expected, 1e-9)


def cluster_signal(
    rule: Rule, seen: ClusterSeen, end: datetime, geography: Geography, known: Set[str]
) -> Signal | None:
    """The signal of a cluster; one that is not known and was detected before this window is late, and never alerts."""
    subject = f"cluster={seen.cluster_id}"
    late = seen.detected_at <= end - QUARTER or seen.ended
    if seen.over not in rule.over or (late and subject not in known):
        return None
    enough = min(seen.users_hurt, seen.bad) >= rule.users
    quiet = seen.recent is not None and _severity(*seen.recent) < rule.recovery
    return Signal(
        rule=rule,
        subject=subject,
        about=geography.of_selector(seen.selector),
        firing=enough and seen.severity >= rule.margin and not seen.ended and not quiet,
        pending=not seen.ended,
        recovered=seen.ended or quiet,
        since=seen.started_at,
        unit="ratio",
        value=round(seen.bad / max(seen.n, 1e-9), 4),
        expected=round(seen.expected / max(seen.n, 1e-9), 4),
        drop=round(seen.severity, 4),
        users=seen.users_hurt,
        excess=seen.last_excess,
        cluster_id=seen.cluster_id,
        over=seen.over,
    )
