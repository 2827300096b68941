"""Whether the running program is alive, and whether it and what it stands on are ready for work."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psycopg

from cemaphore.doctor import DISK_FAIL_BYTES, GIB
from cemaphore.running.leading import Lease
from records.errors import CemaphoreError
from store import schema, slots
from store.connection import connect

# A look at a database that does not answer, and a new worker process on a busy machine, take this long at most (own).
_PULSE_S, _LEASE_S, _WORKER_S = 15.0, 45.0, 300.0


class Pulse:
    """Alive while the schedule turns, the lease is looked after, and every worker process is there or soon back.

    `beat` is called by the schedule itself; `down` tells by lane for how long no process can work (seconds).
    """

    def __init__(self, lease: Lease, down: Callable[[], Mapping[str, float]] = dict) -> None:
        self._lease, self._down = lease, down
        self._beaten_at = time.monotonic()

    def beat(self) -> None:
        """The schedule turns."""
        self._beaten_at = time.monotonic()

    def faults(self) -> Sequence[str]:
        """What stands still."""
        now = time.monotonic()
        faults = []
        if now - self._beaten_at > _PULSE_S:
            faults.append(f"the schedule has stood still for {now - self._beaten_at:.0f} s")
        if now - self._lease.beaten_at > _LEASE_S:
            faults.append(f"the lease was not looked after for {now - self._lease.beaten_at:.0f} s")
        faults += [f"{lane} has no worker process for {s:.0f} s" for lane, s in self._down().items() if s > _WORKER_S]
        return faults


def unready(dsn: str, home: Path) -> Sequence[str]:
    """What is missing for work: database, current schema, a leader, room on the disk."""
    faults = []
    try:
        with connect(dsn, autocommit=True, statement_timeout_s=2) as connection:
            if pending := schema.pending(connection):
                faults.append(f"the schema lacks {len(pending)} migrations: run cem db upgrade")
            if not slots.led(connection):
                faults.append("no program leads")
    except (CemaphoreError, psycopg.Error) as error:
        faults.append(f"the database does not answer: {type(error).__name__}")
    free = shutil.disk_usage(home).free
    if free < DISK_FAIL_BYTES:
        faults.append(f"{free / GIB:.1f} GiB are free where the program keeps its state")
    return faults
