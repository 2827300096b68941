"""The database schema: numbered SQL files, each applied once and never edited afterwards."""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import psycopg

from records.errors import ConfigError
from store.connection import Connection
from store.locks import Lock

Capability = Literal["plain", "apache", "community"]

_NAME = re.compile(r"\d{4}_[a-z0-9_]+(\.tsdb)?\.sql")


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One SQL file: its name, its text, and whether it needs TimescaleDB."""

    name: str
    text: str

    @property
    def needs_timescaledb(self) -> bool:
        """Whether this file is left out on plain PostgreSQL."""
        return self.name.endswith(".tsdb.sql")

    @property
    def digest(self) -> bytes:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).digest()


def migrations() -> list[Migration]:
    """Return every migration that the program knows, in order."""
    folder = files("store") / "migrations"
    found = [entry for entry in folder.iterdir() if _NAME.fullmatch(entry.name)]
    return [
        Migration(name=entry.name, text=entry.read_text(encoding="utf-8"))
        for entry in sorted(found, key=lambda entry: entry.name)
    ]


def capability(connection: Connection) -> Capability:
    """Return what the database is: plain PostgreSQL, TimescaleDB's Apache edition, or its community edition."""
    has = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
    if has is None:
        return "plain"
    row = connection.execute("SELECT current_setting('timescaledb.license', true)").fetchone()
    return "community" if row and row[0] == "timescale" else "apache"


def pending(connection: Connection) -> list[str]:
    """Return the names of the migrations that `upgrade` would apply; raises `ConfigError` as it does."""
    return [migration.name for migration in _pending(connection)]


def upgrade(
    connection: Connection, *, time_zone: str = "UTC", session_chunk_hours: int = 1, k_anonymity: int | None = None
) -> list[str]:
    """Bring the schema up to date in one transaction and return the names of the migrations applied.

    `k_anonymity` is written where the views read it; None leaves it as it is (10 in a new database).
    Several processes may call it at once. Raises `ConfigError` when an applied file was edited or is unknown, when
    the database was made for another time zone, and when the database user may not do it.
    """
    try:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.SCHEMA])
            connection.execute(
                "SELECT set_config('cem.session_chunk_hours', %s, true), "
                "set_config('client_min_messages', 'warning', true)",
                [str(session_chunk_hours)],
            )
            applied = _pending(connection)
            for migration in applied:
                _apply(connection, migration)
            _fix_time_zone(connection, time_zone)
            if k_anonymity is not None:
                _set_k_anonymity(connection, k_anonymity)
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigError(
            f"The database user may not make the schema ({str(error).splitlines()[0]}): "
            "connect as the owner of the database with CREATEROLE, or have it made by one."
        ) from None
    return [migration.name for migration in applied]


def _pending(connection: Connection) -> list[Migration]:
    known = migrations()
    if capability(connection) == "plain":
        known = [migration for migration in known if not migration.needs_timescaledb]
    applied = _applied(connection)
    unknown = applied.keys() - {migration.name for migration in migrations()}
    if unknown:
        raise ConfigError(
            f"The database has migrations that this program lacks ({', '.join(sorted(unknown))}): "
            "it was made by a newer version; upgrade the program."
        )
    for migration in known:
        if migration.name in applied and applied[migration.name] != migration.digest:
            raise ConfigError(
                f"{migration.name} was edited after it had been applied to this database: "
                "restore the file and put the change into a new one."
            )
    return [migration for migration in known if migration.name not in applied]


def _applied(connection: Connection) -> dict[str, bytes]:
    row = connection.execute("SELECT to_regclass('cem.migration') IS NOT NULL").fetchone()
    if not row or not row[0]:
        return {}
    return {name: bytes(digest) for name, digest in connection.execute("SELECT name, sha256 FROM cem.migration")}


def _apply(connection: Connection, migration: Migration) -> None:
    connection.execute(migration.text.encode())
    connection.execute(
        "CREATE TABLE IF NOT EXISTS cem.migration (name text PRIMARY KEY, sha256 bytea NOT NULL, "
        "applied_at timestamptz NOT NULL DEFAULT now())"
    )
    connection.execute("INSERT INTO cem.migration (name, sha256) VALUES (%s, %s)", [migration.name, migration.digest])


def _fix_time_zone(connection: Connection, time_zone: str) -> None:
    """Days are cut in the operator's zone; another zone would make two kinds of day in one table."""
    connection.execute(
        "INSERT INTO cem.installation (name, value) VALUES ('time_zone', %s) ON CONFLICT DO NOTHING", [time_zone]
    )
    row = connection.execute("SELECT value FROM cem.installation WHERE name = 'time_zone'").fetchone()
    if row and row[0] != time_zone:
        raise ConfigError(
            f"This database was made for the time zone {row[0]} and the setting says {time_zone}: "
            f"set CEMAPHORE_TIME_ZONE={row[0]}, or make a new database."
        )


def _set_k_anonymity(connection: Connection, users: int) -> None:
    connection.execute(
        "INSERT INTO cem.installation (name, value) VALUES ('k_anonymity', %s) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE cem.installation.value <> excluded.value",
        [str(users)],
    )
