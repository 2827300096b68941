"""Every malformed file through `cem collect`: no crash, no hang, bounded memory, every record accounted for."""

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from cemaphore.settings import Settings
from store.connection import Connection, connect
from tests import corpus
from tests.collecting import command, environment, fresh

LONGEST_S = 10.0
MOST_MIB = 512
Accounts = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def collected(server: Settings, template: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What one process that takes them all says of each file, what the database holds, and the process's peak."""
    folder = tmp_path_factory.mktemp("corpus")
    for bad in corpus.files():
        path = folder / bad.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bad.content)
    with fresh(server, "cem_corpus", template=template) as url:
        given = environment(url, folder / "home", folder / "keys")
        with (folder / "said.json").open("w") as said, (folder / "errors.txt").open("w") as told:
            process = subprocess.Popen(command("--json", str(folder)), env=given, stdout=said, stderr=told)
            peak_mib = 0.0
            while process.poll() is None:
                peak_mib = max(peak_mib, _peak_mib(process.pid))
                time.sleep(0.02)
        assert process.returncode in (1, 3), (folder / "errors.txt").read_text()[-2000:]
        said_of = {one["path"]: one for one in json.loads((folder / "said.json").read_text())["files"]}
        with connect(url, autocommit=True) as connection:
            yield folder, said_of, connection, peak_mib


def _peak_mib(pid: int) -> float:
    """The process's own peak so far: what wait4 tells holds that of the process which started it, too."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def test_there_are_more_than_200_of_all_formats() -> None:
    names = [bad.name for bad in corpus.files()]
    assert len(names) >= 200
    for suffix in (".csv", ".ndjson", ".json", ".xml", ".parquet", ".csv.gz", ".csv.zst", ".xml.gz", ".parquet.zst"):
        assert sum(name.endswith(suffix) for name in names) >= 1, suffix


def test_none_ends_the_process_or_takes_long_or_much_memory(collected: Any) -> None:
    folder, said_of, _, peak_mib = collected
    assert {str(folder / bad.name) for bad in corpus.files()} <= set(said_of)
    slow = {path: one["seconds"] for path, one in said_of.items() if one["seconds"] > LONGEST_S}
    assert not slow
    assert peak_mib < MOST_MIB


def test_every_record_is_stored_or_a_duplicate_or_in_quarantine(collected: Any) -> None:
    _, said_of, connection, _ = collected
    unaccounted = []
    for path, one in said_of.items():
        if one["error"] is None and not one["already_loaded"]:
            parts = one["stored"] + one["duplicate"] + one["quarantined"] - whole_files(connection, path, one)
            if one["rows_read"] != parts:
                unaccounted.append((path, one))
    assert not unaccounted
    assert sum(one["stored"] for one in said_of.values()) == rows(connection)
    quarantined = connection.execute("SELECT count(*) FROM cem.quarantine").fetchone()
    assert quarantined == (sum(one["quarantined"] for one in said_of.values()),)


def test_good_records_go_in_whatever_is_beside_them(collected: Any) -> None:
    folder, said_of, _, _ = collected
    wrong = {}
    for bad in corpus.files():
        one = said_of[str(folder / bad.name)]
        taken = one["stored"] + one["duplicate"]
        if bad.good is not None and not one["already_loaded"] and taken != bad.good:
            wrong[bad.name] = (taken, bad.good, one["error"] or one["reasons"] or one["notes"])
    assert not wrong


def test_what_is_turned_away_is_named(collected: Any) -> None:
    _, said_of, _, _ = collected
    assert not [path for path, one in said_of.items() if one["quarantined"] and not one["reasons"]]


def whole_files(connection: Connection, path: str, one: dict[str, Any]) -> int:
    """Refusals that are of no single record."""
    row = connection.execute(
        "SELECT count(*) FROM cem.quarantine JOIN cem.batch USING (batch_id) JOIN cem.source s "
        "ON s.source_id = batch.source_id WHERE row_number IS NULL AND batch.name = %s AND s.name = %s "
        "AND batch.kind = %s",
        [Path(path).name, one["source"], one["kind"]],
    ).fetchone()
    return int(row[0]) if row else 0


def rows(connection: Connection) -> int:
    row = connection.execute(
        "SELECT (SELECT count(*) FROM cem.session) + (SELECT count(*) FROM cem.counter) "
        "+ (SELECT count(*) FROM cem.complaint)"
    ).fetchone()
    return int(row[0]) if row else -1
