"""What lies inside a server: the database, its extension and its schema."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from cemaphore.privatedb.programs import OLDEST_MAJOR, SETUP
from cemaphore.settings import Settings
from records.errors import ConfigError, TransientError
from store import connection as connections
from store import schema
from store.connection import Connection

# What a server says for good; all else may pass. Its words, because a refused connection has no error code.
REFUSALS = ("authentication failed", "does not exist", "no pg_hba.conf entry")
# Any number that no other advisory lock of ours has: "cem db" in ASCII.
LOCK = int.from_bytes(b"cem db", "big")


def connect(url: str) -> Connection:
    """Connect in autocommit mode.

    Raises `ConfigError` where the server refuses who asks, `TransientError` where it cannot be reached.
    """
    try:
        return connections.connect(url, autocommit=True)
    except TransientError as error:
        if any(sign in str(error) for sign in REFUSALS):
            raise ConfigError(str(error)) from None
        raise


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Prepare the connected database alone: PostgreSQL's own IF NOT EXISTS fails when two do so at once."""
    connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def create(connection: Connection, name: str, template: str | None = None) -> None:
    """Make the database `name`, a copy of `template`, where it does not exist."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        return
    copied = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
    connection.execute(sql.SQL("CREATE DATABASE {}{}").format(sql.Identifier(name), copied))


def drop(connection: Connection, name: str) -> None:
    """Remove the database `name` with all that is in it, ending its sessions."""
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def extend(connection: Connection, *, allow_plain: bool) -> None:
    """Make the extension timescaledb in the connected database where the server has it.

    Raises `ConfigError` where the server is too old, or plain without leave.
    """
    if connection.info.server_version < OLDEST_MAJOR * 10_000:
        raise ConfigError(
            f"The database server is version {connection.info.server_version // 10_000}; {OLDEST_MAJOR} is the oldest."
        )
    has = "SELECT (SELECT count(*) FROM pg_{} WHERE {} = 'timescaledb') > 0"
    if connection.execute(has.format("extension", "extname")).fetchone() == (True,):
        return
    if connection.execute(has.format("available_extensions", "name")).fetchone() == (True,):
        try:
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        except psycopg.Error as error:
            if not allow_plain:
                reason = str(error).splitlines()[0]
                raise ConfigError(f"The extension timescaledb cannot be made in this database: {reason}") from None
    elif not allow_plain:
        raise ConfigError(
            "The database server has no TimescaleDB; CEMAPHORE_ALLOW_PLAIN_POSTGRESQL=true accepts it so. " + SETUP
        )


def upgrade(connection: Connection, settings: Settings) -> list[str]:
    """Bring the schema up to date; the names of the migrations that were applied."""
    return schema.upgrade(
        connection,
        time_zone=settings.time_zone,
        session_chunk_hours=settings.session_chunk_hours,
        k_anonymity=settings.k_anonymity,
    )
