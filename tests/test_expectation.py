"""What history says to expect: margins, their shrinkage and the ladder of the hour."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qoe.expectation import ANY, MarginRows, Margins, expected_bad, margins_of


def _rows(*rows):
    columns = list(zip(*rows, strict=True))
    return MarginRows(
        attribute=np.array(columns[0]),
        value=np.array(columns[1], np.int64),
        weekend=np.array(columns[2], np.int64),
        hour=np.array(columns[3], np.int64),
        n=np.array(columns[4], float),
        bad=np.array(columns[5], float),
    )


ALL = ("all", 0, ANY, ANY, 100_000, 10_000)


def _expect(margins, weekend=0, hour=12, **codes):
    given_codes = {name: np.array([code]) for name, code in codes.items()}
    return float(expected_bad(margins, given_codes, np.array([weekend]), np.array([hour]))[0])


def test_without_history_nothing_is_expected():
    assert not Margins().known
    assert np.isnan(_expect(Margins(), app=1))


def test_an_unknown_value_is_expected_like_all():
    assert _expect(margins_of(_rows(ALL)), app=99, model=98, cell=97) == pytest.approx(0.1)


def test_an_always_poor_model_is_expected_to_be_poor():
    margins = margins_of(_rows(ALL, ("model", 7, ANY, ANY, 5000, 2500)))
    assert _expect(margins, model=7) == pytest.approx(0.5, abs=0.01)


def test_few_sessions_say_little():
    margins = margins_of(_rows(ALL, ("model", 7, ANY, ANY, 2, 2)))
    assert _expect(margins, model=7) == pytest.approx((2 + 5) / 52, abs=1e-6)


def test_the_busy_hour_and_the_weekend_are_expected():
    margins = margins_of(
        _rows(ALL, ("all", 0, 0, 20, 8000, 2400), ("all", 0, 0, 4, 8000, 80), ("all", 0, 1, 20, 8000, 4000))
    )
    assert _expect(margins, 0, 20) == pytest.approx(0.3, abs=0.01)
    assert _expect(margins, 1, 20) == pytest.approx(0.5, abs=0.01)
    # A weekend hour that was never seen is expected to be like that hour of other days.
    assert _expect(margins, 1, 4) == pytest.approx(0.01, abs=0.01)


def test_the_busy_hour_of_one_cell_is_expected():
    margins = margins_of(
        _rows(ALL, ("cell", 3, ANY, ANY, 4000, 400), ("cell", 3, 0, 20, 2000, 1000), ("all", 0, 0, 20, 9000, 900))
    )
    assert _expect(margins, 0, 20, cell=3) == pytest.approx(0.48, abs=0.02)
    assert _expect(margins, 0, 9, cell=3) == pytest.approx(0.1, abs=0.01)


@given(st.integers(1, 5000), st.data())
def test_expectations_are_probabilities_that_rise_with_what_was_bad(n, data):
    bad = data.draw(st.integers(0, n))
    more = data.draw(st.integers(bad, n))
    low = _expect(margins_of(_rows(ALL, ("app", 1, ANY, ANY, n, bad))), app=1)
    high = _expect(margins_of(_rows(ALL, ("app", 1, ANY, ANY, n, more))), app=1)
    assert 0 < low <= high < 1
