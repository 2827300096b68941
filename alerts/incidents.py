"""Alerts held against incidents that are known: which were found, how soon, and which alerts were none of them."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from alerts.signals import About
from records.errors import ConfigError
from records.windows import QUARTER

GRACE = 2 * QUARTER  # by which alert and incident may miss each other in time
IN_TIME = 4 * QUARTER  # closed windows within which an incident is to be told, and to be over
_COLUMNS = ("id", "started_at", "ended_at")


@dataclass(frozen=True, kw_only=True)
class Incident:
    """What is known to have happened: `selector` maps columns of the input contract to names; empty for the whole.

    `over` is sessions or touchpoints, None where that is not known.
    """

    id: str
    selector: Mapping[str, list[str]]
    started_at: datetime
    ended_at: datetime
    severity: float | None = None
    must_flag: bool = True
    over: str | None = None


@dataclass(frozen=True, kw_only=True)
class Episode:
    """One alert from its beginning to its end; `parts` are the alerts inside it."""

    alert_id: str
    rule: str
    kind: str
    subject: str
    severity: str
    about: About
    over: str
    started_at: datetime
    fired_at: datetime
    resolved_at: datetime | None = None
    value: float | None = None
    expected: float | None = None
    users: int | None = None
    horizon: str | None = None
    cluster_id: str | None = None
    told: int = 0
    parts: tuple["Episode", ...] = ()


@dataclass(frozen=True, kw_only=True)
class Matched:
    """An incident with the alert that told it first, None where none did."""

    incident: Incident
    episode: Episode | None
    fired_at: datetime | None = None

    @property
    def delay(self) -> timedelta | None:
        """From the incident's start to the end of the window that fired."""
        return None if self.fired_at is None else self.fired_at - self.incident.started_at

    @property
    def in_time(self) -> bool:
        """Whether it was told within four closed windows."""
        return self.delay is not None and self.delay <= IN_TIME

    @property
    def over_in_time(self) -> bool:
        """Whether its alert was over within four windows of its end."""
        resolved = None if self.episode is None else self.episode.resolved_at
        return resolved is not None and resolved <= self.incident.ended_at + IN_TIME


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """Incidents with their alerts, and the alerts that are of no incident."""

    matched: tuple[Matched, ...]
    false: tuple[Episode, ...]
    told: int
    weeks: float

    @property
    def precision(self) -> float | None:
        """Share of the alerts told that are of an incident."""
        return None if not self.told else 1 - len(self.false) / self.told

    @property
    def recall(self) -> float | None:
        """Share of the incidents that must be told and were, within four windows."""
        strong = [each for each in self.matched if each.incident.must_flag]
        return None if not strong else sum(each.in_time for each in strong) / len(strong)

    @property
    def delay_minutes(self) -> float | None:
        """Median delay of the incidents that were told."""
        delays = [each.delay.total_seconds() / 60 for each in self.matched if each.delay is not None]
        return median(delays) if delays else None


def compared(
    episodes: Sequence[Episode],
    incidents: Sequence[Incident],
    abouts: Mapping[str, About],
    weeks: float,
) -> Backtest:
    """Hold alerts that were told against incidents; `abouts` says what each incident (by id) is about."""
    told = [each for each in episodes if each.told]
    matched = tuple(_matched(incident, abouts[incident.id], told) for incident in incidents)
    false = tuple(each for each in told if not any(_overlap(each, one, abouts[one.id]) for one in incidents))
    return Backtest(matched=matched, false=false, told=len(told), weeks=weeks)


def _matched(incident: Incident, about: About, told: Sequence[Episode]) -> Matched:
    found: list[tuple[datetime, Episode]] = []
    for root in told:
        if root.fired_at < incident.started_at or root.started_at >= incident.ended_at + GRACE:
            continue
        firsts = [each.fired_at for each in (root, *root.parts) if _names(each, incident, about)]
        if firsts and min(firsts) < incident.ended_at + GRACE:
            found.append((max(min(firsts), root.fired_at), root))
    if not found:
        return Matched(incident=incident, episode=None)
    fired, episode = min(found, key=lambda each: each[0])
    return Matched(incident=incident, episode=episode, fired_at=fired)


def _overlap(episode: Episode, incident: Incident, about: About) -> bool:
    ends = episode.resolved_at or datetime.max.replace(tzinfo=UTC)
    in_time = episode.started_at < incident.ended_at + GRACE and ends > incident.started_at - GRACE
    return in_time and any(_can_be(each, incident, about) for each in (episode, *episode.parts))


def _can_be(episode: Episode, incident: Incident, about: About) -> bool:
    """Whether they may have records in common."""
    same = incident.over in (None, episode.over) or not episode.about
    return same and meet(episode.about, about)


def _names(episode: Episode, incident: Incident, about: About) -> bool:
    """Whether an alert is on what the incident is of: on a value that both name, or on the whole."""
    shared = bool(set(episode.about) & set(about)) or not episode.about or not about
    return shared and _can_be(episode, incident, about)


def meet(one: About, other: About) -> bool:
    """Whether two subjects can have sessions in common: they name no attribute differently."""
    return all(one[name] & other[name] for name in set(one) & set(other))


def read_incidents(text: str, file: str) -> tuple[Incident, ...]:
    """Read incidents from JSON (a list, as the truth file of the demo) or CSV (id, started_at, ended_at and columns of
    the selector, values separated by `|`); `ConfigError` names the entry that is wrong.
    """
    rows = _json(text, file) if text.lstrip().startswith("[") else _csv(text, file)
    return tuple(_incident(place, row, file) for place, row in enumerate(rows, 1))


def _json(text: str, file: str) -> list[dict[str, Any]]:
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{file} is no JSON: {error}") from None
    return [row if isinstance(row, dict) else {} for row in rows]


def _csv(text: str, file: str) -> list[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise ConfigError(f"{file} has no column {', '.join(missing)}; incidents need {', '.join(_COLUMNS)}")
    found = []
    for row in reader:
        chosen = {
            name: value.split("|") for name, value in row.items() if name not in (*_COLUMNS, "severity") and value
        }
        found.append(
            {**{name: row[name] for name in _COLUMNS}, "selector": chosen, "severity": row.get("severity") or None}
        )
    return found


def _incident(place: int, row: Mapping[str, Any], file: str) -> Incident:
    try:
        severity = row.get("severity")
        return Incident(
            id=str(row["id"]),
            selector={name: list(values) for name, values in (row.get("selector") or {}).items()},
            started_at=_moment(row["started_at"]),
            ended_at=_moment(row["ended_at"]),
            severity=None if severity is None else float(severity),
            must_flag=bool(row.get("must_flag", True)),
            over=row.get("over"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"{file}: entry {place}: {type(error).__name__} {error}; an incident has id, started_at and ended_at "
            "(ISO 8601 with offset) and a selector"
        ) from None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no offset")
    return moment.astimezone(UTC)


def hurting(incidents: Sequence[Incident]) -> tuple[Incident, ...]:
    """Those that hurt somebody: entries of severity 0 are cases in which nothing is to be told."""
    return tuple(each for each in incidents if each.severity is None or each.severity > 0)
