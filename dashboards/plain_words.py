"""What to tell a customer, in plain words: what was wrong, since when, what is being done, and what they can do.

Only what is known is said: no promise, no blame, no place or device of others, no technical term. Every sentence is a
message (`tell.*`), so that both languages say the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from dashboards.messages import text

MOST = 3  # disturbances told one by one: nobody listens to more (own)
SURE = 0.8  # below this belief in a domain its cause is called uncertain (own)


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """A cluster that hurt the customer: its domain and belief in it, from when to when (None: still open).

    `bad` of the customer's sessions or contacts were bad in it; `taken` where somebody of operations has taken it on.
    """

    domain: str
    certainty: float | None
    started_at: datetime
    ended_at: datetime | None
    bad: int
    taken: bool = False


@dataclass(frozen=True, kw_only=True)
class Day:
    """One local day of the customer: rated sessions and contacts, bad ones of them, and what limits the index."""

    start: datetime
    n: int
    bad: int
    limiting: str | None


def told(language: str, disturbances: Sequence[Disturbance], day: Day | None, zone: ZoneInfo) -> str:
    """Return what to tell the customer, one thing a line."""
    lines = [*_opening(language, disturbances, day, zone)]
    between = "" if language == "zh" else " "
    lines += [between.join(_disturbance(language, one, zone)) for one in _chosen(disturbances)]
    more = len(disturbances) - MOST
    if more > 0:
        lines.append(text(language, "tell.more", n=more))
    return "\n\n".join(lines)


def _chosen(disturbances: Sequence[Disturbance]) -> list[Disturbance]:
    """Those to be told: open ones first, then what hurt this customer most."""
    return sorted(disturbances, key=lambda one: (one.ended_at is not None, -one.bad))[:MOST]


def _opening(language: str, disturbances: Sequence[Disturbance], day: Day | None, zone: ZoneInfo) -> Sequence[str]:
    if disturbances:
        return (text(language, "tell.seen"),)
    if day is None or day.n == 0:
        return (text(language, "tell.unmeasured"),)
    date = format_datetime(day.start.astimezone(zone), text(language, "tell.date"), locale=language)
    if day.bad == 0:
        return (text(language, "tell.good", date=date), text(language, "tell.tell_us"))
    limiting = day.limiting or "unknown"
    return (
        text(language, "tell.alone", date=date, bad=day.bad, n=day.n),
        text(language, f"tell.limiting.{limiting}"),
        text(language, "tell.tell_us"),
    )


def _disturbance(language: str, one: Disturbance, zone: ZoneInfo) -> Sequence[str]:
    start = _moment(language, one.started_at, zone)
    said = [text(language, f"tell.wrong.{one.domain}")]
    if one.domain != "unknown" and (one.certainty is None or one.certainty < SURE):
        said.append(text(language, "tell.uncertain"))
    if one.ended_at is None:
        said.append(text(language, "tell.since", start=start))
        said.append(text(language, "tell.taken" if one.taken else "tell.detected"))
    else:
        said.append(text(language, "tell.from_to", start=start, end=_moment(language, one.ended_at, zone)))
    said.append(text(language, f"tell.can.{one.domain}"))
    return said


def _moment(language: str, moment: datetime, zone: ZoneInfo) -> str:
    return format_datetime(moment.astimezone(zone), text(language, "tell.moment"), locale=language)
