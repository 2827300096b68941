"""`cem listen ves` as a process, killed and cut off from a real database: each event is there exactly once."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from cemaphore import privatedb
from cemaphore.settings import Settings, load_settings
from store.connection import connect
from tests.conftest import FAST
from tests.ves_listening import MEASURED, count, free_port, numbered, until

COMMAND = [sys.executable, "-c", "from cemaphore.cli import main; main()", "listen", "ves"]


class Process:
    """The listener as a process on one port, started as often as it is killed."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._home = home
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, "CEMAPHORE_HOME": str(self._home), "CEMAPHORE_DEMO": "true"}
        with (self._home / "listener.log").open("ab") as log:
            command = [*COMMAND, "--port", str(self.port), "--patience-s", "2"]
            self._running = subprocess.Popen(command, env=environment, stderr=log)
        until(self.healthy, 60)

    def healthy(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/healthz", timeout=20).status_code == 200
        return False

    def spilling(self) -> bool:
        return bool(httpx.get(f"{self.url}/healthz", timeout=20).json()["spilling"])

    def end(self, number: int) -> None:
        if self._running is not None:
            self._running.send_signal(number)
            self._running.wait(60)
            self._running = None

    def cpu_s(self) -> float:
        assert self._running is not None
        fields = Path(f"/proc/{self._running.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / 100

    def post(self, document: object) -> int:
        return httpx.post(f"{self.url}/eventListener/v7", json=document, timeout=60).status_code


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A database of this module's own, since it is stopped and started."""
    own = load_settings(home=tmp_path_factory.mktemp("ves"), database_url=None, time_zone="UTC", demo=True)
    try:
        privatedb.start(own, extra=FAST)
        yield own
    finally:
        privatedb.remove(own)


@pytest.fixture
def process(settings: Settings) -> Iterator[Process]:
    privatedb.start(settings)
    with connect(privatedb.database_url(settings), autocommit=True) as connection:
        connection.execute("TRUNCATE cem.alarm, cem.counter, cem.event_seen, cem.batch CASCADE")
    made = Process(settings.home)
    made.start()
    yield made
    made.end(signal.SIGKILL)


def stored(settings: Settings) -> list[str]:
    with connect(privatedb.database_url(settings), autocommit=True) as connection:
        return [row[0] for row in connection.execute("SELECT alarm_id FROM cem.alarm ORDER BY alarm_id")]


def test_a_kill_between_202_and_replay_loses_and_repeats_nothing(settings: Settings, process: Process) -> None:
    assert [process.post(numbered(one)) for one in range(3)] == [202] * 3
    privatedb.stop(settings)
    assert [process.post(numbered(one)) for one in range(3, 8)] == [202] * 5
    assert process.spilling()
    before_s = process.cpu_s()
    time.sleep(1.5)
    assert process.cpu_s() - before_s < 0.5  # waiting is no work
    process.end(signal.SIGKILL)
    process.start()  # starts the private database as well
    until(lambda: not process.spilling(), 60)
    assert stored(settings) == [f"fault{number:04}" for number in range(8)]


def test_a_database_that_stops_and_starts_is_found_again(settings: Settings, process: Process) -> None:
    assert process.post(MEASURED) == 202
    privatedb.stop(settings)
    assert process.post(MEASURED) == 202  # not known to be a repetition yet
    assert process.post(numbered(1)) == 202
    privatedb.start(settings)
    until(lambda: not process.spilling(), 60)
    assert process.post(numbered(2)) == 202
    assert stored(settings) == ["fault0001", "fault0002"]
    with connect(privatedb.database_url(settings), autocommit=True) as connection:
        assert count(connection, "counter") == 59
    process.end(signal.SIGTERM)
    assert not list((settings.home / "spill" / "ves").glob("*.spill"))


def test_kills_and_restarts_at_any_moment(settings: Settings, process: Process) -> None:
    """A sender that repeats until 202; meanwhile the listener is killed four times and the database stopped once."""
    total, seed = 150, 20260301
    draw = random.Random(seed)
    done = threading.Event()

    def send() -> None:
        for number in range(total):
            while True:
                with suppress(httpx.HTTPError):
                    if process.post(numbered(number)) == 202:
                        break
                time.sleep(0.05)
        done.set()

    sender = threading.Thread(target=send)
    sender.start()
    for turn in range(4):
        time.sleep(draw.uniform(0.1, 0.6))
        if turn == 1:
            privatedb.stop(settings)
            time.sleep(draw.uniform(0.1, 0.5))
        process.end(signal.SIGKILL)
        process.start()
    assert done.wait(120)
    sender.join()
    until(lambda: not process.spilling(), 60)
    assert stored(settings) == [f"fault{number:04}" for number in range(total)]
