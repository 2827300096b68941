"""Delivers what alerts have to say: addresses messages to receivers, sends them, and keeps Alertmanagers up to date."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any

from alerts import tmf
from alerts.channels import Letter, Refusal, kinds
from alerts.channels.alertmanager import Alertmanager
from alerts.facts import Facts
from alerts.posting import Pace, post_state, wanted
from alerts.receivers import ALERTMANAGER, PEOPLE, Receiver
from cemaphore.alert_receivers import outbound_of, receivers_of
from cemaphore.alert_words import Writer, test_facts, writer
from cemaphore.settings import Settings
from records.errors import CemaphoreError
from store import deliveries
from store.connection import Connection, connect
from store.deliveries import Delivery, ReceiverState

AT_ONCE = 50  # messages to one receiver in one run; the next run is seconds later (own)
AT_THE_SAME_TIME = 8  # receivers that are served side by side; each holds a connection (own)
MOST_REFUSALS = 20  # of one message; with the waits between them a quarter of an hour (own)
KEPT = timedelta(days=1)  # what waits for a receiver that is configured no more: it may have been renamed (own)
MOST_WAIT_S = 60.0  # until a receiver that took nothing is tried again (own)


@dataclass(frozen=True, kw_only=True)
class DeliveryRun:
    """Messages addressed, taken by receivers, and alerts posted to Alertmanagers; receivers that failed."""

    addressed: int = 0
    sent: int = 0
    posted: int = 0
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class _Serving:
    """What serving one receiver needs."""

    dsn: str
    settings: Settings
    write: Writer
    now: datetime
    pace: Pace


def deliver(
    dsn: str,
    settings: Settings,
    *,
    now: datetime | None = None,
    receivers: Sequence[Receiver] | None = None,
) -> DeliveryRun:
    """Address what is queued, send what waits, and post active alerts; at least once, receivers side by side.

    A message is noted as sent after it was taken: a crash in between sends it again, with the same key. A receiver
    that fails is tried again after 1, 2, 4 ... 60 seconds, and keeps no other one waiting: whoever takes longer than an
    answer may is left to itself, and not counted; until it is done no other run serves it.
    """
    now = now or datetime.now(UTC)
    receivers = receivers_of(settings) if receivers is None else receivers
    serving = _Serving(dsn=dsn, settings=settings, write=writer(settings), now=now, pace=pace_of(settings))
    with connect(dsn, autocommit=True) as connection:
        for receiver in receivers:
            deliveries.introduce(connection, receiver.name, now)
        deliveries.forget_unknown(connection, [one.name for one in receivers], now - KEPT)
        addressed = _address(connection, receivers, now)
        states = deliveries.states(connection)
    ordered = sorted(receivers, key=lambda one: one.kind != ALERTMANAGER)  # these lapse where they hear nothing
    due = [receiver for receiver in ordered if _is_due(receiver, states[receiver.name], serving)]
    runs = _side_by_side([partial(_serve, serving, receiver) for receiver in due], settings.outbound_timeout_s)
    return DeliveryRun(
        addressed=addressed,
        sent=sum(run.sent for run in runs),
        posted=sum(run.posted for run in runs),
        failed=sum(run.failed for run in runs),
    )


def _side_by_side(calls: Sequence[Callable[[], DeliveryRun]], seconds: float) -> list[DeliveryRun]:
    """What was done within so long; what has not begun by then is for the next run."""
    pool = ThreadPoolExecutor(max_workers=AT_THE_SAME_TIME)
    done, _ = wait([pool.submit(call) for call in calls], timeout=seconds)
    pool.shutdown(wait=False, cancel_futures=True)
    return [each.result() for each in done]


def pace_of(settings: Settings) -> Pace:
    """How alerts are kept alive in Alertmanagers."""
    return Pace(
        repost=timedelta(seconds=settings.alertmanager_repost_s), first=timedelta(seconds=settings.alertmanager_first_s)
    )


def _is_due(receiver: Receiver, state: ReceiverState, serving: _Serving) -> bool:
    if receiver.kind != ALERTMANAGER and not state.waiting:
        return False
    if not state.failures or state.failed_at is None:
        return True
    most_s = serving.pace.repost.total_seconds() if receiver.kind == ALERTMANAGER else MOST_WAIT_S
    return (serving.now - state.failed_at).total_seconds() >= min(2.0 ** (state.failures - 1), most_s)


def _address(connection: Connection, receivers: Sequence[Receiver], now: datetime) -> int:
    with connection.transaction():
        messages = deliveries.unaddressed(connection)
        for message in messages:
            facts = Facts.from_json(message.body)
            told = deliveries.told(connection, facts.alert_id)
            for one in receivers:
                knows = one.name in told
                if _is_for(one, facts, knows):
                    deliveries.address(connection, message, one.name, not knows, _earliest(one, facts, now))
            deliveries.settle(connection, message.delivery_id, "addressed", now)
    return len(messages)


def _is_for(receiver: Receiver, facts: Facts, knows: bool) -> bool:
    """Whether a receiver gets this message; nobody is told that something is over, or taken, of which he knew not."""
    if receiver.kind == ALERTMANAGER or facts.state not in receiver.states:
        return False
    return receiver.wants(facts) if facts.state == "firing" else knows


def _earliest(receiver: Receiver, facts: Facts, now: datetime) -> datetime:
    """From when a receiver may hear of it: no one is woken by the end of what was to disturb nobody."""
    if receiver.kind == PEOPLE and facts.state == "resolved" and facts.silenced_until is not None:
        return max(facts.silenced_until, now)
    return now


def _serve(serving: _Serving, receiver: Receiver) -> DeliveryRun:
    """Serve one receiver on a connection of its own; only one program serves it at a time."""
    with connect(serving.dsn, autocommit=True) as connection:
        if not deliveries.claim(connection, receiver.name):
            return DeliveryRun()
        try:
            return (
                _post(connection, serving, receiver)
                if receiver.kind == ALERTMANAGER
                else _send(connection, serving, receiver)
            )
        except CemaphoreError as error:
            deliveries.note(connection, receiver.name, serving.now, str(error))
            return DeliveryRun(failed=1)


def _send(connection: Connection, serving: _Serving, receiver: Receiver) -> DeliveryRun:
    messages = deliveries.waiting(connection, receiver.name, serving.now, AT_ONCE)
    if receiver.kind == PEOPLE:
        messages = _newest(connection, messages, serving.now)
    if not messages:
        return DeliveryRun()
    channel = kinds()[receiver.kind](receiver, outbound_of(serving.settings, receiver))
    letters = [_letter(serving.write, receiver, message) for message in messages]
    sent, wrong, enough = 0, None, monotonic() + serving.settings.outbound_timeout_s
    for message, error in zip(messages, channel.tell(letters), strict=False):
        if error is None:
            deliveries.settle(connection, message.delivery_id, "sent", serving.now)
            sent += 1
        else:
            wrong = error
            deliveries.failed(connection, message.delivery_id, error)
            if isinstance(error, Refusal) and message.attempts + 1 >= MOST_REFUSALS:
                deliveries.settle(connection, message.delivery_id, "refused", serving.now)
        if monotonic() >= enough:
            break
    deliveries.note(connection, receiver.name, serving.now, wrong)
    return DeliveryRun(sent=sent, failed=int(wrong is not None))


def _newest(connection: Connection, messages: Sequence[Delivery], now: datetime) -> list[Delivery]:
    """Tell people the newest of an alert where several messages of it wait: they were not reached in between."""
    for message in messages:
        if message.newer:
            deliveries.settle(connection, message.delivery_id, "superseded", now)
    return [message for message in messages if not message.newer]


def _letter(write: Writer, receiver: Receiver, message: Delivery) -> Letter:
    letter = write(Facts.from_json(message.body), receiver.language)
    return replace(letter, key=message.idempotency_key, first=message.body.get("first", False))


def _post(connection: Connection, serving: _Serving, receiver: Receiver) -> DeliveryRun:
    state = deliveries.states(connection)[receiver.name]
    changed = deliveries.changed_at(connection)
    if not state.failures and state.succeeded_at is not None:
        fresh = serving.now - state.succeeded_at < serving.pace.repost
        if fresh and (changed is None or changed <= state.succeeded_at):
            return DeliveryRun()
    posts = deliveries.posts(connection, receiver.name)
    known_since = state.known_since or serving.now
    letters = [
        serving.write(facts, receiver.language)
        for facts, seen_at in _told(connection, posts)
        if (receiver.wants(facts) or facts.alert_id in posts)
        and wanted(facts, posts.get(facts.alert_id), known_since, seen_at, serving.pace, serving.now)
    ]
    channel = Alertmanager(receiver, outbound_of(serving.settings, receiver))
    posted = post_state(connection, receiver.name, channel, letters, serving.now, serving.pace)
    deliveries.note(connection, receiver.name, serving.now, None)
    return DeliveryRun(posted=posted)


def _told(connection: Connection, posted: Collection[str]) -> list[tuple[Facts, datetime]]:
    return [(Facts.from_json(shape), seen_at) for shape, seen_at in deliveries.told_alerts(connection, posted)]


def try_out(settings: Settings, receiver: Receiver, now: datetime) -> str | None:
    """Send a message that says that nothing is wrong; returns why it was not taken, None where it was."""
    letter = replace(writer(settings)(test_facts(now), receiver.language), first=True)
    try:
        channel = kinds()[receiver.kind](receiver, outbound_of(settings, receiver))
        return next(iter(channel.tell([letter])), "the channel says nothing")
    except CemaphoreError as error:
        return str(error)


def exported(
    connection: Connection,
    settings: Settings,
    shape: str,
    state: str | None,
    start: datetime | None,
    end: datetime | None,
) -> list[dict[str, Any]]:
    """Return alerts that fired in a shape of TM Forum; parts of another alert are alarms, and no problems.

    An alarm is `raised` for as long as nobody has acknowledged it.
    """
    write = writer(settings)
    found = deliveries.fired(connection, state, start, end)
    facts = [Facts.from_json(one.shape) for one in found]
    letters = [
        (one, replace(write(each, "en"), first=each.acknowledged_by is None))
        for one, each in zip(found, facts, strict=True)
    ]
    if shape == "tmf656":
        return [tmf.problem(letter) for one, letter in letters if one.parent_id is None]
    parents = [{"parentAlarm": [{"id": one.parent_id}]} if one.parent_id else {} for one, _ in letters]
    return [tmf.alarm(letter) | parent for (_, letter), parent in zip(letters, parents, strict=True)]
