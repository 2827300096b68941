"""`cem collect` as a person or a timer runs it: what it prints, how it ends, and that a kill costs nothing."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from store.connection import Connection

HEADER = "session_id,start_time,subscriber_id,service,success\n"
KILLS = 10


def write(folder: Path, files: int, rows: int) -> None:
    folder.mkdir()
    for file in range(files):
        lines = [
            f"{file}-{row},2026-03-01T{row % 24:02}:{row % 60:02}:00Z,46000{row % 997:010},web,true\n"
            for row in range(rows)
        ]
        lines[7] = lines[7].replace("web", "telex")
        (folder / f"{file:02}.csv").write_text(HEADER + "".join(lines))


@pytest.fixture
def environment(database: str, tmp_path: Path) -> dict[str, str]:
    given = {"CEMAPHORE_DATABASE_URL": database, "CEMAPHORE_HOME": str(tmp_path / "home"), "CEMAPHORE_DEMO": "true"}
    return {**os.environ, **given}


def cem(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), env=environment, capture_output=True, text=True, check=False)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from cemaphore.cli import main; main()", "collect", *arguments]


def test_the_table_and_the_exit_code_say_what_became_of_the_records(
    environment: dict[str, str], tmp_path: Path
) -> None:
    write(tmp_path / "sessions", 1, 20)
    ran = cem(environment, str(tmp_path / "sessions"))
    assert ran.returncode == 3, ran.stderr
    assert re.search(r"00\.csv +sessions +20 +19 +0 +1 +\d", ran.stdout)
    assert "quarantined 1 x choice: 00.csv row 9: service is 'telex'; one of web," in ran.stdout
    again = cem(environment, str(tmp_path / "sessions"), "--json")
    assert again.returncode == 0
    shape: dict[str, Any] = json.loads(again.stdout)
    assert shape["files"][0]["already_loaded"] is True
    assert shape["total"] == {"rows_read": 0, "stored": 0, "duplicate": 0, "quarantined": 0}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--kind", "telegrams", "x.csv"], 2, "'telegrams' is no kind of record"),
        (["absent.csv"], 1, "there is no such file or folder"),
    ],
)
def test_what_cannot_be_read_is_said(
    environment: dict[str, str], arguments: list[str], code: int, message: str
) -> None:
    ran = cem(environment, *arguments)
    assert ran.returncode == code
    assert message in ran.stdout + ran.stderr


def test_no_database_is_temporary(environment: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / "sessions", 1, 9)
    unreachable = {**environment, "CEMAPHORE_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    ran = cem(unreachable, str(tmp_path / "sessions"))
    assert ran.returncode == 75
    assert ran.stderr.startswith("cem: The database cannot be reached")


def test_kills_at_random_moments_end_with_the_rows_of_an_undisturbed_run(
    environment: dict[str, str], tmp_path: Path, connection: Connection
) -> None:
    folder = tmp_path / "sessions"
    write(folder, 8, 20_000)
    random = Random(2)
    for _ in range(KILLS):
        process = subprocess.Popen(command(str(folder)), env=environment, stdout=subprocess.DEVNULL)
        time.sleep(0.6 + random.random() * 1.2)  # the interpreter and its libraries take about half a second to load
        process.send_signal(signal.SIGKILL)
        process.wait()
    last = cem(environment, str(folder))
    assert last.returncode in (0, 3), last.stderr
    expected = 8 * 20_000
    assert connection.execute("SELECT count(*), count(DISTINCT session_id) FROM cem.session").fetchone() == (
        expected - 8,
        expected - 8,
    )
    assert connection.execute("SELECT count(*) FROM cem.quarantine").fetchone() == (8,)
    assert connection.execute("SELECT count(*), sum(rows_stored) FROM cem.batch").fetchone() == (8, expected - 8)
    orphans = "SELECT count(*) FROM cem.dirty LEFT JOIN cem.batch USING (batch_id) WHERE batch.batch_id IS NULL"
    assert connection.execute(orphans).fetchone() == (0,)
