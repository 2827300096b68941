"""What measurements usually are: medians and spreads by hour, their ladder, forgetting, holidays."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qoe.calendar import Calendar, parse_holidays
from qoe.levels import EMPTY, Levels, frozen, histogram

LOUD, QUIET = 20, 4


def _counts(values, weekday=0, hour=LOUD, attribute="app", measure="rtt_client_ms", value=7):
    rows = len(values)
    whole = (np.full(rows, each) for each in (value, weekday, hour))
    return histogram(attribute, measure, *whole, np.asarray(values, float))


def _levels(counts, weekday=0, weeks=1.0, attribute="app", measure="rtt_client_ms"):
    return Levels(frozen(attribute, measure, counts, weekday, weeks))


@given(st.lists(st.floats(2, 50_000), min_size=31, max_size=200))
def test_median_and_spread_are_within_a_bin_of_the_exact_ones(values):
    level = _levels(_counts(values)).at("rtt_client_ms")
    ordered = np.sort(values)
    low, high = ordered[(len(values) - 1) // 2], ordered[len(values) // 2]
    assert low / 1.123 <= level.median <= high * 1.123
    exact = np.median(np.abs(values - np.median(values)))
    assert level.mad == pytest.approx(exact, abs=0.26 * max(values))


def test_the_closest_rung_with_enough_sessions_answers():
    counts = _counts([100.0] * 40).plus(_counts([20.0] * 40, weekday=6, hour=QUIET))
    tuesday, sunday = _levels(counts, weekday=1), _levels(counts, weekday=6)
    assert tuesday.at("rtt_client_ms", 1, LOUD).rung == "hour_by_weekend"
    assert sunday.at("rtt_client_ms", 6, LOUD).rung == "hour"
    assert sunday.at("rtt_client_ms", 6, 9).rung == "all"
    assert sunday.at("rtt_client_ms", 6, LOUD).median == pytest.approx(100, rel=0.07)


def test_a_day_freezes_what_its_own_kind_of_day_needs():
    counts = _counts([100.0] * 40, weekday=2).plus(_counts([50.0] * 40, weekday=3)).plus(_counts([20.0] * 40, 6))
    wednesday = _levels(counts, weekday=2, weeks=4.0)
    assert wednesday.at("rtt_client_ms", 2, LOUD).median == pytest.approx(100, rel=0.07)
    assert wednesday.at("rtt_client_ms", 2, LOUD).n == 40
    assert wednesday.at("rtt_client_ms", 3, LOUD).rung == "hour_by_weekend"
    assert wednesday.at("rtt_client_ms", 3, LOUD).n == 80
    assert wednesday.at("rtt_client_ms", 6, LOUD).rung == "hour"
    assert wednesday.at("rtt_client_ms", 6, LOUD).n == 120


def test_an_hour_of_the_week_counts_from_three_weeks_on_and_never_for_a_cell():
    counts = _counts([100.0] * 40, weekday=2)
    assert _levels(counts, 2, 2.9).at("rtt_client_ms", 2, LOUD).rung == "hour_by_weekend"
    assert _levels(counts, 2, 3.0).at("rtt_client_ms", 2, LOUD).rung == "hour_of_week"
    of_cell = _counts([100.0] * 40, weekday=2, attribute="cell")
    assert _levels(of_cell, 2, 4.0, attribute="cell").at("rtt_client_ms", 2, LOUD).rung == "hour_by_weekend"


def test_few_sessions_have_no_level():
    assert _levels(_counts([5.0] * 29)).at("rtt_client_ms") is None


def test_what_is_forgotten_counts_less_and_is_dropped_at_last():
    old, new = _counts([10.0] * 100), _counts([1000.0] * 60)
    assert _levels(old.plus(new, 0.5)).at("rtt_client_ms").median == pytest.approx(1000, rel=0.1)
    assert not len(old.plus(EMPTY, 1e-6).key)


def test_the_share_of_bad_sessions_is_a_level_too():
    level = _levels(_counts([1.0] * 10 + [0.0] * 30, measure="bad"), measure="bad").at("bad")
    assert level.median == pytest.approx(0.25)
    assert np.isnan(level.mad)


def test_a_holiday_is_a_sunday_in_the_operators_zone():
    calendar = Calendar(zone=ZoneInfo("Asia/Kolkata"), holidays={date(2026, 10, 1)})
    times = [datetime(2026, 10, 1, 0, 45, tzinfo=calendar.zone), datetime(2026, 10, 2, 23, 59, tzinfo=calendar.zone)]
    weekday, hour = calendar.hours(np.array([int(time.timestamp()) * 1_000_000 for time in times]))
    assert weekday.tolist() == [6, 4]
    assert hour.tolist() == [0, 23]
    assert calendar.weekend(date(2026, 10, 1))


def test_a_file_of_holidays_names_its_wrong_line():
    assert parse_holidays("# ours\n2026-10-01 National Day\n\n2026-10-02\n") == {
        date(2026, 10, 1): "National Day",
        date(2026, 10, 2): "",
    }
    with pytest.raises(ValueError, match="line 2: 'October'"):
        parse_holidays("2026-10-01\nOctober 2\n")
