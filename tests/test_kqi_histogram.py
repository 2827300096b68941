"""Fixed-bin histograms: they merge by addition and their percentiles are within one bin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqi.histogram import BINS, TIME_MS


def one_group(values: np.ndarray) -> np.ndarray:
    return TIME_MS.counts(values, np.zeros(len(values), dtype=np.intp), 1)


@given(seed=st.integers(0, 2**32 - 1), percent=st.floats(1, 99), rows=st.integers(1, 3000))
@settings(max_examples=60, deadline=None)
def test_percentiles_are_within_one_bin(seed: int, percent: float, rows: int) -> None:
    values = np.random.default_rng(seed).lognormal(5, 1.2, rows)
    exact = np.percentile(values, percent, method="inverted_cdf")
    found = TIME_MS.percentile(one_group(values), percent)[0]
    assert found / exact == pytest.approx(1, abs=10 ** (1 / 20) - 1 + 1e-9)


@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(0, 500))
@settings(max_examples=30, deadline=None)
def test_counts_merge_by_addition_and_order_does_not_matter(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    values, groups = rng.lognormal(5, 2, 500), rng.integers(-1, 4, 500)
    whole = TIME_MS.counts(values, groups, 4)
    parts = TIME_MS.counts(values[:cut], groups[:cut], 4) + TIME_MS.counts(values[cut:], groups[cut:], 4)
    np.testing.assert_array_equal(whole, parts)
    assert whole.sum() == (groups >= 0).sum()


def test_unknown_and_negative_values_are_left_out_and_extremes_are_kept() -> None:
    values = np.array([np.nan, -1.0, 0.0, 0.5, 1.0, 1e6, 1e12])
    counts = one_group(values)[0]
    assert counts.sum() == 5
    assert counts[0] == 2
    assert counts[-1] == 2
    assert counts[1] == 1


def test_percentiles_never_fall_with_the_percent_and_an_empty_group_has_none() -> None:
    counts = TIME_MS.counts(np.random.default_rng(1).gamma(2, 300, 400), np.zeros(400, dtype=np.intp), 2)
    ladder = np.array([TIME_MS.percentile(counts, percent) for percent in range(0, 101, 5)])
    assert (np.diff(ladder[:, 0]) >= 0).all()
    assert np.isnan(ladder[:, 1]).all()


@pytest.mark.parametrize("bins", BINS.values(), ids=BINS.keys())
def test_edges_rise(bins: type(TIME_MS)) -> None:  # type: ignore[valid-type]  # untyped there
    assert (np.diff(bins.edges) > 0).all()
    assert len(bins.edges) == bins.size + 1
