"""Connections to the database: always in UTC, named, and as the role that the caller asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool

from records.errors import ConfigError, TransientError

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

APPLICATION = "cemaphore"
CONNECT_TIMEOUT_S = 10


def connect(
    dsn: str,
    *,
    role: str | None = None,
    autocommit: bool = False,
    statement_timeout_s: float | None = None,
    application: str = APPLICATION,
) -> Connection:
    """Open a connection in UTC, as `role` where one is given.

    Raises `ConfigError` for a connection string that is none, `TransientError` where the server cannot be reached;
    the connection string, which may hold a password, is in neither message.
    """
    try:
        connection = psycopg.connect(
            dsn, autocommit=True, application_name=application, connect_timeout=CONNECT_TIMEOUT_S
        )
    except psycopg.ProgrammingError:
        raise ConfigError("The database URL is not a connection string (postgresql://USER@HOST/NAME).") from None
    except psycopg.OperationalError as error:
        last = (str(error).strip().splitlines() or ["no reason given"])[-1]
        raise TransientError(f"The database cannot be reached: {last}") from None
    try:
        _prepare(connection, role, statement_timeout_s)
    except BaseException:
        connection.close()
        raise
    connection.autocommit = autocommit
    return connection


@contextmanager
def pool(
    dsn: str,
    *,
    role: str | None = None,
    min_size: int = 1,
    max_size: int = 4,
    statement_timeout_s: float | None = None,
) -> Iterator[ConnectionPool[Connection]]:
    """Open a pool of autocommit connections like those of `connect`; closed when the block ends."""

    def configure(connection: Connection) -> None:
        _prepare(connection, role, statement_timeout_s)

    kwargs = {"autocommit": True, "application_name": APPLICATION, "connect_timeout": CONNECT_TIMEOUT_S}
    with ConnectionPool(
        dsn, min_size=min_size, max_size=max_size, kwargs=kwargs, configure=configure, open=True
    ) as opened:
        yield opened


def _prepare(connection: Connection, role: str | None, statement_timeout_s: float | None) -> None:
    connection.execute("SET TIME ZONE 'UTC'")
    if statement_timeout_s is not None:
        connection.execute("SELECT set_config('statement_timeout', %s, false)", [f"{round(statement_timeout_s * 1e3)}"])
    if role is not None:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
