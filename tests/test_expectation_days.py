"""The expectation learned day by day: forgetting, holidays, late rows, and what the scored city made usual."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cemaphore.pipeline.baseline import baseline_for, calendar_of
from cemaphore.pipeline.levels import levels_for
from cemaphore.pipeline.score_rows import group_columns
from qoe.groups import MEASURES, GroupSums
from records.windows import HOUR, day_bounds
from store import baselines, scores
from store.connection import Connection, connect
from tests.city import City

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = date(2026, 3, 2)  # a Monday


def _day(connection: Connection, number: int, n: int, bad: int) -> None:
    """Store indices of one hour at noon of a day: the whole, and one cell that has half of it."""
    start = day_bounds(FIRST + timedelta(days=number), ZONE)[0] + 12 * HOUR
    scores.delete_span(connection, "group_index", start, start + HOUR)
    for attribute, value, part in (("all", 0, 1), ("cell", 5, 2)):
        table = np.zeros((len(MEASURES), 1))
        one = np.array([n // part])
        sums = GroupSums(
            value=np.array([value]), bucket=np.zeros(1, np.int64), n_users=one, bad_users=one, n=one,
            bad=np.array([bad // part]), expected=np.array([np.nan]), count=table.astype(np.int64), total=table,
            square=table,
        )  # fmt: skip
        scores.append(connection, "group_index", group_columns("hour", attribute, start, sums, 1))


def _counts(connection: Connection, number: int, attribute: str = "all", hour: int = -1, weekday: int = -1) -> list:
    baseline_id = baselines.freeze(connection, FIRST + timedelta(days=number), ZONE)
    rows = baselines.margin_rows(connection, baseline_id, "sessions")
    return [row[4:6] for row in rows if (row[0], row[3], row[6]) == (attribute, hour, weekday)]


def test_a_baseline_is_the_one_before_half_forgotten_after_its_half_life(connection: Connection) -> None:
    for number, (n, bad) in enumerate([(100, 10), (200, 40), (400, 40)]):
        _day(connection, number, n, bad)
    kept = 0.5 ** (1 / baselines.HALF_LIFE_DAYS)
    assert _counts(connection, 1) == [(100, 10)]
    assert _counts(connection, 2)[0] == pytest.approx((100 * kept + 200, 10 * kept + 40))
    assert _counts(connection, 3)[0] == pytest.approx((100 * kept**2 + 200 * kept + 400, 10 * kept**2 + 40 * kept + 40))
    assert _counts(connection, 3, "cell", 12)[0] == pytest.approx(np.array(_counts(connection, 3)[0]) / 2)
    assert len(_counts(connection, 3, "all", 12, 2)) == 1


def test_days_that_were_learned_are_not_read_again(connection: Connection) -> None:
    for number in range(3):
        _day(connection, number, 100, 10)
    _counts(connection, 2)
    # A cell that its hours no longer show, though the day's total is the same, is known from the earlier baseline.
    connection.execute(
        "DELETE FROM cem.group_index WHERE attribute = 'cell' AND start < %s", [day_bounds(FIRST, ZONE)[1]]
    )
    assert _counts(connection, 3, "cell")[0][0] > 100


def test_late_rows_change_no_frozen_baseline_and_the_next_one_knows_them(connection: Connection) -> None:
    for number in range(3):
        _day(connection, number, 100, 10)
    before = _counts(connection, 2)
    _counts(connection, 1)
    _day(connection, 0, 1000, 10)
    assert _counts(connection, 2) == before
    kept = 0.5 ** (1 / baselines.HALF_LIFE_DAYS)
    assert _counts(connection, 3)[0][0] == pytest.approx(1000 * kept**2 + 100 * kept + 100)


def test_a_holiday_is_learned_as_a_weekend(connection: Connection) -> None:
    baselines.set_holidays(connection, {FIRST: "a holiday"})
    _day(connection, 0, 100, 10)
    baseline_id, margins = baseline_for(connection, FIRST + timedelta(days=1), ZONE)
    rows = baselines.margin_rows(connection, baseline_id, "sessions")
    assert {row[2] for row in rows if row[3] == 12} == {1}
    assert margins.rung(6, 12) == "hour_by_weekend"
    assert margins.rung(1, 3) == "all"
    assert calendar_of(connection, ZONE).weekend(FIRST)


def test_an_hour_of_the_week_is_expected_after_three_weeks(connection: Connection) -> None:
    for number in range(21):
        _day(connection, number, 1000, 500 if number % 7 == 2 else 50)
    _, margins = baseline_for(connection, FIRST + timedelta(days=20), ZONE)
    assert margins.week is None
    _, margins = baseline_for(connection, FIRST + timedelta(days=21), ZONE)
    assert margins.rung(2, 12) == "hour_of_week"
    assert margins.week is not None
    assert margins.week[2, 12] > 1 > 0 > margins.week[3, 12]


def test_the_city_knows_what_is_usual_in_its_cells(city: City) -> None:
    with connect(city.dsn) as connection:
        row = connection.execute("SELECT max(baseline_id) FROM cem.baseline").fetchone()
        assert row is not None
        cells = connection.execute("SELECT label_id FROM cem.label WHERE kind = 'cell'").fetchall()
        found = [levels_for(connection, row[0], "cell", cell) for (cell,) in cells]
        whole = levels_for(connection, row[0], "all", 1)
        assert levels_for(connection, row[0], "cell", 0) is None
    assert all(found)
    assert whole is not None
    quality, delay = whole.at("q", 1, 20), whole.at("rtt_client_ms", 1, 20)
    assert quality is not None
    assert 50 < quality.median < 100
    assert quality.rung == "hour_by_weekend"
    assert delay is not None
    assert 10 < delay.median < 100
    assert 0 < delay.mad < delay.median
