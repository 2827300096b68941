"""Surges of complaints that nothing explains: found when they are there, and not otherwise."""

import numpy as np
import pytest

from customers.surges import HISTORY_DAYS, Stream, Surge, find
from tests.effort import FULL

FIRST = 1_000_008  # a Monday would do as well: the week's hour is counted from here
DAYS = 12
LEVEL = 0.2 / 3 / 24


def _stream(seed, per_hour=0.5, wave=(), unexplained=1.0):
    """Complaints at random, more by day, and `wave`: (hour, topic, app) each of a customer of its own."""
    rng = np.random.default_rng(seed)
    hour_of_day = np.arange(DAYS * 24) % 24
    rate = per_hour * np.where((hour_of_day >= 8) & (hour_of_day < 22), 1.6, 0.16)
    hours = np.repeat(np.arange(DAYS * 24), rng.poisson(rate))
    named = [
        {"topic": str(rng.choice(["speed", "billing", "app"])), "app": str(rng.choice(["a", "b", "c"])), "region": "r"}
        for _ in hours
    ]
    hours = np.concatenate((hours, [each[0] for each in wave])).astype(np.int64)
    named += [{"topic": topic, "app": app, "region": "r"} for _, topic, app in wave]
    order = np.argsort(hours, kind="stable")
    return Stream.of(
        FIRST,
        np.arange(DAYS * 24) % 168,
        hours[order] + FIRST,
        np.arange(len(hours))[order],
        np.full(len(hours), unexplained),
        [named[row] for row in order],
    )


def _found(stream: Stream) -> list[Surge]:
    return find(stream, [FIRST + 24 * day for day in range(DAYS)], FIRST + 24 * DAYS, LEVEL)


def test_a_surge_of_a_topic_in_one_app_is_found_soon_and_ends():
    start = 9 * 24 + 10
    found = _found(_stream(1, wave=[(start + each % 3, "app", "b") for each in range(14)]))
    assert len(found) == 1
    (surge,) = found
    assert surge.key == (("topic", "app"), ("app", "b"))
    assert start - 1 <= surge.started - FIRST <= start + 1
    assert surge.detected - FIRST <= start + 3
    assert surge.ended is not None
    assert surge.ended - FIRST <= start + 12
    assert surge.complaints >= 14
    assert surge.customers >= 14


def test_complaints_that_clusters_explain_are_no_surge():
    wave = [(9 * 24 + 10, "app", "b")] * 14
    assert _found(_stream(1, wave=wave, unexplained=0.05)) == []


def test_nothing_is_expected_before_enough_days_were_seen():
    wave = [((HISTORY_DAYS - 1) * 24 + 12, "speed", "a")] * 30
    assert all(surge.started - FIRST > HISTORY_DAYS * 24 - 24 for surge in _found(_stream(1, wave=wave)))


def test_chance_alone_opens_no_more_than_it_may():
    cities = 60 if FULL else 10
    false = sum(len(_found(_stream(seed, per_hour=1.0))) for seed in range(cities))
    assert false <= cities * (DAYS - HISTORY_DAYS) * 0.2 / 3  # the complaints' share in 0.2 false clusters a day


@pytest.mark.parametrize("cut", [8, 10])
def test_it_goes_on_where_it_stood(cut):
    stream = _stream(3, wave=[(9 * 24 + 22 + each % 6, "app", "b") for each in range(40)])
    whole = _found(stream)
    days = [FIRST + 24 * day for day in range(DAYS)]
    early = find(stream, days[:cut], days[cut], LEVEL)
    assert find(stream, days[cut:], FIRST + 24 * DAYS, LEVEL, early) == whole
