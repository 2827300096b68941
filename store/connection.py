"""Connections to the database: always in UTC, named, and as the role that the caller asks for."""

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool

from records.errors import ConfigError, TransientError

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

APPLICATION = "cemaphore"
CONNECT_TIMEOUT_S = 10
# A peer that is gone without a word (power, cable, firewall) is noticed within half a minute.
_KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4, "tcp_user_timeout": 30_000}


class WatchedConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that gives up when no byte has moved for `silence_s` while an answer is due.

    The system's keepalives notice a machine that is gone; this notices a proxy that lives and passes nothing on.
    """

    silence_s: float | None = None

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """Wait for an operation as psycopg does; raises `OperationalError`, and closes, after the silence."""
        watched = gen if self.silence_s is None else self._watched(gen, self.silence_s)
        try:
            return super().wait(watched, *args, **kwargs)
        except ValueError as error:
            # psycopg 3.3 expects one answer to the end of a COPY; a server that sees half a connection end sends two.
            if "too many values" not in str(error):
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError("the database ended the COPY: its connection broke") from None

    def _watched(self, gen: Generator[Any, int, Any], silence_s: float) -> Generator[Any, int, Any]:
        """`gen`, told by each 0 that is sent in that a tenth of a second has passed and nothing came."""
        try:
            wanted = next(gen)
            last = time.monotonic()
            while True:
                ready = yield wanted
                if ready:
                    last = time.monotonic()
                elif time.monotonic() - last > silence_s:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"the database said nothing for {silence_s:g} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value


def connect(
    dsn: str,
    *,
    role: str | None = None,
    autocommit: bool = False,
    statement_timeout_s: float | None = None,
    application: str = APPLICATION,
    silence_s: float | None = None,
) -> Connection:
    """Open a connection in UTC, as `role` where one is given; see `WatchedConnection` for `silence_s`.

    Raises `ConfigError` for a connection string that is none, `TransientError` where the server cannot be reached;
    the connection string, which may hold a password, is in neither message.
    """
    try:
        connection = WatchedConnection.connect(
            dsn,
            autocommit=True,
            application_name=_named(dsn, application),
            **_unless_given(dsn, {"connect_timeout": CONNECT_TIMEOUT_S, **_KEEPALIVE}),
        )
    except psycopg.ProgrammingError:
        raise ConfigError("The database URL is not a connection string (postgresql://USER@HOST/NAME).") from None
    except psycopg.OperationalError as error:
        last = (str(error).strip().splitlines() or ["no reason given"])[-1]
        raise TransientError(f"The database cannot be reached: {last}") from None
    try:
        connection.silence_s = silence_s
        _prepare(connection, role, statement_timeout_s)
    except psycopg.OperationalError as error:
        connection.close()
        raise TransientError(f"The database cannot be reached: {str(error).splitlines()[0]}") from None
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
    read_only: bool = False,
) -> Iterator[ConnectionPool[Connection]]:
    """Open a pool of autocommit connections like those of `connect`; closed when the block ends.

    With `read_only` their transactions may not write.
    """

    def configure(connection: Connection) -> None:
        _prepare(connection, role, statement_timeout_s)
        if read_only:
            connection.execute("SET default_transaction_read_only = on")

    kwargs = {"autocommit": True, "application_name": APPLICATION, "connect_timeout": CONNECT_TIMEOUT_S}
    with ConnectionPool(
        dsn, min_size=min_size, max_size=max_size, kwargs=kwargs, configure=configure, open=True
    ) as opened:
        yield opened


def _unless_given(dsn: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """What the connection string does not say itself."""
    given = conninfo_to_dict(dsn)
    return {name: value for name, value in wanted.items() if name not in given}


def _named(dsn: str, application: str) -> str:
    """The name that the connection string gives to all its connections, then what this one is for."""
    given = conninfo_to_dict(dsn).get("application_name")
    return f"{given} {application}" if given else application


def _prepare(connection: Connection, role: str | None, statement_timeout_s: float | None) -> None:
    connection.execute("SET TIME ZONE 'UTC'")
    # The server, too, is to notice soon when we are gone: until then it would hold what our transaction holds.
    connection.execute(
        "SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false), "
        "set_config('tcp_keepalives_count', '4', false)"
    )
    if statement_timeout_s is not None:
        connection.execute("SELECT set_config('statement_timeout', %s, false)", [f"{round(statement_timeout_s * 1e3)}"])
    if role is not None:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
