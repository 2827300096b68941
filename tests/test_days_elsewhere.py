"""Days are the operator's for a reader in another time zone too, on pages and in reports."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest

from cemaphore.reporting import week
from cemaphore.reporting.making import words_of
from cemaphore.settings import load_settings
from store.connection import Connection, connect
from tests.screen_app import Opened, words
from tests.test_customer_page import KEY, measure

SHANGHAI, ELSEWHERE = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/Los_Angeles")
LAST = datetime(2026, 3, 9, tzinfo=SHANGHAI)
SUMS = [f"{name}_{each}" for name in ("network", "device", "app", "service", "overall") for each in ("n", "sum", "sq")]


@pytest.fixture
def scored(connection: Connection) -> Connection:
    """Three scored days in Shanghai, of everybody and of one segment."""
    connection.execute("INSERT INTO cem.version (model_version, catalogue_version) VALUES ('m', 'c')")
    label = connection.execute("INSERT INTO cem.label (kind, value) VALUES ('segment', 'student') RETURNING label_id")
    groups = [("all", 0), ("segment", (label.fetchone() or (0,))[0])]
    starts = [("day", LAST - timedelta(days=each)) for each in range(3)] + [("15m", LAST + timedelta(hours=20))]
    for grain, start in starts:
        for attribute, value in groups:
            connection.execute(
                "INSERT INTO cem.group_index (grain, attribute, value, start, n_users, bad_users, n, bad, "  # noqa: S608
                f"version_id, overall, overall_lo, overall_hi, {', '.join(SUMS)}) "
                f"VALUES (%s, %s, %s, %s, 50, 0, 500, 2, 1, 80, 75, 85, {', '.join(['50'] * 15)})",
                [grain, attribute, value, start],
            )
    connection.execute("INSERT INTO cem.source (name) VALUES ('probe')")
    connection.commit()
    return connection


def test_a_week_printed_elsewhere_is_seven_of_the_operators_days(scored: Connection, database: str) -> None:
    settings = load_settings(time_zone=SHANGHAI.key)
    written = words_of(settings, "en", ELSEWHERE)
    with connect(database, role="cem_operations", autocommit=True) as reading:
        found = week.newest(reading, written)
        report = week.report(reading, found, written, now=LAST)
    assert found.end == LAST + timedelta(days=1)
    assert found.start == LAST - timedelta(days=6)
    assert report.subtitle == "2026-03-03 to 2026-03-09 (Asia/Shanghai)"
    assert "2026-03-08 09:00 (America/Los_Angeles)" in report.footer
    assert written.day(LAST) == "2026-03-09"


def test_the_newest_day_of_a_trend_has_the_operators_name(screen: Opened, scored: Connection) -> None:
    app = screen("trends", "analyst", time_zone=SHANGHAI.key, tz=ELSEWHERE.key, lang="en")
    assert not app.exception
    assert "Newest window: 2026-03-09" in words(app)


def test_a_customers_days_are_drawn_on_the_operators_dates(screen: Opened, scored: Connection) -> None:
    measure(scored, LAST)
    app = screen("customer", "care", customer=str(KEY), time_zone=SHANGHAI.key, tz=ELSEWHERE.key, lang="en")
    assert not app.exception
    assert app.selectbox("day").value == "2026-03-09"
    (chart,) = app.get("vega_lite_chart")
    drawn = [pa.ipc.open_stream(each.data.data).read_pandas() for each in chart.proto.datasets]
    points = pd.concat([each for each in drawn if "value" in each]).dropna(subset=["value"])
    assert points["start"].astype(str).tolist() == ["2026-03-09 12:00:00"]
