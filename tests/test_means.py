"""Means of the dimensions: published values, order, monotony, and contributions and interval under each of them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from cemaphore.catalogues import packaged
from qoe.catalogue import parse
from qoe.fares import user_scores
from qoe.indices import IndexRules, Sums, observe, score
from qoe.means import Mean, ln_mean, loss_parts, sensitivity
from records.errors import ConfigError

WEIGHTS = (0.40, 0.15, 0.30, 0.15)
EXAMPLE = np.log([[80.0], [90.0], [30.0], [85.0]])  # domain.md 2.13: everything is fine but the app
MEANS = [
    *(Mean.of(kind, 0.5) for kind in ("arithmetic", "geometric", "weakest")),
    *(Mean.of("power", p) for p in (-50.0, -2.0, -0.5, 0.5)),
]
tables = npst.arrays(
    np.float64, st.tuples(st.just(4), st.integers(1, 12)), elements=st.floats(0, 100) | st.just(np.nan)
)
four = npst.arrays(np.float64, (4, 1), elements=st.floats(1, 100))


def _rules(mean: Mean) -> IndexRules:
    return IndexRules(prior_weight=10, weights=WEIGHTS, least_coverage=0.5, mean=mean)


def _sums(table: np.ndarray) -> Sums:
    sums = Sums.zeros(1)
    rows = np.zeros(table.shape[1], dtype=np.int64)
    for dimension, values in enumerate(table):
        observe(rows, 1, dimension, values, np.full(len(values), np.log(75.0)), sums)
    return sums


def _o(shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.asarray(WEIGHTS)[:, None], shape)


@pytest.mark.parametrize(
    ("kind", "power", "expected"),
    [("arithmetic", 0, 67.25), ("geometric", 0, 61.22), ("power", -2, 47.94), ("weakest", 0, 30.0)],
)
def test_one_broken_dimension_under_each_mean(kind: str, power: float, expected: float) -> None:
    found = np.exp(ln_mean(EXAMPLE, _o(EXAMPLE.shape), Mean.of(kind, power)))
    assert found[0] == pytest.approx(expected, abs=5e-3)


@given(four)
def test_means_lie_between_lowest_and_highest_in_the_order_of_p(values: np.ndarray) -> None:
    ordered = sorted(MEANS, key=lambda mean: mean.p)
    found = [float(np.exp(ln_mean(np.log(values), _o(values.shape), mean))[0]) for mean in ordered]
    assert found[0] == pytest.approx(values.min())
    assert found[-1] == pytest.approx(np.average(values[:, 0], weights=WEIGHTS))
    assert all(low <= high + 1e-9 for low, high in pairwise(found))


@pytest.mark.parametrize("mean", MEANS, ids=lambda mean: mean.label)
@given(table=tables)
def test_contributions_add_up_and_the_interval_holds_the_index(mean: Mean, table: np.ndarray) -> None:
    made = score(_sums(table), _rules(mean))
    if np.isnan(made.overall[0]):
        assert made.coverage[0] < 0.5 - 1e-9
        return
    assert made.contributions[:, 0].sum() == pytest.approx(100 - made.overall[0], abs=1e-9)
    assert (made.contributions[:, 0] >= 0).all()
    assert 1 - 1e-9 <= made.overall[0] <= 100 + 1e-9
    assert made.lo[0] <= made.overall[0] <= made.hi[0] + 1e-9


@pytest.mark.parametrize("mean", MEANS, ids=lambda mean: mean.label)
@given(table=tables, place=st.integers(0, 47), better=st.floats(0, 100))
def test_a_better_session_never_lowers_the_index(mean: Mean, table: np.ndarray, place: int, better: float) -> None:
    improved = table.copy()
    row, column = divmod(place % table.size, table.shape[1])
    improved[row, column] = np.maximum(better, table[row, column])  # NaN stays: what is not there cannot be better
    before, after = (score(_sums(values), _rules(mean)).overall[0] for values in (table, improved))
    assert np.isnan(before) or after >= before - 1e-9


@pytest.mark.parametrize("mean", MEANS, ids=lambda mean: mean.label)
@given(values=four)
def test_the_pull_is_the_slope_of_the_mean(mean: Mean, values: np.ndarray) -> None:
    spread = np.sort(values[:, 0])
    if (np.diff(spread) < 0.01).any():
        return  # where two dimensions tie, the weakest link has no slope
    ln_d, o, step = np.log(values), _o(values.shape), 1e-6
    pull = sensitivity(ln_d, o, mean)[:, 0]
    assert pull.sum() == pytest.approx(1)
    for row in range(4):
        nudged = ln_d.copy()
        nudged[row] += step
        slope = (ln_mean(nudged, o, mean) - ln_mean(ln_d, o, mean))[0] / step
        assert pull[row] == pytest.approx(slope, abs=1e-3)


def test_of_the_weakest_link_everything_is_the_lowest_and_of_the_arithmetic_mean_each_its_points() -> None:
    o = _o(EXAMPLE.shape)
    weakest = loss_parts(EXAMPLE, o, Mean.of("weakest", 0))[:, 0]
    assert np.flatnonzero(weakest).tolist() == [2]
    arithmetic = loss_parts(EXAMPLE, o, Mean.of("arithmetic", 0))[:, 0]
    assert arithmetic / arithmetic.sum() == pytest.approx(np.array([8, 1.5, 21, 2.25]) / 32.75)


@pytest.mark.parametrize("mean", MEANS, ids=lambda mean: mean.label)
@given(table=tables)
def test_groups_use_the_same_mean(mean: Mean, table: np.ndarray) -> None:
    sums, rules = _sums(table), _rules(mean)
    single = np.float32
    found = user_scores(sums.w.astype(single), sums.s1.astype(single), sums.m.astype(single), rules)
    np.testing.assert_allclose(found[-1], score(sums, rules).overall, rtol=1e-4)


def test_a_wrong_mean_is_refused_and_another_mean_is_another_version() -> None:
    text = packaged("qoe")
    assert parse(text).mean.label == "geometric"
    assert parse(text.replace('mean = "geometric"', 'mean = "power"')).mean.label == "power(-2)"
    assert parse(text.replace('mean = "geometric"', 'mean = "weakest"')).version != parse(text).version
    assert parse("# remark\n" + text).version == parse(text).version
    with pytest.raises(ConfigError, match="median"):
        parse(text.replace('mean = "geometric"', 'mean = "median"'))
    for power in ("0", "2", "-99"):
        wrong = text.replace('mean = "geometric"', 'mean = "power"').replace("power = -2 ", f"power = {power} ")
        with pytest.raises(ConfigError, match=r"index\.power"):
            parse(wrong)
