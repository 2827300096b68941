"""An intake for a process that lives long: opened when it is needed, and anew after its connections broke."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.conninfo import make_conninfo

from records.errors import DataError, TransientError
from store.connection import Connection, connect
from store.intake import Intake, Limits
from store.keys import Keys
from store.labels import Labels
from store.vault import Vault

# A half-open connection is noticed within this time, and no statement holds the listener up for longer.
_NETWORK_TIMEOUT_MS = 15_000
_STATEMENT_TIMEOUT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Opened:
    """An intake, the connection that its transactions run on, and its labels."""

    connection: Connection
    intake: Intake
    labels: Labels


class Database:
    """One intake, made when it is first needed; `url` is called for each new connection. For use by one thread."""

    def __init__(self, url: Callable[[], str], keys: Keys, clock: Callable[[], datetime], limits: Limits) -> None:
        self._url = url
        self._keys = keys
        self._clock = clock
        self._limits = limits
        self._opened: Opened | None = None
        self._stack = ExitStack()

    @contextmanager
    def working(self) -> Iterator[Opened]:
        """Give the intake, its clock set to now.

        Raises `TransientError` for all that may work later, `DataError` where the rows are at fault.
        """
        try:
            if self._opened is None:
                self._opened = self._open()
            self._opened.intake.clock_now = self._clock()
            yield self._opened
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise DataError(f"the database refuses it ({_first_line(error)}).", code="refused") from None
        except psycopg.Error as error:
            self.close()
            raise TransientError(f"the database does not answer ({_first_line(error)})") from None
        except DataError:
            raise
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        self._opened = None
        self._stack.close()

    def _open(self) -> Opened:
        url = make_conninfo(
            self._url(), keepalives_idle=5, keepalives_interval=5, keepalives_count=2,
            tcp_user_timeout=_NETWORK_TIMEOUT_MS,
        )  # fmt: skip
        rows, identifiers, names = (
            self._stack.enter_context(connect(url, autocommit=True, statement_timeout_s=_STATEMENT_TIMEOUT_S))
            for _ in range(3)
        )
        labels = Labels(names)
        vault = Vault(identifiers, self._keys)
        intake = Intake(rows, vault, labels, self._keys, self._clock(), limits=self._limits)
        return Opened(connection=rows, intake=intake, labels=labels)


def _first_line(error: psycopg.Error) -> str:
    """The server's message without the row that it may quote."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
