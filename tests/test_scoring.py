"""Scoring a database: hours, days, groups, indicators; twice the same, late data in its place, killed and resumed."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from cemaphore.cli.score import register
from cemaphore.pipeline.scoring import score
from cemaphore.settings import Settings, load_settings
from store.connection import Connection
from store.labels import Labels
from tests.records import add_counters, add_touchpoints
from tests.web_hours import DAY, HOUR, add_places, add_web, scored_rows


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    return load_settings(home=tmp_path)


def test_an_hour_becomes_users_groups_indicators_and_a_day(
    database: str, connection: Connection, settings: Settings
) -> None:
    add_places(connection)
    add_web(connection, HOUR)
    add_touchpoints(
        connection,
        {"subscriber_key": [1000], "time": [HOUR], "channel": ["hotline"], "wait_s": [900.0], "success": [False]},
    )
    run = score(database, settings)
    assert (run.hours, run.sessions, run.touchpoints, run.user_hours, run.days) == (1, 72, 1, 24, 1)
    caller = connection.execute(
        "SELECT n, bad, network_n, app_n, service_n, service, coverage FROM cem.user_hour WHERE customer_key = 1000"
    ).fetchone()
    assert caller is not None
    assert caller[:1] == (3,)
    assert caller[4] == 1
    assert caller[5] == pytest.approx(np.exp(10 * np.log(75) / 11), rel=1e-5)
    assert caller[6] == pytest.approx(1.0)
    assert connection.execute("SELECT count(*) FROM cem.dirty WHERE kind <> 'search'").fetchone() == (0,)
    whole = connection.execute(
        "SELECT n_users, n, bad, network_n FROM cem.group_index WHERE grain = 'hour' AND attribute = 'all'"
    ).fetchall()
    assert whole == [(24, 72, 15, 24)]
    quarters = connection.execute(
        "SELECT sum(n), count(*) FROM cem.group_index WHERE grain = '15m' AND attribute = 'cell'"
    ).fetchone()
    assert quarters == (72, 8)
    failures = connection.execute(
        "SELECT attribute, sum(numerator), sum(denominator) FROM cem.kqi_value "
        "WHERE kqi = 'session_failure_ratio' AND grain = 'hour' GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert failures == [(name, 15.0, 72.0) for name in ("all", "app", "cell", "region")]
    assert connection.execute("SELECT ok, counts ->> 'sessions' FROM cem.run").fetchall() == [(True, "72")]


def test_contributions_in_the_database_add_up(database: str, connection: Connection, settings: Settings) -> None:
    add_places(connection)
    add_web(connection, HOUR)
    score(database, settings)
    rows = connection.execute(
        "SELECT overall, network_c + device_c + app_c + coalesce(service_c, 0) + prior_c FROM cem.user_hour"
    ).fetchall()
    assert len(rows) == 24
    for overall, parts in rows:
        assert 100 - overall == pytest.approx(parts, abs=1e-3)


def test_scoring_twice_leaves_the_same_rows(database: str, connection: Connection, settings: Settings) -> None:
    add_places(connection)
    add_web(connection, HOUR)
    add_web(connection, HOUR + timedelta(hours=1), batch=2)
    score(database, settings)
    first = scored_rows(connection)
    assert score(database, settings).hours == 0
    again = score(database, settings, start=DAY)
    assert (again.hours, again.days) == (2, 1)
    assert scored_rows(connection) == first
    assert score(database, settings, start=HOUR + timedelta(hours=1)).hours == 1
    assert scored_rows(connection) == first


def test_late_data_changes_its_own_hour_and_day_only(database: str, connection: Connection, settings: Settings) -> None:
    add_places(connection)
    other = HOUR + timedelta(days=1)
    add_web(connection, HOUR)
    add_web(connection, HOUR + timedelta(hours=1), batch=2)
    add_web(connection, other, batch=3)
    score(database, settings)
    first = scored_rows(connection)
    add_web(connection, HOUR, 3, batch=4, load_ms=9000.0)
    assert score(database, settings).hours == 1
    second = scored_rows(connection)
    hour_rows = [[row for row in rows["user_hour"] if row[0] != HOUR] for rows in (first, second)]
    assert hour_rows[0] == hour_rows[1]
    assert [row for row in first["user_day"] if row[0] != DAY] == [row for row in second["user_day"] if row[0] != DAY]
    assert [row for row in first["user_hour"] if row[0] == HOUR] != [
        row for row in second["user_hour"] if row[0] == HOUR
    ]
    periods = connection.execute("SELECT days, sum(n) FROM cem.user_period GROUP BY days ORDER BY days").fetchall()
    assert periods == [(7, 3 * 72 + 9), (28, 3 * 72 + 9)]


def test_a_run_killed_between_hours_goes_on_where_it_was(
    database: str, connection: Connection, settings: Settings
) -> None:
    add_places(connection)
    for number in range(3):
        add_web(connection, HOUR + timedelta(hours=number), batch=number + 1)

    def die(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(database, settings, progress=die)
    left = connection.execute("SELECT DISTINCT kind FROM cem.dirty WHERE kind <> 'search' ORDER BY 1").fetchall()
    assert left == [("days",), ("sessions",)]
    rest = score(database, settings)
    assert (rest.hours, rest.days) == (1, 1)
    killed = scored_rows(connection)
    score(database, settings, start=DAY)
    assert scored_rows(connection) == killed
    assert connection.execute("SELECT ok FROM cem.run ORDER BY run_id").fetchall() == [(False,), (True,), (True,)]


def test_a_mark_that_comes_while_an_hour_is_scored_stays(
    database: str, connection: Connection, settings: Settings
) -> None:
    add_web(connection, HOUR)
    connection.execute(
        f"""
        CREATE FUNCTION remark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO cem.dirty (kind, window_start, batch_id) VALUES ('sessions', '{HOUR.isoformat()}', 77);
        RETURN NULL; END $$;
        CREATE TRIGGER remark AFTER DELETE ON cem.user_hour FOR EACH STATEMENT EXECUTE FUNCTION remark()
        """  # noqa: S608 - ours only
    )
    score(database, settings)
    assert connection.execute("SELECT batch_id FROM cem.dirty WHERE kind <> 'search'").fetchall() == [(77,)]
    connection.execute("DROP TRIGGER remark ON cem.user_hour")
    assert score(database, settings).hours == 1
    assert connection.execute("SELECT count(*) FROM cem.dirty WHERE kind <> 'search'").fetchone() == (0,)


def test_merging_two_identifiers_makes_one_customer(database: str, connection: Connection, settings: Settings) -> None:
    add_web(connection, HOUR, 4)
    score(database, settings)
    assert connection.execute("SELECT count(*) FROM cem.user_hour").fetchone() == (4,)
    connection.execute("INSERT INTO cem.customer_of (subscriber_key, customer_key) VALUES (1000, 1000), (1001, 1000)")
    connection.execute("INSERT INTO cem.dirty (kind, window_start) VALUES ('sessions', %s)", [HOUR])
    score(database, settings)
    merged = connection.execute("SELECT customer_key, n FROM cem.user_hour ORDER BY 1").fetchall()
    assert merged == [(1000, 6), (1002, 3), (1003, 3)]
    assert connection.execute("SELECT customer_key, n FROM cem.user_day ORDER BY 1").fetchall() == merged
    connection.execute("DELETE FROM cem.customer_of")
    connection.execute("INSERT INTO cem.dirty (kind, window_start) VALUES ('sessions', %s)", [HOUR])
    score(database, settings)
    assert connection.execute("SELECT count(*) FROM cem.user_day").fetchone() == (4,)


def test_an_hour_read_in_parts_has_the_same_users_and_groups(
    database: str, connection: Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_web(connection, HOUR)
    score(database, settings)
    whole = scored_rows(connection)
    monkeypatch.setattr("cemaphore.engines.local.PART_SESSIONS", 30)
    score(database, settings, start=HOUR)
    parts = scored_rows(connection)
    assert [row[:4] for row in parts["user_hour"]] == [row[:4] for row in whole["user_hour"]]
    assert {row[:8] for row in parts["group_index"]} == {row[:8] for row in whole["group_index"]}
    for mine, theirs in zip(parts["kqi_value"], whole["kqi_value"], strict=True):
        assert mine[:5] == theirs[:5]
        assert mine[5:7] == pytest.approx(theirs[5:7])


def test_an_hour_that_another_process_holds_is_waited_for_and_not_scored_twice(
    database: str, opened: Callable[[], Connection], settings: Settings
) -> None:
    connection = opened()
    add_web(connection, HOUR)
    add_web(connection, HOUR + timedelta(hours=1), batch=2)
    seen: list[int] = []

    def another(done: int, total: int) -> None:
        if done == 1 and not seen:
            seen.append(score(database, settings).hours)

    run = score(database, settings, progress=another)
    assert [*seen, run.hours] == [1, 1]
    assert connection.execute("SELECT sum(n) FROM cem.user_day").fetchone() == (144,)


def test_counters_become_kpis_of_their_window_and_the_last_delivery_counts(
    database: str, connection: Connection, settings: Settings
) -> None:
    end = HOUR + timedelta(minutes=15)
    names = ["RRC.ConnEstabAtt.sum", "RRC.ConnEstabSucc.sum"]
    columns: dict[str, list[Any]] = {
        "object_id": ["cell-1"] * 2,
        "counter": names,
        "time": [end] * 2,
        "period_s": [900] * 2,
    }
    add_counters(connection, {**columns, "value": [100.0, 40.0]}, batch=1)
    add_counters(connection, {**columns, "value": [100.0, 95.0]}, batch=2)
    long = {**columns, "object_id": ["cell-2"] * 2, "time": [HOUR + timedelta(hours=1)] * 2, "period_s": [3600] * 2}
    add_counters(connection, {**long, "value": [50.0, 50.0]}, batch=3)
    assert score(database, settings).kpi_values > 0
    rows = connection.execute(
        "SELECT l.value, start, period_s, numerator, denominator FROM cem.kpi_value k "
        "JOIN cem.label l ON l.label_id = k.object_id WHERE denominator IN (100, 50) AND numerator IS NOT NULL"
    ).fetchall()
    assert ("cell-1", HOUR, 900, 95.0, 100.0) in rows
    assert ("cell-2", HOUR, 3600, 50.0, 50.0) in rows
    assert not any(row[3] == 40.0 for row in rows)
    assert connection.execute("SELECT count(*) FROM cem.dirty").fetchone() == (0,)


def test_the_second_day_is_measured_against_the_first(
    database: str, connection: Connection, settings: Settings
) -> None:
    add_places(connection)
    add_web(connection, HOUR)
    add_web(connection, HOUR + timedelta(days=1), batch=2)
    score(database, settings)
    rows = connection.execute(
        "SELECT g.start, g.n, g.expected_bad, v.baseline_id FROM cem.group_index g "
        "JOIN cem.version v USING (version_id) WHERE grain = 'hour' AND attribute = 'all' ORDER BY start"
    ).fetchall()
    assert rows[0][2:] == (None, 0)
    assert rows[1][3] > 0
    assert 5 < rows[1][2] < 30
    assert Labels(connection).lookup("app", "taobao")


def test_the_command_prints_what_it_scored_and_refuses_a_time_without_offset(
    database: str, connection: Connection, tmp_path: Any
) -> None:
    add_web(connection, HOUR)
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    environment = {"CEMAPHORE_HOME": str(tmp_path), "CEMAPHORE_DATABASE_URL": database}
    done = CliRunner().invoke(app, ["score", "--json"], env=environment)
    assert done.exit_code == 0, done.output
    shape = json.loads(done.stdout)
    fields = "hours hours_gone sessions touchpoints user_hours days kpi_values too_late engine processes seconds"
    assert set(shape) == set(fields.split())
    assert (shape["hours"], shape["sessions"]) == (1, 72)
    again = CliRunner().invoke(app, ["score", "--from", HOUR.isoformat()], env=environment)
    assert again.exit_code == 0
    assert "72" in again.stdout
    wrong = CliRunner().invoke(app, ["score", "--from", "2026-03-02T08:00:00"], env=environment)
    assert wrong.exit_code == 2
    assert "offset" in wrong.output


def test_a_day_is_the_operators_and_ends_where_it_ends_there(
    database: str, connection: Connection, settings: Settings
) -> None:
    connection.execute("UPDATE cem.installation SET value = 'Asia/Shanghai' WHERE name = 'time_zone'")
    add_web(connection, DAY + timedelta(hours=15))
    add_web(connection, DAY + timedelta(hours=16), batch=2)
    assert score(database, settings).days == 2
    starts = connection.execute("SELECT DISTINCT start FROM cem.user_day ORDER BY 1").fetchall()
    assert starts == [(DAY - timedelta(hours=8),), (DAY + timedelta(hours=16),)]
    assert connection.execute("SELECT DISTINCT start FROM cem.user_period").fetchall() == [starts[1]]


def test_a_subscriber_listed_by_number_lends_its_plan_to_its_other_identifier(
    database: str, connection: Connection, settings: Settings
) -> None:
    plan = int(Labels(connection).ids("plan", ["5g-129"])[0])
    connection.execute("INSERT INTO cem.customer_of (subscriber_key, customer_key) VALUES (1000, 500), (500, 500)")
    connection.execute(
        "INSERT INTO cem.subscriber (subscriber_key, plan, source_id, batch_id, arrived_at) VALUES (500, %s, 1, 1, %s)",
        [plan, HOUR],
    )
    add_web(connection, HOUR, 2)
    score(database, settings)
    rows = connection.execute(
        "SELECT grain, value, n_users, n FROM cem.group_index WHERE attribute = 'plan' AND grain <> '15m' ORDER BY 1"
    ).fetchall()
    assert rows == [("day", plan, 1, 3), ("hour", plan, 1, 3)]
