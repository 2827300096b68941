"""The same files at the same time from several processes, and files late and out of order."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from cemaphore.settings import Settings
from store.connection import Connection
from tests import mixture
from tests.collecting import environment, finished, fresh, loaded, started
from tests.effort import PARALLEL_ROUNDS, SHUFFLES

PROCESSES, DELIVERIES = 4, 5


def test_one_file_delivered_five_times_by_four_processes_is_in_once(
    server: Settings, template: str, database: str, connection: Connection, tmp_path: Path
) -> None:
    keys_dir = tmp_path / "keys"
    original = tmp_path / "original"
    for wave in range(PARALLEL_ROUNDS):
        mixture.write(original, wave, rows=1000)
    with fresh(server, "cem_undisturbed_parallel", template=template) as url:
        expected = loaded(url, keys_dir, [original])
    copies = [tmp_path / f"copy{number}" for number in range(DELIVERIES)]
    for copy in copies:
        shutil.copytree(original, copy)
    process_environment = environment(database, tmp_path / "home", keys_dir)
    processes = [started(process_environment, *map(str, copies)) for _ in range(PROCESSES)]
    ended = [finished(process) for process in processes]
    assert {code for code, _ in ended} <= {0, 3}, ended
    assert mixture.held(connection) == expected
    assert mixture.strays(connection) == 0


def test_overlapping_files_in_parallel_do_not_end_in_a_deadlock(
    server: Settings, template: str, database: str, connection: Connection, tmp_path: Path
) -> None:
    """Other bytes, the same sessions in another order: two processes wait for each other's rows."""
    keys_dir = tmp_path / "keys"
    folders = []
    for turn in range(PROCESSES):
        folders.append(tmp_path / f"turned{turn}" / "sessions" / "probe")
        folders[-1].mkdir(parents=True)
        for number in range(3):
            header, *lines = mixture.csv_sessions(number, 4000)
            Random(turn).shuffle(lines)
            (folders[-1] / f"{(number + turn) % 3}.csv").write_text("\n".join([header, *lines]) + "\n")
    with fresh(server, "cem_undisturbed_overlap", template=template) as url:
        expected = loaded(url, keys_dir, [folders[0]])
    process_environment = environment(database, tmp_path / "home", keys_dir)
    ended = [finished(one) for one in [started(process_environment, str(folder)) for folder in folders]]
    assert {code for code, _ in ended} == {0}, ended
    found = mixture.held(connection)
    assert {name: found[name] for name in ("sessions", "dirty", "watermarks")} == {
        name: expected[name] for name in ("sessions", "dirty", "watermarks")
    }


def test_files_in_random_order_three_days_late_give_the_same_rows(
    server: Settings, template: str, database: str, tmp_path: Path
) -> None:
    now = datetime(2026, 3, 1, 4, tzinfo=UTC)
    paths = [path for wave in range(4) for path in mixture.write(tmp_path / "in", wave, rows=500)]
    expected = loaded(database, tmp_path / "keys", paths, now)
    for seed in range(SHUFFLES):
        shuffled = Random(seed).sample(paths, len(paths))
        with fresh(server, "cem_undisturbed_late", template=template) as url:
            assert loaded(url, tmp_path / "keys", shuffled, now + timedelta(days=3)) == expected
