"""Alerts on indicators through the database: KPIs of cells added up to regions, KQIs of apps by the hour."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.rulefile import read_rules
from cemaphore.settings import Settings, load_settings
from store.connection import Connection
from store.labels import Labels
from tests.alert_series import ALL, HISTORY_DAYS, NOON, QUARTER, begin, calm, close, write

RULES = read_rules(
    """
[[rule]]
name = "drops"
over = ["cell", "region"]
measure = "kpi:ERABDropRate"
severity = "critical"
margin = 0.5
slow_margin = 0.3
recovery = 0.2
users = 50

[[rule]]
name = "slow_pages"
over = ["app"]
measure = "kqi:web_session_time"
severity = "warning"
horizon = ["fast"]
margin = 0.5
slow_margin = 0.3
recovery = 0.2
m = 1
n = 2
users = 50
"""
)
CALM, BAD = 0.01, 0.08  # of bearers that are released abnormally


@pytest.fixture
def settings(tmp_path: Any, database: str) -> Settings:
    return load_settings(home=tmp_path, database_url=database)


@pytest.fixture
def cells(connection: Connection) -> dict[str, int]:
    """Two cells of one region, each measured as an object of its own name."""
    labels = Labels(connection)
    region = int(labels.ids("region", ["north"])[0])
    found = {"north": region}
    connection.execute("INSERT INTO cem.source (name) VALUES ('inventory') ON CONFLICT DO NOTHING")
    for name in ("cell-1", "cell-2"):
        cell, thing = (int(labels.ids(kind, [name])[0]) for kind in ("cell", "object"))
        connection.execute(
            "INSERT INTO cem.cell (cell_id, source_id, batch_id, arrived_at, region, object_id) "
            "SELECT %s, source_id, 1, now(), %s, %s FROM cem.source WHERE name = 'inventory'",
            [cell, region, thing],
        )
        found |= {name: cell, f"object {name}": thing}
    return found


def _measured(connection: Connection, start: Any, rates: dict[int, float]) -> None:
    """A quarter of an hour of counters: of 400 bearers of an object that share was dropped."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO cem.kpi_value (kpi, object_id, start, period_s, value, numerator, denominator, n_periods, "
            "n_suspect, coverage, catalogue_version) "
            "VALUES ('ERABDropRate', %s, %s, 900, %s, %s, 400, 1, 0, 1, 'test')",
            [(thing, start, rate, 400 * rate) for thing, rate in rates.items()],
        )


def _windows() -> list[Any]:
    """The windows of `alert_series.calm`."""
    days = [NOON - timedelta(days=day) for day in range(HISTORY_DAYS, 0, -1)]
    return [day + place * QUARTER for day in days for place in range(-4, 16)] + [
        NOON + place * QUARTER for place in range(-4, 0)
    ]


def _changes(connection: Connection, rule: str) -> list[tuple[str, str]]:
    return connection.execute(
        "SELECT a.subject, c.state FROM cem.alert_change c JOIN cem.alert a USING (alert_id) WHERE a.rule = %s "
        "AND c.state IN ('firing', 'resolved') ORDER BY c.change_id",
        [rule],
    ).fetchall()


def test_a_kpi_that_goes_bad_at_one_cell_is_told_of_that_cell_and_its_region(
    connection: Connection, database: str, settings: Settings, cells: dict[str, int]
) -> None:
    first, second = cells["object cell-1"], cells["object cell-2"]
    calm(connection, {ALL: 80.0})
    for start in _windows():
        _measured(connection, start, {first: CALM, second: CALM})
    begin(connection, database, settings, book=RULES)
    for place in range(16):
        start = NOON + place * QUARTER
        write(connection, start, {ALL: 80.0})
        _measured(connection, start, {first: BAD if place < 4 else CALM, second: CALM})
        close(connection, database, settings, start, book=RULES)
    changes = _changes(connection, "drops")
    assert {subject for subject, _ in changes} == {"cell=cell-1", "region=north"}
    assert [state for subject, state in changes if subject == "cell=cell-1"] == ["firing", "resolved"]
    told = connection.execute(
        "SELECT value, expected FROM cem.alert WHERE rule = 'drops' AND subject = 'region=north'"
    ).fetchone()
    assert told is not None
    assert told[1] == pytest.approx(CALM)


def test_a_kqi_is_judged_once_its_hour_is_whole(connection: Connection, database: str, settings: Settings) -> None:
    app = int(Labels(connection).ids("app", ["shop"])[0])

    def hour(start: Any, milliseconds: float) -> None:
        connection.execute(
            "INSERT INTO cem.kqi_value (grain, attribute, start, value, kqi, numerator, denominator, n, version_id) "
            "VALUES ('hour', 'app', %s, %s, 'web_session_time', %s, 300, 300, 1)",
            [start, app, 300 * milliseconds],
        )

    calm(connection, {ALL: 80.0})
    for start in _windows():
        if start.minute == 0:
            hour(start, 2000 + 20 * start.day)
    begin(connection, database, settings, book=RULES)
    fired = []
    for place in range(16):
        start = NOON + place * QUARTER
        write(connection, start, {ALL: 80.0})
        if place % 4 == 0:
            hour(start, 6000 if place < 4 else 2100)
        close(connection, database, settings, start, book=RULES)
        fired.append(len(_changes(connection, "slow_pages")))
    assert _changes(connection, "slow_pages") == [("app=shop", "firing"), ("app=shop", "resolved")]
    assert fired[:4] == [0, 0, 0, 1]
