"""A TimescaleDB of one's own under `CEMAPHORE_HOME`: started when needed, never as root, and never in the way.

`ensure` is what a program calls; `create_database` and `remove` serve tests.
"""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from cemaphore.privatedb import database, server
from cemaphore.privatedb.account import server_account
from cemaphore.privatedb.edition import Edition, edition_of
from cemaphore.privatedb.place import DATABASE, STATE_FILE, Place, locked, make_home, prepare, remembered
from cemaphore.privatedb.programs import Programs, choose, installed
from cemaphore.settings import Settings
from records.errors import CemaphoreError, ConfigError
from store import schema

__all__ = [
    "Status",
    "create_database",
    "database_url",
    "drop_database",
    "ensure",
    "remove",
    "start",
    "status",
    "stop",
    "upgrade",
]

NOT_STARTED = "The private database is not running: start it with `cem db start`."


@dataclass(frozen=True, kw_only=True)
class Status:
    """A database server as found: ours or another's, running or not, and what it is."""

    private: bool
    running: bool
    pid: int | None = None
    port: int | None = None
    data_directory: str | None = None
    socket_directory: str | None = None
    account: str | None = None
    postgresql: int | None = None
    edition: Edition | None = None
    applied: tuple[str, ...] = ()


def ensure(settings: Settings) -> str:
    """Start the database if needed, with its schema up to date; returns the connection string."""
    start(settings)
    return database_url(settings)


def start(settings: Settings, *, extra: Mapping[str, str] | None = None) -> Status:
    """Start the private server where it is down, or check the existing one; then bring the schema up to date.

    Safe to call twice or from several processes at once. `extra` are further settings of `postgresql.conf`.
    """
    if settings.database_url is None:
        make_home(settings.home)
        with locked(settings.home):
            place = _start_private(settings, extra or {})
            with database.connect(place.url("postgres")) as connection:
                database.create(connection, DATABASE)
    url = database_url(settings)
    with database.connect(url) as connection, database.alone(connection):
        database.extend(connection, allow_plain=settings.allow_plain_postgresql)
        applied = database.upgrade(connection, settings)
    return status(settings, applied=tuple(applied))


def stop(settings: Settings) -> bool:
    """Stop the private server; False when it was not running."""
    _refuse_foreign(settings, "stop")
    if not (settings.home / STATE_FILE).exists():
        return False
    with locked(settings.home):
        place = remembered(settings.home)
        if place is None or server.running_pid(place) is None:
            return False
        server.stop(place, server_account(place.account), _programs(settings, place))
        return True


def upgrade(settings: Settings, *, dry_run: bool = False) -> list[str]:
    """Bring the running database's schema up to date; the migrations applied, or to be applied."""
    with database.connect(database_url(settings)) as connection:
        return schema.pending(connection) if dry_run else database.upgrade(connection, settings)


def status(settings: Settings, *, applied: tuple[str, ...] = ()) -> Status:
    """What there is now; starts nothing. `applied` names migrations that were just applied."""
    place = None if settings.database_url else remembered(settings.home)
    pid = server.running_pid(place) if place else None
    found: dict[str, int | Edition] = {}
    if settings.database_url or pid:
        with suppress(CemaphoreError), database.connect(database_url(settings)) as connection:
            found = {"postgresql": connection.info.server_version // 10_000, "edition": edition_of(connection)}
    return Status(
        private=settings.database_url is None,
        running=bool(found),
        pid=pid,
        port=place.port if place else None,
        data_directory=str(place.data_directory) if place else None,
        socket_directory=str(place.socket_directory) if place else None,
        account=place.account if place else None,
        applied=applied,
        **found,  # type: ignore[arg-type]  # of a dict
    )


def database_url(settings: Settings, *, tcp: bool = False) -> str:
    """The connection string; over 127.0.0.1 instead of the local socket with `tcp`.

    Raises `ConfigError` when the private server is not running.
    """
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return _running(settings).url(tcp=tcp)


def create_database(settings: Settings, name: str, *, template: str | None = None) -> str:
    """Make one more database on the private server, with the extension or as a copy of `template`; its URL."""
    _refuse_foreign(settings, "add a database to")
    place = _running(settings)
    with database.connect(place.url("postgres")) as connection:
        database.create(connection, name, template)
    if template is None:
        with database.connect(place.url(name)) as connection:
            database.extend(connection, allow_plain=settings.allow_plain_postgresql)
    return place.url(name)


def drop_database(settings: Settings, name: str) -> None:
    """Remove a database that `create_database` made, ending its sessions."""
    _refuse_foreign(settings, "drop a database of")
    with database.connect(_running(settings).url("postgres")) as connection:
        database.drop(connection, name)


def remove(settings: Settings) -> None:
    """End the private server and delete its data, socket directory and password for good."""
    _refuse_foreign(settings, "remove")
    if not (settings.home / STATE_FILE).exists():
        return
    with locked(settings.home):
        place = remembered(settings.home)
        if place is None:
            return
        server.kill(place)
        shutil.rmtree(place.data_directory, ignore_errors=True)
        shutil.rmtree(place.socket_directory, ignore_errors=True)
        (settings.home / STATE_FILE).unlink()


def _start_private(settings: Settings, extra: Mapping[str, str]) -> Place:
    place = remembered(settings.home)
    if place is not None and server.running_pid(place) is not None:
        return place
    if place is None and (settings.home / "postgres" / "PG_VERSION").exists():
        raise ConfigError(f"{settings.home / STATE_FILE} is missing but data exist: restore it, or move them away.")
    account = server_account(place.account if place else None)
    place = prepare(settings.home, account)
    programs = _programs(settings, place)
    if server.made_with(place) is None:
        server.make(place, account, programs)
    server.start(place, account, programs, extra)
    return place


def _programs(settings: Settings, place: Place) -> Programs:
    return choose(installed(), allow_plain=settings.allow_plain_postgresql, major=server.made_with(place))


def _running(settings: Settings) -> Place:
    place = remembered(settings.home)
    if place is None or server.running_pid(place) is None:
        raise ConfigError(NOT_STARTED)
    return place


def _refuse_foreign(settings: Settings, what: str) -> None:
    if settings.database_url is not None:
        raise ConfigError(f"CEMAPHORE_DATABASE_URL names a server that is not ours: cem does not {what} it.")
