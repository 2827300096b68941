"""Increases of counters, as formulas: sums are kept, resets are lower bounds, silence is no zero."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from collectors.prometheus.increases import Samples, changes
from collectors.prometheus.memory import NEVER, Memory
from collectors.prometheus.server import Range
from collectors.prometheus.steps import increases

S = 1_000_000
Steps = list[tuple[int, bool]]
STEPS = st.lists(st.tuples(st.integers(0, 1000), st.booleans()), min_size=2, max_size=30)


def one(value: float, at_s: int, created_s: int | None = None) -> Samples:
    created = NEVER if created_s is None else created_s * S
    return Samples(
        value=np.array([value]), at_us=np.array([at_s * S]), created_us=np.array([created]), monotone=np.array([True])
    )


@given(STEPS)
def test_increases_of_all_scrapes_add_up_to_what_was_counted_at_least(steps: Steps) -> None:
    """Without resets they are equal; with resets never more than was counted, and never negative."""
    value, true, told = 0, 0, 0.0
    last, last_us = np.array([0.0]), np.array([0])
    for number, (grown, restarted) in enumerate(steps, 1):
        value = grown if restarted else value + grown
        true += grown
        found = changes(one(value, 15 * number), last, last_us, previous_us=0, interval_us=15 * S, max_gap_us=3600 * S)
        assert found.tells[0]
        assert found.value[0] >= 0
        told += float(found.value[0])
        last, last_us = np.array([float(value)]), np.array([15 * number * S])
    assert told <= true
    if not any(restarted for _, restarted in steps):
        assert told == true


@given(STEPS, st.sets(st.integers(0, 29)))
def test_back_filled_increases_add_up_whatever_steps_had_no_sample(steps: Steps, silent: set[int]) -> None:
    """What grew in silent steps is in the next step that has a sample, with the longer period."""
    values = np.cumsum([grown for grown, _ in steps]).astype(float)
    index = np.arange(len(values))
    place = np.where(np.isin(index, list(silent - {0})), index - 1, index)
    found = Range(labels={}, value=values, there=np.ones(len(values), bool))
    told = increases(found, place, np.zeros(len(values)), limit=len(values))
    fresh = np.flatnonzero(place == index)
    assert told.value.sum() == values[fresh[-1]] - values[0]
    assert list(told.ends) == list(fresh[1:])
    assert list(told.starts) == list(fresh[:-1])


def test_a_reset_that_was_outgrown_within_a_step_is_told_by_the_server() -> None:
    found = Range(labels={}, value=np.array([5.0, 7.0]), there=np.ones(2, bool))
    told = increases(found, np.array([0, 1]), np.array([0.0, 1.0]), limit=5)
    assert (told.value[0], told.resets) == (7.0, 1)


@given(STEPS, st.sets(st.integers(0, 29)), st.integers(0, 29), st.integers(1, 5))
def test_where_a_chunk_ends_makes_no_difference(steps: Steps, silent: set[int], border: int, limit: int) -> None:
    """Two chunks, the second with `limit` steps of context, tell what one chunk tells."""
    values = np.cumsum([grown for grown, _ in steps]).astype(float)
    count = len(values)
    border = min(border, count - 1)
    index = np.arange(count)
    place = np.where(np.isin(index, list(silent)), -1, index)

    def tell(first: int, last: int, since: int) -> list[tuple[int, int, float]]:
        there = Range(labels={}, value=values[first:last], there=np.ones(last - first, bool))
        told = increases(there, place[first:last] - first, np.zeros(last - first), limit, since)
        return [(int(a) + first, int(b) + first, c) for a, b, c in zip(told.starts, told.ends, told.value, strict=True)]

    context = max(0, border - limit)
    assert tell(0, border + 1, 0) + tell(context, count, border - context) == tell(0, count, 0)


def test_a_new_series_counts_from_zero_only_where_it_says_when_it_was_made() -> None:
    unknown = np.array([np.nan]), np.array([NEVER])
    told = changes(one(3, 30, 20), *unknown, previous_us=15 * S, interval_us=15 * S, max_gap_us=60 * S)
    assert (told.tells[0], told.value[0], told.start_us[0]) == (True, 3.0, 15 * S)
    for created, previous in ((None, 15 * S), (10, 15 * S), (20, NEVER)):
        told = changes(one(3, 30, created), *unknown, previous_us=previous, interval_us=15 * S, max_gap_us=60 * S)
        assert (told.tells[0], told.first[0]) == (False, True)


@given(
    st.dictionaries(
        st.tuples(st.text(max_size=5), st.text(max_size=5)), st.floats(width=32, allow_infinity=False), max_size=20
    )
)
def test_what_is_remembered_survives_the_database(series: dict[tuple[str, str], float]) -> None:
    memory = Memory()
    for (object_id, counter), value in series.items():
        place = memory.place(object_id, counter)
        memory.grow()
        memory.value[place], memory.time_us[place] = value, place
    count, samples = memory.dump(0)
    from datetime import UTC, datetime

    again = Memory.load(datetime(2026, 3, 2, tzinfo=UTC), samples)
    assert count == len(again) == len(series)
    for (object_id, counter), value in series.items():
        place = again.place(object_id, counter)
        assert np.array_equal(again.value[place], np.float64(value), equal_nan=True)
