"""Delivers what alerts have to say: addresses messages to receivers, sends them, and keeps Alertmanagers up to date."""

import hashlib
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from alerts.channels import Letter, kinds
from alerts.channels.alertmanager import Alertmanager
from alerts.facts import Facts
from alerts.outbound import AllowList, Outbound, checked
from alerts.posting import Pace, post_state, wanted
from alerts.receivers import ALERTMANAGER, PEOPLE, Receiver, Secret, parse_receivers
from cemaphore.alert_words import Writer, writer
from cemaphore.settings import Settings
from records.errors import CemaphoreError, ConfigError
from store import deliveries
from store.connection import Connection, connect
from store.deliveries import Delivery, ReceiverState

AT_ONCE = 50  # messages to one receiver in one run; the next run is seconds later (own)
AT_THE_SAME_TIME = 8  # receivers that are served side by side; each holds a connection (own)
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


def receivers_of(settings: Settings) -> tuple[Receiver, ...]:
    """The receivers of the file and of the setting `webhook_urls`; raises `ConfigError` with the file's line."""
    path = settings.receivers_file
    named: tuple[Receiver, ...] = ()
    if path.exists():
        text = path.read_text(encoding="utf-8")
        named = parse_receivers(text, file=path.name, home=settings.home, kinds=kinds())
    return (*named, *(_of_setting(url.get_secret_value()) for url in settings.webhook_urls))


def _of_setting(url: str) -> Receiver:
    """A webhook of the settings: named without telling its address, which the operator allows by naming it there."""
    name = f"webhook-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
    return Receiver(name=name, kind="webhook", address=Secret(value=url), host_allowed=True)


def outbound_of(settings: Settings, receiver: Receiver) -> Outbound:
    """What a receiver may reach."""
    allow = AllowList.of(settings.outbound_allow)
    if receiver.host_allowed:
        allow = replace(allow, hosts=allow.hosts | {checked(receiver.address.read()).host.lower()})
    return Outbound(allow=allow, timeout_s=settings.outbound_timeout_s, trust=_trust(receiver))


def _trust(receiver: Receiver) -> ssl.SSLContext | None:
    if receiver.ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=receiver.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"ca_file {receiver.ca_file} holds no certificates: {error}") from None


def deliver(
    dsn: str,
    settings: Settings,
    *,
    now: datetime | None = None,
    receivers: Sequence[Receiver] | None = None,
) -> DeliveryRun:
    """Address what is queued, send what waits, and post active alerts; at least once, receivers side by side.

    A message is noted as sent after it was taken: a crash in between sends it again, with the same key. A receiver
    that fails is tried again after 1, 2, 4 ... 60 seconds, and keeps no other one waiting.
    """
    now = now or datetime.now(UTC)
    receivers = receivers_of(settings) if receivers is None else receivers
    serving = _Serving(dsn=dsn, settings=settings, write=writer(settings), now=now, pace=pace_of(settings))
    with connect(dsn, autocommit=True) as connection:
        for receiver in receivers:
            deliveries.introduce(connection, receiver.name, now)
        addressed = _address(connection, receivers, now)
        states = deliveries.states(connection)
    due = [receiver for receiver in receivers if _is_due(states[receiver.name], now)]
    with ThreadPoolExecutor(max_workers=AT_THE_SAME_TIME) as pool:
        runs = list(pool.map(partial(_serve, serving), due))
    return DeliveryRun(
        addressed=addressed,
        sent=sum(run.sent for run in runs),
        posted=sum(run.posted for run in runs),
        failed=sum(run.failed for run in runs),
    )


def pace_of(settings: Settings) -> Pace:
    """How alerts are kept alive in Alertmanagers."""
    return Pace(
        repost=timedelta(seconds=settings.alertmanager_repost_s), first=timedelta(seconds=settings.alertmanager_first_s)
    )


def _is_due(state: ReceiverState, now: datetime) -> bool:
    if not state.failures or state.failed_at is None:
        return True
    return (now - state.failed_at).total_seconds() >= min(2.0 ** (state.failures - 1), MOST_WAIT_S)


def _address(connection: Connection, receivers: Sequence[Receiver], now: datetime) -> int:
    with connection.transaction():
        messages = deliveries.unaddressed(connection)
        for message in messages:
            facts = Facts.from_json(message.body)
            names = [one.name for one in receivers if _is_for(connection, one, facts)]
            deliveries.address(connection, message, names, now)
    return len(messages)


def _is_for(connection: Connection, receiver: Receiver, facts: Facts) -> bool:
    """Whether a receiver gets this message; nobody is told that something is over, or taken, of which he knew not."""
    if receiver.kind == ALERTMANAGER or facts.state not in receiver.states:
        return False
    if facts.state == "firing":
        return receiver.wants(facts)
    return deliveries.was_told(connection, receiver.name, facts.alert_id)


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
    messages = deliveries.waiting(connection, receiver.name, AT_ONCE)
    if receiver.kind == PEOPLE:
        messages = _newest(connection, messages, serving.now)
    if not messages:
        return DeliveryRun()
    channel = kinds()[receiver.kind](receiver, outbound_of(serving.settings, receiver))
    letters = [_letter(serving.write, receiver, message) for message in messages]
    sent = 0
    for message, error in zip(messages, channel.tell(letters), strict=False):
        if error is not None:
            deliveries.failed(connection, message.delivery_id, error)
            deliveries.note(connection, receiver.name, serving.now, error)
            return DeliveryRun(sent=sent, failed=1)
        deliveries.settle(connection, message.delivery_id, "sent", serving.now)
        sent += 1
    deliveries.note(connection, receiver.name, serving.now, None)
    return DeliveryRun(sent=sent)


def _newest(connection: Connection, messages: Sequence[Delivery], now: datetime) -> list[Delivery]:
    """Tell people the newest of an alert where several messages of it wait: they were not reached in between."""
    for message in messages:
        if message.newer:
            deliveries.settle(connection, message.delivery_id, "superseded", now)
    return [message for message in messages if not message.newer]


def _letter(write: Writer, receiver: Receiver, message: Delivery) -> Letter:
    return replace(write(Facts.from_json(message.body), receiver.language), key=message.idempotency_key)


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
        for facts, seen_at in _told(connection)
        if receiver.wants(facts)
        and wanted(facts, posts.get(facts.alert_id), known_since, seen_at, serving.pace, serving.now)
    ]
    channel = Alertmanager(receiver, outbound_of(serving.settings, receiver))
    posted = post_state(connection, receiver.name, channel, letters, serving.now, serving.pace)
    deliveries.note(connection, receiver.name, serving.now, None)
    return DeliveryRun(posted=posted)


def _told(connection: Connection) -> list[tuple[Facts, datetime]]:
    return [(Facts.from_json(shape), seen_at) for shape, seen_at in deliveries.told_alerts(connection)]
