"""Which of several running programs does the work: the one that holds a lock in the database."""

import threading

import psycopg

from records.errors import TransientError
from store.connection import Connection, connect
from store.locks import Lock


class Lease:
    """An advisory lock on a connection of its own: it is gone with the process or the connection that held it."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Connection | None = None
        self._guard = threading.Lock()

    def held(self) -> bool:
        """Whether this program leads; takes the lead where nobody has it."""
        with self._guard:
            try:
                return self._held()
            except (psycopg.OperationalError, TransientError):
                self._drop()
                return False

    def release(self) -> None:
        """Give the lead away."""
        with self._guard:
            self._drop()

    def _held(self) -> bool:
        if self._connection is not None:
            self._connection.execute("SELECT 1")
            return True
        connection = connect(self._dsn, autocommit=True, application="cemaphore-lead")
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [Lock.LEADER]).fetchone()
        if row is None or not row[0]:
            connection.close()
            return False
        self._connection = connection
        return True

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
