"""Scores follow what changed and nothing else: late data, several processes, killed workers, dropped records."""

import os
import random
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cemaphore.pipeline.scoring import score
from cemaphore.settings import Settings, load_settings
from records.errors import TransientError
from store import retention, runs
from store.connection import Connection
from tests.web_hours import DAY, HOUR, add_places, add_web, scored_rows


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    return load_settings(home=tmp_path)


def test_late_data_in_any_order_leave_the_rows_of_scoring_all_again(
    database: str, connection: Connection, settings: Settings
) -> None:
    add_places(connection)
    arrivals = [(HOUR + timedelta(days=day, hours=hour), 24 - hour) for day in range(3) for hour in (0, 2, 5)]
    for number, (hour, users) in enumerate(arrivals):
        add_web(connection, hour, users, batch=number + 1)
    score(database, settings)
    late = [(hour, 1 + number % 3) for number, (hour, _) in enumerate(arrivals)] * 2
    random.Random(4).shuffle(late)
    for number, (hour, users) in enumerate(late):
        add_web(connection, hour, users, batch=100 + number, load_ms=5000.0)
        if number % 3 == 2:
            score(database, settings)
    add_web(connection, HOUR + timedelta(days=9), 5, batch=200)
    score(database, settings)
    followed = scored_rows(connection)
    score(database, settings, start=DAY, processes=1)
    again = scored_rows(connection)
    for table, rows in again.items():
        assert followed[table] == rows, table
    assert connection.execute("SELECT count(*) FROM cem.touched").fetchone() == (0,)


def test_rows_that_come_in_another_order_give_the_same_scores(
    opened: Callable[[], Connection], database: str, settings: Settings
) -> None:
    connection = opened()
    add_places(connection)
    for batch in range(1, 6):
        add_web(connection, HOUR, 20, batch=batch)
    score(database, settings)
    first = scored_rows(connection)
    connection.execute(
        "CREATE TEMP TABLE other AS SELECT * FROM cem.session; TRUNCATE cem.session; "
        "INSERT INTO cem.session SELECT * FROM other ORDER BY md5(session_id)"
    )
    score(database, settings, start=DAY)
    assert scored_rows(connection) == first


def test_the_planner_knows_every_table_after_a_first_run(
    database: str, connection: Connection, settings: Settings
) -> None:
    """Without statistics, the indicators of one cell took minutes to read."""
    add_places(connection)
    add_web(connection, HOUR, 24)
    score(database, settings)
    unknown = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'cem'::regnamespace AND relkind = 'r' AND reltuples < 0"
    ).fetchall()
    assert unknown == []


def test_a_late_hour_rewrites_only_the_customers_that_it_holds(
    database: str, connection: Connection, settings: Settings
) -> None:
    add_places(connection)
    for number in range(4):
        add_web(connection, HOUR + timedelta(hours=6 * number), 24, batch=number + 1)
    score(database, settings)
    before = _places(connection)
    add_web(connection, HOUR, 2, batch=9)
    score(database, settings)
    after = _places(connection)
    moved = {key for key in before if before[key] != after[key]}
    assert {customer for _, customer in moved} == {1000, 1001}
    assert {table for table, _ in moved} == {"user_day", "user_period"}


def _places(connection: Connection) -> dict[tuple[str, int], list[Any]]:
    """Where each customer's merged rows lie: a row that is not written again stays where it is."""
    found: dict[tuple[str, int], list[Any]] = {}
    for table in ("user_day", "user_period"):
        for customer, place in connection.execute(
            f"SELECT customer_key, ctid::text FROM cem.{table} ORDER BY start"  # noqa: S608 - names of our own
        ):
            found.setdefault((table, customer), []).append(place)
    return found


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes start for the least of work."""
    monkeypatch.setattr("cemaphore.engines.pool.WORTH_S", 0.0)


@pytest.mark.usefixtures("eager")
def test_two_processes_leave_the_rows_of_one(database: str, connection: Connection, settings: Settings) -> None:
    add_places(connection)
    for number in range(9):
        add_web(connection, DAY + timedelta(hours=3 * number), 24, batch=number + 1)
    score(database, settings, processes=1)
    alone = scored_rows(connection)
    seen: list[tuple[int, int]] = []
    run = score(database, settings, start=DAY, processes=2, progress=lambda *step: seen.append(step))
    assert (run.sessions, run.processes) == (9 * 72, 2)
    assert [done for done, _ in seen[:9]] == list(range(1, 10))
    assert scored_rows(connection) == alone


@pytest.mark.usefixtures("eager")
def test_a_killed_process_leaves_nothing_half(database: str, connection: Connection, settings: Settings) -> None:
    add_places(connection)
    for number in range(8):
        add_web(connection, DAY + timedelta(hours=number), 24, batch=number + 1)

    def kill(done: int, total: int) -> None:
        if done == 2:
            (worker, *_) = _children()
            os.kill(worker, signal.SIGKILL)

    with pytest.raises(TransientError, match="Score again"):
        score(database, settings, processes=2, progress=kill)
    hours = connection.execute("SELECT start, count(*) FROM cem.user_hour GROUP BY 1").fetchall()
    assert all(count == 24 for _, count in hours)
    left = connection.execute("SELECT count(DISTINCT window_start) FROM cem.dirty WHERE kind = 'sessions'").fetchone()
    assert left is not None
    assert left[0] > 0
    score(database, settings, processes=1)
    killed = scored_rows(connection)
    score(database, settings, start=DAY, processes=1)
    assert scored_rows(connection) == killed
    assert not _children()


def _children() -> list[int]:
    """Processes of ours that score."""
    mine = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii") as stat, open(f"/proc/{entry}/cmdline") as command:
                    parent, words = int(stat.read().rpartition(")")[2].split()[1]), command.read()
            except OSError:
                continue
            if parent == os.getpid() and "spawn_main" in words:
                mine.append(int(entry))
    return mine


def test_an_hour_whose_records_were_dropped_keeps_its_scores(
    database: str, connection: Connection, settings: Settings
) -> None:
    add_places(connection)
    add_web(connection, HOUR)
    add_web(connection, HOUR + timedelta(days=1), batch=2)
    score(database, settings)
    before = scored_rows(connection)
    connection.execute("DELETE FROM cem.dirty WHERE kind = 'search'")
    retention.drop(connection, {**retention.DEFAULT_DAYS, "sessions": 1}, DAY + timedelta(days=2))
    add_web(connection, HOUR, 2, batch=3)
    late = score(database, settings)
    assert (late.hours, late.too_late) == (0, 6)
    assert score(database, settings, start=DAY).sessions == 72
    assert scored_rows(connection) == before
    assert connection.execute("SELECT count(*) FROM cem.dirty WHERE kind <> 'search'").fetchone() == (0,)


def test_a_customer_whose_only_day_leaves_the_window_leaves_the_period(
    database: str, connection: Connection, settings: Settings
) -> None:
    add_web(connection, HOUR, 24)
    for day in range(1, 9):
        add_web(connection, HOUR + timedelta(days=day), 20, batch=day + 1)
        score(database, settings)
    rows = connection.execute("SELECT days, count(*), max(n) FROM cem.user_period GROUP BY 1 ORDER BY 1").fetchall()
    assert rows == [(7, 20, 21), (28, 24, 27)]
    shown = connection.execute("SELECT DISTINCT start FROM api.customer_periods").fetchall()
    assert shown == [(DAY + timedelta(days=8),)]


def test_a_run_says_what_it_took_and_what_it_was_made_with(
    database: str, connection: Connection, settings: Settings
) -> None:
    add_web(connection, HOUR)
    run = score(database, settings)
    shown = runs.newest(connection, 5, "score").to_dict("records")[0]
    assert (shown["windows"], shown["input_rows"], shown["engine"]) == (1, 72, "local")
    assert set(shown["versions"]) == {"model", "catalogue", "kpi", "baselines"}
    assert shown["processes"] == run.processes
    assert shown["seconds"] > 0


def test_fresh_is_what_was_scored_of_what_came(database: str, connection: Connection, settings: Settings) -> None:
    newest = HOUR + timedelta(minutes=20)
    connection.execute("INSERT INTO cem.source (name) VALUES ('probe')")
    (source,) = connection.execute("SELECT source_id FROM cem.source WHERE name = 'probe'").fetchone() or (0,)
    connection.execute("INSERT INTO cem.watermark VALUES (%s, 'sessions', %s, now())", [source, newest])
    row = "SELECT closed_until, scored_event, behind_s FROM api.freshness"
    assert connection.execute(row).fetchall() == [(HOUR + timedelta(minutes=15), None, None)]
    add_web(connection, HOUR)
    connection.execute("UPDATE cem.session SET source_id = %s WHERE start_time < %s", [source, newest])
    score(database, settings)
    row_of_last = connection.execute(
        "SELECT max(start_time) FROM cem.session WHERE source_id = %s", [source]
    ).fetchone()
    assert row_of_last is not None
    (last,) = row_of_last
    ((_, event, behind),) = connection.execute(row).fetchall()
    assert event == last
    assert behind == pytest.approx((newest - last).total_seconds())
