"""An intake that outlives its connections: when the database goes away it waits, within bounds, and opens new ones."""

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import psycopg

from records.errors import ConfigError, DataError, TransientError
from records.kinds import Kind
from store.connection import Connection
from store.intake import Batches, Intake, Limits, Tally
from store.keys import Keys
from store.labels import Labels
from store.ledger import Entry
from store.vault import Vault

# Gone, restarting, out of room, a deadlock, a cancelled statement: all may work later.
_PASSING = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)
# The same rows would be refused again. Class 54 (a limit of PostgreSQL) counts as operational in psycopg.
_LASTING = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)


@dataclass(frozen=True, kw_only=True)
class Lines:
    """The connections of an intake: the batch's own, and those of the vault and the labels."""

    rows: Connection
    vault: Vault
    names: Connection
    labels: Labels


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a database that is away is waited for, and the pauses between two looks (seconds)."""

    longest_s: float = 300.0
    first_pause_s: float = 0.1
    longest_pause_s: float = 5.0


class PatientIntake(Intake):
    """An intake whose `load` is tried again on new connections; a batch is committed once however often it is tried.

    `open_lines` gives connections that close with the stack; it is called anew after each break, because what vault
    and labels remember may be gone with a server that crashed. `tell` hears when the waiting begins and ends.
    """

    def __init__(
        self,
        open_lines: Callable[[ExitStack], Lines],
        keys: Keys,
        clock_now: datetime,
        *,
        limits: Limits,
        patience: Patience,
        tell: Callable[[str], None],
    ) -> None:
        self._open_lines = open_lines
        self._patience = patience
        self._tell = tell
        self._stack = ExitStack()
        self._backends: list[tuple[int, datetime]] = []
        lines = self._opened()
        super().__init__(lines.rows, lines.vault, lines.labels, keys, clock_now, limits=limits)

    def close(self) -> None:
        """Close the connections."""
        self._stack.close()

    def load(self, kind: Kind, *, source: str, name: str, digest: bytes, size_bytes: int, batches: Batches) -> Tally:
        """Load as `Intake.load` does, waiting where the database is away.

        Raises `TransientError` when it stays away, `DataError` when the database refuses the rows themselves.
        """
        self._last = None
        waiting = _Waiting(self._patience, self._tell)
        while True:
            try:
                if waiting.begun and (tally := self._committed()):
                    break
                tally = super().load(
                    kind, source=source, name=name, digest=digest, size_bytes=size_bytes, batches=batches
                )
                break
            except _LASTING as error:
                raise DataError(f"the database refuses it ({first_line(error)}).", code="refused") from None
            except (*_PASSING, _AwayError) as error:
                waiting.pause(first_line(error))
        if waiting.begun:
            self._tell("The database answers again.")
        return tally

    def _committed(self) -> Tally | None:
        """Open new connections; the tally of the batch before them if only the answer to its commit was lost."""
        self._reopen()
        return self._last.tally if self._last is not None and self._is_in(self._last) else None

    def _reopen(self) -> None:
        self._stack.close()
        try:
            lines = self._opened()
        except (TransientError, ConfigError) as error:  # a private server that is not running is a ConfigError
            raise _AwayError(str(error)) from None
        self._connection, self._vault, self._labels = lines.rows, lines.vault, lines.labels

    def _opened(self) -> Lines:
        """Open connections, and end what the server still holds of those before them.

        Where the network swallowed a connection, its backend waits on, and its open batch would block this one.
        """
        lines = self._open_lines(self._stack)
        for pid, begun in self._backends:
            lines.rows.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND backend_start = %s",
                [pid, begun],
            )
        pids = [connection.info.backend_pid for connection in (lines.rows, lines.vault.connection, lines.names)]
        self._backends = lines.rows.execute(
            "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = ANY(%s)", [pids]
        ).fetchall()
        return lines

    def _is_in(self, entry: Entry) -> bool:
        """Whether the transaction whose commit was not answered had been committed."""
        delivery = entry.delivery
        row = self._connection.execute(
            "SELECT EXISTS (SELECT FROM cem.batch "
            "WHERE batch_id = %s AND source_id = %s AND kind = %s AND digest = %s)",
            [entry.batch_id, delivery.source_id, delivery.kind.name, delivery.digest],
        ).fetchone()
        return bool(row and row[0])


class _Waiting:
    """Pauses that grow to a bound, each of a random length so that many collectors do not come back as one."""

    def __init__(self, patience: Patience, tell: Callable[[str], None]) -> None:
        self._patience = patience
        self._tell = tell
        self._pause_s = patience.first_pause_s
        self._deadline: float | None = None

    @property
    def begun(self) -> bool:
        return self._deadline is not None

    def pause(self, reason: str) -> None:
        """Wait a little; raises `TransientError` when it has been too long."""
        now, longest_s = time.monotonic(), self._patience.longest_s
        if self._deadline is None:
            self._deadline = now + longest_s
            if longest_s > 0:
                self._tell(f"The database does not answer ({reason}): waiting for it, up to {longest_s:g} s.")
        if now >= self._deadline:
            raise TransientError(
                f"The database does not answer ({reason}). All files before this one are in: try again later."
            )
        time.sleep(min(random.uniform(0.5, 1) * self._pause_s, self._deadline - now))
        self._pause_s = min(2 * self._pause_s, self._patience.longest_pause_s)


class _AwayError(Exception):
    """No new connections could be opened."""


def first_line(error: Exception) -> str:
    """The first line of a message: the others may quote a row."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
