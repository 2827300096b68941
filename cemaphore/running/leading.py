"""Which of several running programs does the work: the one that holds a lease in the database."""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import psycopg
from psycopg.conninfo import make_conninfo

from records.errors import CemaphoreError, TransientError
from store import slots
from store.connection import Connection, connect

HEARTBEAT_S = 0.5
LEASE_S = 5.0  # a program that is frozen for longer loses the lead: the server ends its silent connection
_ANSWER_S = 4.0  # a database that says nothing for so long has lost the lease for us, before another may have it
_SEEN_S = 10.0

Result = TypeVar("Result")


class Lease:
    """An advisory lock on a connection of its own, which the server ends after 5 s of silence.

    So the lead is gone with the process, with the connection, and with a process that is frozen. All claims of slots go
    over this same connection: who has lost the lead cannot claim.
    """

    def __init__(self, dsn: str, *, changed: Callable[[bool], None] = lambda leads: None) -> None:
        self._dsn = make_conninfo(dsn, tcp_user_timeout=round(_ANSWER_S * 1000), connect_timeout=5)
        self._changed = changed
        self._connection: Connection | None = None
        self._leads, self._asked_at, self._seen_at = False, 0.0, 0.0
        self._guard = threading.RLock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="cem-lease", daemon=True)
        self.instance = secrets.token_hex(4)
        self.lost_slots = 0
        self.beaten_at = time.monotonic()

    @property
    def leads(self) -> bool:
        """Whether this program leads, as far as it can know: its last heartbeat was asked for within the lease."""
        return self._leads and time.monotonic() - self._asked_at < LEASE_S

    def start(self) -> None:
        """Keep the lease, or try for it, every half second from now on."""
        self._thread.start()

    def beat(self) -> bool:
        """Keep the lease or try for it, once; returns whether this program leads."""
        before = self._leads
        with self._guard:
            try:
                self._asked_at = time.monotonic()
                self._leads = self._held()
            except (psycopg.Error, CemaphoreError):
                self._drop()
        self.beaten_at = time.monotonic()
        if self._leads != before:
            self._changed(self._leads)
        return self._leads

    def use(self, work: Callable[[Connection], Result]) -> Result:
        """Do something quick on the connection that holds the lead; raises `TransientError` where it is lost."""
        with self._guard:
            if self._connection is None or not self.leads:
                raise TransientError("this program does not lead any more")
            try:
                return work(self._connection)
            except psycopg.OperationalError as error:
                raise TransientError(f"the lead was lost: {str(error).splitlines()[0]}") from None

    def release(self) -> None:
        """Give the lead away and leave."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._guard:
            if self._connection is not None:
                with suppress(psycopg.Error):
                    slots.leave(self._connection, self.instance)
            self._drop()

    def _keep(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            try:
                self.beat()
            except Exception:  # a fault of what follows a change must not end the heartbeat
                logging.getLogger(__name__).exception("lease")

    def _held(self) -> bool:
        connection = self._connection or self._opened()
        if self._leads:
            connection.execute("SELECT 1")
        elif slots.take_lead(connection):
            self.lost_slots = slots.fence(connection, self.instance)
            self._leads = True
        if time.monotonic() - self._seen_at > _SEEN_S:
            slots.seen(connection, self.instance)
            self._seen_at = time.monotonic()
        return self._leads

    def _opened(self) -> Connection:
        connection = connect(self._dsn, autocommit=True, application="cem-lead", silence_s=_ANSWER_S)
        try:
            connection.execute("SELECT set_config('idle_session_timeout', %s, false)", [f"{LEASE_S:g}s"])
            slots.appear(connection, self.instance, socket.gethostname(), os.getpid())
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _drop(self) -> None:
        self._leads = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None
