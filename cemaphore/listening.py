"""Listeners wired to settings, keys and database: what `cem listen` runs, and `cem run` may run beside the rest."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn

from cemaphore import privatedb
from cemaphore.collecting import options_of
from cemaphore.settings import Settings
from collectors.listening.credentials import Credentials
from collectors.listening.database import Database
from collectors.listening.reception import Bounds, Reception
from collectors.listening.requests import Gate
from collectors.listening.server import Listening, server
from collectors.options import Options
from records.errors import ConfigError, TransientError
from store.connection import connect
from store.intake import Limits
from store.keys import Keys, keys_present
from store.spill import Spill
from store.vault import open_keys

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Listener:
    """One listener as asked for; without `users` anybody may send, which only loopback may allow."""

    source: str
    listening: Listening
    users: Path | None = None
    spill: Path | None = None
    spill_mib: int = 1024
    bounds: Bounds = field(default_factory=Bounds)


def tell(text: str) -> None:
    """Say something to the operator, on standard error."""
    print(f"{datetime.now(UTC).isoformat(timespec='seconds')} cem listen: {text}", file=sys.stderr, flush=True)


def ves_server(settings: Settings, listener: Listener) -> uvicorn.Server:
    """The VES event listener, ready to run; `.run()` serves until SIGTERM or SIGINT, then finishes what waits.

    Raises `ConfigError` for what a person must mend. A database that is away is none of that: events are spilled.
    """
    from collectors.ves.application import application
    from collectors.ves.posted import EventSink

    parts = _parts(settings, listener, "ves")
    sink = EventSink(parts.database, listener.source, parts.options, _once(tell))
    gate = Gate(credentials=_credentials(listener))
    return server(application(lambda: Reception(sink, parts.spill, listener.bounds, tell), gate), listener.listening)


def ticket_server(settings: Settings, listener: Listener) -> uvicorn.Server:
    """The listener for events of TMF621 trouble tickets, ready to run; as `ves_server`."""
    from collectors.tmf621.application import application
    from collectors.tmf621.posted import TicketSink

    parts = _parts(settings, listener, "tmf621")
    sink = TicketSink(parts.database, parts.keys, listener.source, parts.options, _once(tell))
    gate = Gate(credentials=_credentials(listener))
    return server(application(lambda: Reception(sink, parts.spill, listener.bounds, tell), gate), listener.listening)


def session_server(settings: Settings, listener: Listener, mapping: str | None = None) -> uvicorn.Server:
    """The listener for sessions as NDJSON, ready to run; as `ves_server`. `mapping` names a file of `mappings/`."""
    from collectors import mapping as mappings
    from collectors.listening.sessions import MAX_BODY_BYTES, SessionSink, application

    parts = _parts(settings, listener, "sessions")
    options = replace(parts.options, mapping=mapping)
    mappings.chosen(options.mappings, mapping, "")
    sink = SessionSink(parts.database, listener.source, options)
    gate = Gate(credentials=_credentials(listener), max_body_bytes=MAX_BODY_BYTES)
    made = application(lambda: Reception(sink, parts.spill, listener.bounds, tell), gate, options)
    return server(made, listener.listening)


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """What every listener is made of."""

    options: Options
    keys: Keys
    spill: Spill
    database: Database


def _parts(settings: Settings, listener: Listener, kind: str) -> _Parts:
    keys = _keys(settings)
    spill = Spill(
        listener.spill or settings.home / "spill" / kind,
        keys,
        name=f"{kind} {listener.source}",
        max_bytes=listener.spill_mib * MIB,
    )
    database = Database(_url(settings), keys, lambda: datetime.now(UTC), _limits(settings))
    return _Parts(options=options_of(settings, source=listener.source), keys=keys, spill=spill, database=database)


def _credentials(listener: Listener) -> Credentials | None:
    if listener.users is not None:
        return Credentials.load(listener.users)
    if listener.listening.client_ca is None and listener.listening.host not in ("127.0.0.1", "::1", "localhost"):
        raise ConfigError(
            "Anybody on the network could send: give a file of users (`cem listen password NAME` prints its lines) "
            "or a client CA."
        )
    return None


def _keys(settings: Settings) -> Keys:
    """The vault's keys; only an installation that has none yet needs its database for them."""
    if keys_present(settings.keys_dir):
        return Keys.load(settings.keys_dir)
    with connect(privatedb.ensure(settings), autocommit=True) as connection:
        return open_keys(connection, settings.keys_dir)


def _url(settings: Settings) -> Callable[[], str]:
    """Where the database is now: a private one is started, and the schema brought up to date, once only.

    Somebody who stops the database later has a reason; the listener waits for it and does not start it again.
    """
    prepared: list[str] = []

    def url() -> str:
        if prepared:
            return privatedb.database_url(settings)
        prepared.append(privatedb.ensure(settings))
        return prepared[0]

    try:
        url()
    except TransientError as error:
        tell(f"{error} Events go to the spill until it can.")
    return url


def _limits(settings: Settings) -> Limits:
    days = settings.backfill_limit_days
    forward = timedelta(minutes=settings.future_tolerance_minutes)
    return Limits(forward=forward, backward=None if days is None else timedelta(days=days))


def _once(say: Callable[[str], None]) -> Callable[[str], None]:
    """Say each thing once; a sender that errs does so in every event."""
    said: set[str] = set()

    def first_time(text: str) -> None:
        if text not in said and len(said) < 1000:
            said.add(text)
            say(text)

    return first_time
