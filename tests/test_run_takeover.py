"""Several running programs: another takes over when the leader is killed, frozen or cut off, and no job runs twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from store.connection import Connection
from store.keys import Keys
from tests.collecting import until
from tests.ves_listening import free_port

_RUN = [sys.executable, "-c", "from cemaphore.cli import main; main()", "run", "--every", "0.5"]
_START_S = 120.0  # three programs start on a machine that does other things


class Programs:
    """`cem run` several times on one database, each in a process group of its own, with its log in a file."""

    def __init__(self, database: str, connection: Connection, folder: Path) -> None:
        self._connection, self._folder = connection, folder
        self._environment = {
            **os.environ,
            "CEMAPHORE_HOME": str(folder),
            "CEMAPHORE_DATABASE_URL": database,
            "CEMAPHORE_DEMO": "true",
            "CEMAPHORE_LOG_LEVEL": "debug",
        }
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, port: int) -> None:
        with (self._folder / f"{port}.log").open("wb") as log:
            environment = {**self._environment, "CEMAPHORE_OPS_PORT": str(port)}
            process = subprocess.Popen(_RUN, env=environment, stderr=log, start_new_session=True)
        self._running[process.pid] = process

    def leader(self) -> tuple[int, datetime] | None:
        """Process id of the program that leads, and since when by the database's clock."""
        return self._connection.execute(
            "SELECT pid, leads_since FROM cem.instance WHERE leads_since IS NOT NULL AND EXISTS "
            "(SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = x'63656d03'::int AND granted)"
        ).fetchone()

    def signal(self, pid: int, number: int) -> datetime:
        """Send a signal to a program and all its processes; when, by the database's clock."""
        row = self._connection.execute("SELECT clock_timestamp()").fetchone()
        os.killpg(pid, number)
        assert row is not None
        return row[0]

    def taken_over(self, before: int) -> tuple[int, datetime]:
        """Wait for another leader than `before`, and for its first run."""
        found = until(lambda: (now := self.leader()) is not None and now[0] != before, timeout_s=30)
        assert found, "nobody took over"
        leader = self.leader()
        assert leader is not None
        return leader

    def lines(self) -> Iterator[dict[str, object]]:
        """What all of them logged."""
        for log in self._folder.glob("*.log"):
            for line in log.read_text().splitlines():
                yield json.loads(line)

    def end(self) -> None:
        for process in self._running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGCONT)
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def programs(database: str, connection: Connection, folder: Path) -> Iterator[Programs]:
    Keys.create(folder / "keys")
    made = Programs(database, connection, folder)
    try:
        yield made
    finally:
        made.end()


def test_another_takes_over_and_no_job_runs_twice(database: str, connection: Connection, tmp_path: Path) -> None:
    with programs(database, connection, tmp_path) as all_of_them:
        for port in {free_port() for _ in range(3)}:
            all_of_them.start(port)
        count = "SELECT count(*) FROM cem.instance"
        assert until(lambda: connection.execute(count).fetchone() == (3,), timeout_s=_START_S)
        runs = "SELECT count(DISTINCT job) FROM cem.job_slot WHERE ok"
        assert until(lambda: connection.execute(runs).fetchone() >= (7,), timeout_s=_START_S)
        first = all_of_them.leader()
        assert first is not None

        killed_at = all_of_them.signal(first[0], signal.SIGKILL)
        second = all_of_them.taken_over(first[0])
        assert (second[1] - killed_at).total_seconds() < 2

        frozen_at = all_of_them.signal(second[0], signal.SIGSTOP)
        third = all_of_them.taken_over(second[0])
        assert (third[1] - frozen_at).total_seconds() < 10
        time.sleep(1)
        woken_at = all_of_them.signal(second[0], signal.SIGCONT)

        cut = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cem-lead' "
            "AND pid = (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = x'63656d03'::int AND granted)"
        ).fetchone()
        assert cut == (True,)
        assert until(lambda: all_of_them.leader() is not None)
        since = "SELECT count(DISTINCT job) FROM cem.job_slot WHERE ok AND started_at > %s + INTERVAL '1 second'"
        assert until(lambda: connection.execute(since, [woken_at]).fetchone() >= (5,), timeout_s=_START_S)

        done = Counter(
            (line["job"], line["slot"]) for line in all_of_them.lines() if line["event"] in ("job done", "job failed")
        )
        assert max(done.values()) == 1, "no slot was run by two programs"
        again = (
            "SELECT job FROM cem.job_slot WHERE attempt > 1 AND job NOT IN ('aggregate', 'retention', 'housekeeping')"
        )
        assert connection.execute(again).fetchall() == []
        late = connection.execute(
            "SELECT count(*) FROM cem.job_slot s JOIN cem.instance i USING (instance) "
            "WHERE i.pid = %s AND s.started_at > %s AND s.started_at < %s",
            [second[0], third[1], woken_at],
        ).fetchone()
        assert late == (0,), "the frozen one claimed nothing after it had lost the lead"
