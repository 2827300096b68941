"""How the soak benchmark breaks each part, and brings it back."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import psycopg

from bench.soak_parts import Peer, Program, Server
from records.errors import CemaphoreError
from store.connection import connect

_BACK_S = 1.0  # a supervisor starts what has died after so long


@dataclass(frozen=True)
class Kills:
    """Each method breaks the part of its name once; `away_s`: how long a peer is away."""

    dsn: str
    programs: list[Program]
    database: Server
    peer: Peer
    hook: Peer
    away_s: float

    def leader(self, draw: Random) -> None:
        """Kill the program that leads."""
        self._kill(self._of(leading=True, draw=draw))

    def follower(self, draw: Random) -> None:
        """Kill a program that waits to take over."""
        self._kill(self._of(leading=False, draw=draw))

    def worker(self, draw: Random) -> None:
        """Kill one of the worker processes, or of those that score beside them."""
        found = [pid for one in self.programs for pid in one.workers()]
        if found:
            with suppress(ProcessLookupError):
                os.kill(draw.choice(found), signal.SIGKILL)

    def connection(self, draw: Random) -> None:
        """End one connection of the programs, whichever it is."""
        with suppress(psycopg.Error, CemaphoreError), connect(self.dsn, autocommit=True) as connection:
            pids = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'cem%' "
                "AND pid <> pg_backend_pid()"
            ).fetchall()
            if pids:
                connection.execute("SELECT pg_terminate_backend(%s)", draw.choice(pids))

    def server(self, draw: Random) -> None:
        """Stop the database server in the middle of everything."""
        self.database.break_down()
        time.sleep(_BACK_S)
        self.database.start()

    def source(self, draw: Random) -> None:
        """Let the source be away."""
        self._away(self.peer)

    def receiver(self, draw: Random) -> None:
        """Let the receiver of alerts be away."""
        self._away(self.hook)

    def _away(self, peer: Peer) -> None:
        peer.stop()
        time.sleep(self.away_s)
        peer.start()

    def _kill(self, program: Program) -> None:
        program.kill()
        time.sleep(_BACK_S)
        program.start()

    def _of(self, *, leading: bool, draw: Random) -> Program:
        pid = 0
        with suppress(psycopg.Error, CemaphoreError), connect(self.dsn, autocommit=True) as connection:
            row = connection.execute("SELECT pid FROM cem.instance WHERE leads_since IS NOT NULL").fetchone()
            pid = row[0] if row else 0
        return draw.choice([one for one in self.programs if (one.pid == pid) == leading] or self.programs)
