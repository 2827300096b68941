"""Keeps an Alertmanager at what our database says: firing alerts posted again, ended ones ended, silences kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic

from alerts.channels import Letter
from alerts.channels.alertmanager import Alertmanager, Posted, labels_of
from alerts.facts import Facts
from records.errors import ConfigError, TransientError
from store import deliveries
from store.connection import Connection
from store.deliveries import Post

WITHOUT_END = timedelta(days=30)  # how long an acknowledgement that has no end silences (own)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How alerts are kept alive in an Alertmanager; all own.

    Posted every `repost` at least; without a post it takes one for over after `hold`. One that ended before it was
    taken is shown as firing for `first`, or nobody would be told; ended ones are posted for `after` (as Prometheus
    does), for an Alertmanager that starts anew. Its silences are seen to for `silencing` at once.
    """

    repost: timedelta = timedelta(seconds=30)
    hold: timedelta = timedelta(minutes=15)
    first: timedelta = timedelta(minutes=1)
    after: timedelta = timedelta(minutes=15)
    silencing: timedelta = timedelta(seconds=10)


def post_state(
    connection: Connection, receiver: str, channel: Alertmanager, letters: Sequence[Letter], now: datetime, pace: Pace
) -> int:
    """Post alerts, ended ones among them; returns how many. Notes what was taken, so that nothing is lost between.

    Silences come afterwards, each alert's by itself; raises the first error of them when all were tried, or when
    `pace.silencing` is over: the rest is for the next time.
    """
    known = deliveries.posts(connection, receiver)
    posted: list[Posted] = []
    notes: list[Post] = []
    for letter in letters:
        before = known.get(letter.facts.alert_id)
        labels = _labels(letter, before)
        if before is not None and before.labels != labels:
            posted.append(Posted(letter=letter, labels=before.labels, ends_at=now))
        note = before or Post(alert_id=letter.facts.alert_id, firing_at=now)
        over = letter.facts.state == "resolved" and (before is not None and now - note.firing_at >= pace.first)
        ends = max(_resolved_at(letter.facts), note.firing_at) if over else now + pace.hold
        posted.append(Posted(letter=letter, labels=labels, ends_at=ends))
        notes.append(replace(note, labels=labels, resolved_at=(note.resolved_at or now) if over else None))
    channel.post(posted)
    for note in notes:
        if known.get(note.alert_id) != note:
            deliveries.keep_post(connection, receiver, note)
    deliveries.forget_posts(connection, receiver, now - 2 * pace.after)
    deadline, wrong = monotonic() + pace.silencing.total_seconds(), None
    for letter, taken in zip(letters, notes, strict=True):
        try:
            note = _silenced(channel, letter.facts, taken, now)
        except (ConfigError, TransientError) as error:
            wrong = wrong or error
        else:
            if note != taken:
                deliveries.keep_post(connection, receiver, note)
        if monotonic() > deadline:
            break
    if wrong is not None:
        raise wrong
    return len(posted)


def wanted(
    facts: Facts, post: Post | None, known_since: datetime, seen_at: datetime, pace: Pace, now: datetime
) -> bool:
    """Whether an alert is to be posted: it fires, or its end was not told for long enough.

    An end that nothing was posted of counts where it was written (`seen_at`) after the receiver came to be.
    """
    if facts.state != "resolved":
        return True
    if post is None:
        return seen_at >= known_since
    return post.resolved_at is None or now - post.resolved_at < pace.after


def _labels(letter: Letter, before: Post | None) -> dict[str, str]:
    """Labels are kept as they were first posted, but for the severity: others would make it another alert."""
    if before is None:
        return labels_of(letter)
    return {**before.labels, "severity": letter.facts.severity}


def _resolved_at(facts: Facts) -> datetime:
    return facts.resolved_at or facts.at


def _silenced(channel: Alertmanager, facts: Facts, note: Post, now: datetime) -> Post:
    """Keep the silence of an acknowledged or silenced alert there, as long as it lasts here."""
    until = _quiet_until(facts)
    if until is None or until <= now:
        if note.silence_id is not None:
            channel.unsilence(note.silence_id)
        return replace(note, silence_id=None)
    actor = facts.silenced_by or facts.acknowledged_by or "-"
    comment = facts.acknowledged_comment or facts.state
    return replace(note, silence_id=channel.silence(note.silence_id, dict(note.labels), until, actor, comment))


def _quiet_until(facts: Facts) -> datetime | None:
    if facts.state == "silenced":
        return facts.silenced_until or facts.at + timedelta(days=1)
    if facts.state == "acknowledged":
        return facts.acknowledged_until or (facts.acknowledged_at or facts.at) + WITHOUT_END
    return None
