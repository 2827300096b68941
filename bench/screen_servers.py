"""The screens and their database for bench.screens: served, and brought to where nothing of them is in memory."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from cemaphore import privatedb, serving
from cemaphore.settings import Settings

# In a folder of its own: Streamlit looks for modules beside a page first, and a benchmark is called `alerts`, too.
_EMPTY = Path(__file__).parent / "pages" / "empty.py"
_OPTIONS = ("server.headless=true", "server.fileWatcherType=none", "browser.gatherUsageStats=false",
            "runner.postScriptGC=false", "server.address=127.0.0.1")  # fmt: skip
_STARTS_WITHIN_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Served:
    """A server that answers: where, and its process."""

    port: int
    pid: int

    @property
    def cpu_ms(self) -> float:
        """Processor time of all that it has done."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) * 1e3 / os.sysconf("SC_CLK_TCK")


@contextmanager
def screens(settings: Settings, first_port: int = 18600) -> Iterator[Served]:
    """Serve the screens as `cem dashboard` does, to this machine only."""
    port = serving.free_port("127.0.0.1", first_port)
    with _answering(_started(serving.command(settings, port), settings), port) as served:
        yield served


@contextmanager
def empty_page(settings: Settings, first_port: int = 18700) -> Iterator[Served]:
    """Serve the page that only asks `select 1`, with the options of the screens."""
    port = serving.free_port("127.0.0.1", first_port)
    flags = [f"--{option}" for option in (*_OPTIONS, f"server.port={port}")]
    command = [sys.executable, "-m", "streamlit", "run", str(_EMPTY), *flags]
    with _answering(_started(command, settings), port) as served:
        yield served


def _started(command: Sequence[str], settings: Settings) -> subprocess.Popen[bytes]:
    """Start a server on this home's database; what it says on standard output is not the benchmark's."""
    given = {"CEMAPHORE_HOME": str(settings.home), "CEMAPHORE_TIME_ZONE": settings.time_zone}
    environment = {name: value for name, value in os.environ.items() if name != "CEMAPHORE_DATABASE_URL"}
    return subprocess.Popen(command, env={**environment, **given}, stdout=subprocess.DEVNULL)


@contextmanager
def _answering(process: subprocess.Popen[bytes], port: int) -> Iterator[Served]:
    try:
        until = time.monotonic() + _STARTS_WITHIN_S
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit("the screens did not start")
            time.sleep(0.1)
        yield Served(port=port, pid=process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/_stcore/health").status_code == 200
    except httpx.TransportError:
        return False


def forget(settings: Settings) -> None:
    """Restart the database and take its files out of the system's memory: what is read next comes from the disk."""
    privatedb.stop(settings)
    directory = privatedb.status(settings).data_directory
    assert directory is not None
    for path in Path(directory, "base").rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
    privatedb.start(settings)
