"""Whether series dropped: bounds that hold, drops that are found, chance that is not, and what is usual."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qoe.drops import (
    DEPTH,
    DropRule,
    Standing,
    Track,
    advanced,
    aged,
    collapsed,
    empty_track,
    ln_alpha_of,
    ln_bound,
    standing,
)
from qoe.seasons import HOURS, DaySums, Season, day_sums, season

RULE = DropRule(margin=5.0, slow_margin=2.5, recovery=2.5, m=2, n=4, users=50)
LN_ALPHA = ln_alpha_of(0.5, 100)


def _season(series: int = 1, level: float = 80.0, spread: float = 400.0, restless: float = 0.25) -> Season:
    table = np.full((series, HOURS), level)
    return Season(
        value=np.arange(series, dtype=np.int64),
        level=table,
        days=np.full_like(table, 10.0),
        volume=np.full_like(table, 100.0),
        spread=np.full(series, spread),
        fast=np.full(series, restless),
        slow=np.full(series, restless),
    )


def _judged(values: list[float | None], users: float = 200.0, rule: DropRule = RULE) -> list[Standing]:
    usual, track, found = _season(), empty_track(), []
    for value in values:
        mean = np.array([np.nan if value is None else value])
        track = advanced(track, usual, 12, np.array([0]), mean, np.array([users]), 1.0)
        if len(track.value):
            found.append(standing(track, usual, 12, rule, LN_ALPHA))
    return found


@given(windows=st.integers(-1, 2 * DEPTH), values=st.lists(st.floats(0, 100) | st.none(), min_size=1, max_size=20))
def test_a_track_after_a_stop_is_that_of_windows_in_which_nothing_was_known(
    windows: int, values: list[float | None]
) -> None:
    def fed(given: list[float | None]) -> Track:
        track = empty_track()
        for value in given:
            mean = np.array([np.nan if value is None else value])
            track = advanced(track, _season(), 12, np.array([0]), mean, np.array([200.0]), 1.0)
        return track

    found, wanted = aged(fed(values), windows), fed([*values, *[None] * windows])
    for name, table in vars(wanted).items():
        np.testing.assert_array_equal(getattr(found, name), table)


def test_one_bad_window_never_fires() -> None:
    assert not any(each.fires[0] for each in _judged([80.0] * 8 + [10.0] + [80.0] * 8))


def test_a_large_drop_fires_with_its_second_window_and_says_since_when() -> None:
    states = _judged([80.0] * 8 + [60.0, 60.0])
    assert [bool(each.fires[0]) for each in states[-3:]] == [False, False, True]
    assert states[-2].pending[0]
    assert states[-1].since[0] == 1
    assert states[-1].drop[0] == pytest.approx(20.0)
    assert not states[-1].slow[0]


def test_a_small_drop_fires_when_it_lasts_for_hours() -> None:
    states = _judged([80.0] * 4 + [76.5] * DEPTH, users=400.0)
    fired = [place for place, each in enumerate(states) if each.fires[0]]
    assert fired
    assert fired[0] > 4 + 8
    assert states[-1].slow[0]
    assert states[fired[0]].since[0] == fired[0] - 4  # it began with the fifth window
    assert states[fired[0]].drop[0] == pytest.approx(3.5)


def test_a_drop_that_has_just_ended_does_not_fire_by_its_memory() -> None:
    states = _judged([80.0] * 4 + [76.5] * 11 + [80.0] * 5, users=400.0)
    assert not any(each.fires[0] for each in states[-3:])


def test_few_users_are_no_evidence() -> None:
    assert not any(each.fires[0] for each in _judged([80.0] * 4 + [60.0] * 2, users=20.0))
    assert not any(each.fires[0] for each in _judged([80.0] * 4 + [70.0] * 2, users=30.0))


def test_it_is_over_above_the_recovery_level_and_not_before() -> None:
    below = _judged([80.0] * 4 + [60.0] * 4 + [76.0] * 5)
    assert not any(each.recovered[0] for each in below[-5:])
    above = _judged([80.0] * 4 + [60.0] * 4 + [79.0] * 4)
    assert [bool(each.recovered[0]) for each in above[-4:]] == [False, False, True, True]


def test_what_was_not_measured_counts_neither_way() -> None:
    states = _judged([80.0] * 4 + [60.0, None, 60.0])
    assert states[-1].fires[0]
    assert not _judged([80.0] * 4 + [60.0, None])[-1].tested[0]
    assert not _judged([80.0] * 4 + [60.0] * 3 + [None] * 4)[-1].recovered[0]


def test_where_more_is_worse_the_sign_turns() -> None:
    usual, track = _season(level=2.0, spread=0.0, restless=0.01), empty_track()
    rule = DropRule(margin=0.5, slow_margin=0.3, recovery=0.2, m=2, n=4, users=1, relative=True)
    for value in (2.0, 2.0, 4.0, 4.0):
        track = advanced(track, usual, 3, np.array([0]), np.array([value]), np.array([10.0]), -1.0)
    found = standing(track, usual, 3, rule, LN_ALPHA)
    assert found.fires[0]
    assert found.drop[0] == pytest.approx(2.0)


@given(st.floats(0.01, 60.0), st.floats(0.0, 40.0), st.floats(1.0, 1e4), st.floats(1.0, 900.0), st.floats(0.0, 9.0))
def test_the_bound_falls_with_drop_and_users_and_rises_with_restlessness(
    drop: float, more: float, users: float, spread: float, restless: float
) -> None:
    def bound(by: float, of: float, tau: float) -> float:
        variance = np.array([spread / of + tau])
        return float(ln_bound(np.array([by]), variance, np.array([80.0]), np.array([of]))[0])

    assert bound(drop, users, restless) <= 0.0
    assert bound(drop + more, users, restless) <= bound(drop, users, restless) + 1e-12
    assert bound(drop, users + more, restless) <= bound(drop, users, restless) + 1e-12
    assert bound(drop, users, restless + more) >= bound(drop, users, restless) - 1e-12


def test_the_bound_holds_for_few_users_with_skewed_values() -> None:
    rng = np.random.default_rng(5)
    for users in (5, 20, 80):
        values = np.where(rng.random((200_000, users)) < 0.08, 0.0, 85.0).mean(axis=1)
        expected, variance = 0.92 * 85.0, 85.0**2 * 0.08 * 0.92
        for drop in (10.0, 20.0, 30.0):
            share = float((values <= expected - drop).mean())
            limit = ln_bound(np.array([drop]), np.array([variance / users]), np.array([expected]), np.array([users]))
            assert share <= math.exp(limit[0]) + 3 * math.sqrt(share / len(values))


def test_the_error_is_shared_over_all_tests() -> None:
    assert ln_alpha_of(1.0, 1) == pytest.approx(math.log(1 / 672))
    assert ln_alpha_of(1.0, 1000) < ln_alpha_of(1.0, 10)


def test_noise_alone_fires_less_often_than_allowed() -> None:
    """Four weeks of 50 series without a drop, with levels that move from day to day."""
    rng = np.random.default_rng(7)
    series, fired = 50, 0
    usual, track = _season(series, spread=400.0, restless=1.0), empty_track()
    alpha = ln_alpha_of(0.5, 2 * series)
    for _ in range(28):
        moved = rng.normal(0, 1.0, series)
        for window in range(96):
            users = rng.poisson(60, series).astype(float)
            mean = 80 + moved + rng.normal(0, 20, series) / np.sqrt(np.maximum(users, 1))
            track = advanced(track, usual, window // 4, np.arange(series), mean, users, 1.0)
            fired += int(standing(track, usual, window // 4, RULE, alpha).fires.sum())
    assert fired <= 2


def test_records_that_are_gone_are_told_from_few_ones() -> None:
    usual = np.array([100.0, 100.0, 8.0])
    assert collapsed(np.array([5.0, 60.0, 0.0]), usual, 0.1).tolist() == [True, False, False]


def _day(weekday: int, values: np.ndarray, level: np.ndarray, users: float = 100.0) -> DaySums:
    grid = np.array([(value, hour) for value in values for hour in range(HOURS)], dtype=np.int64)
    count = np.full(len(grid), users)
    mean = np.repeat(level, HOURS)
    return day_sums(
        weekday, weekday >= 5, grid[:, 0], grid[:, 1], count * mean, count, count * (mean**2 + 100.0), 4 * count
    )


def test_a_season_is_the_median_and_one_bad_day_does_not_move_it() -> None:
    days = [_day(day % 5, np.array([3, 9]), np.array([80.0, 60.0])) for day in range(6)]
    days.append(_day(1, np.array([3, 9]), np.array([20.0, 60.0])))
    found = season(days, 2, False)
    assert found.value.tolist() == [3, 9]
    assert found.level[:, 12] == pytest.approx([80.0, 60.0])
    assert found.spread == pytest.approx([100.0, 100.0], rel=0.02)
    assert found.volume[:, 12] == pytest.approx([100.0, 100.0])


def test_a_season_takes_days_of_its_kind_once_there_are_three() -> None:
    week = [_day(day, np.array([1]), np.array([90.0 if day >= 5 else 80.0])) for day in range(7)]
    assert season(week, 0, False).level[0, 12] == pytest.approx(80.0)
    assert season(week, 5, True).level[0, 12] == pytest.approx(80.0)  # two days are no kind yet: all seven
    assert season(week * 2, 5, True).level[0, 12] == pytest.approx(90.0)


def test_too_few_days_or_users_expect_nothing() -> None:
    two = [_day(day, np.array([1]), np.array([80.0])) for day in range(2)]
    assert np.isnan(season(two, 2, False).level).all()
    thin = [_day(day, np.array([1]), np.array([80.0]), users=0.5) for day in range(5)]
    assert np.isnan(season(thin, 2, False).level).all()
    assert len(season([], 0, False).value) == 0


@given(st.integers(0, 2**32 - 1))
def test_a_season_does_not_depend_on_the_order_of_days(seed: int) -> None:
    rng = np.random.default_rng(seed)
    days = [_day(0, np.array([1, 2]), rng.uniform(50, 90, 2)) for _ in range(5)]
    one, other = season(days, 0, False), season(days[::-1], 0, False)
    for name, values in vars(one).items():
        assert np.allclose(values, getattr(other, name), equal_nan=True)


def test_restless_series_need_a_larger_drop() -> None:
    rng = np.random.default_rng(2)
    calm = [_day(day % 5, np.array([1]), np.array([80.0])) for day in range(10)]
    wild = [_day(day % 5, np.array([1]), np.array([80.0 + rng.normal(0, 6)])) for day in range(10)]
    assert season(calm, 0, False).fast[0] == 0.0
    assert season(wild, 0, False).fast[0] > 4.0
