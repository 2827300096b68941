"""`cem collect` as processes of their own, and what an undisturbed run of the same files leaves."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cemaphore import privatedb
from cemaphore.settings import Settings
from collectors.collection import collect
from store import schema
from store.connection import Connection, connect
from store.intake import Intake
from store.keys import Keys
from store.labels import Labels
from store.vault import Vault, open_keys
from tests.mixture import held

Held = dict[str, tuple[int, str]]
_OURS = "FROM pg_stat_activity WHERE datname = %s AND application_name = 'cemaphore'"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from cemaphore.cli import main; main()", "collect", *arguments]


def environment(url: str | None, home: Path, keys_dir: Path, **more: str) -> dict[str, str]:
    """The environment of a collecting process; `more` are settings by their names in small letters."""
    given = {"home": str(home), "keys_dir": str(keys_dir), "demo": "true", **more}
    if url is not None:
        given["database_url"] = url
    return {**os.environ, **{f"CEMAPHORE_{name.upper()}": value for name, value in given.items()}}


def started(environment: dict[str, str], *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command(*arguments), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def finished(process: "subprocess.Popen[str]", timeout_s: float = 120) -> tuple[int, str]:
    """Exit code and standard error of a process that ends by itself; one that does not is killed and raised."""
    try:
        _, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, errors


def until(true: Callable[[], bool], timeout_s: float = 60, pause_s: float = 0.002) -> bool:
    """Wait for something; False when it did not come."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(pause_s)
    return False


def in_transaction(watcher: Connection, database: str) -> bool:
    """Whether a collector has a transaction open."""
    row = watcher.execute(f"SELECT count(*) {_OURS} AND xact_start IS NOT NULL", [database]).fetchone()
    return bool(row and row[0])


def copying(watcher: Connection, database: str) -> bool:
    """Whether a collector is in the middle of a COPY into a record table."""
    row = watcher.execute(
        f"SELECT count(*) {_OURS} AND state = 'active' AND query LIKE 'COPY \"cem\"%%'",
        [database],
    ).fetchone()
    return bool(row and row[0])


@contextmanager
def fresh(settings: Settings, name: str, *, template: str | None = None) -> Iterator[str]:
    """URL of a migrated database of one's own on a private server."""
    url = privatedb.create_database(settings, name, template=template)
    if template is None:
        with connect(url) as connection:
            schema.upgrade(connection)
    try:
        yield url
    finally:
        privatedb.drop_database(settings, name)


def loaded(url: str, keys_dir: Path, paths: Sequence[Path], clock_now: datetime | None = None) -> Held:
    """What the database holds once these paths are in, collected in their order by this process."""
    with connect(url, autocommit=True) as rows, connect(url, autocommit=True) as aside:
        keys = open_keys(aside, keys_dir) if not keys_dir.exists() else Keys.load(keys_dir)
        intake = Intake(rows, Vault(aside, keys), Labels(aside), keys, clock_now or datetime.now(UTC))
        results = list(collect(paths, intake=intake))
        assert not [result for result in results if result.error]
        return held(rows)
