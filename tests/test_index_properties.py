"""What every index holds to: range, direction, order, parts, missing observations, one session and a million."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qoe.catalogue import DIMENSIONS
from qoe.fares import Observations
from qoe.groups import GroupSums, group_sums, indices, merged
from qoe.indices import NONE, IndexRules, Scores, Sums, observe, score
from qoe.means import Mean

WEIGHTS = (0.40, 0.15, 0.30, 0.15)
MEANS = [
    Mean.of("geometric", 0.0),
    Mean.of("arithmetic", 0.0),
    Mean.of("power", -2.0),
    Mean.of("weakest", 0.0),
]
USERS = 5
every_mean = pytest.mark.parametrize("mean", MEANS, ids=lambda mean: mean.kind)
seeds = st.integers(0, 2**32 - 1)


def rules(mean: Mean) -> IndexRules:
    return IndexRules(prior_weight=10, weights=WEIGHTS, least_coverage=0.5, mean=mean)


def observations(seed: int, rows: int, missing: float = 0.3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """User, scores (4, rows) and ln mu of made-up sessions; some users may have none, some scores are missing."""
    rng = np.random.default_rng(seed)
    table = 100 * rng.random((4, rows)) ** rng.choice([0.3, 1.0, 3.0])
    table[rng.random((4, rows)) < missing] = np.nan
    table[:, rng.random(rows) < 0.1] = rng.choice([0.0, 100.0])
    return rng.integers(0, USERS, rows), table, np.log(rng.choice([65.0, 75.0, 85.0], rows))


def sums(user: np.ndarray, table: np.ndarray, ln_mu: np.ndarray, users: int = USERS) -> Sums:
    made = Sums.zeros(users)
    for dimension, values in enumerate(table):
        observe(user, users, dimension, values, ln_mu, made)
    return made


def assert_alike(one: Scores, other: Scores) -> None:
    for name in ("dimension", "overall", "lo", "hi", "coverage", "contributions"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-7, atol=1e-7, err_msg=name)


@every_mean
@given(seed=seeds, rows=st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_range_and_contributions(mean: Mean, seed: int, rows: int) -> None:
    made = score(sums(*observations(seed, rows)), rules(mean))
    for values in (made.dimension, made.overall, made.lo, made.hi):
        known = values[~np.isnan(values)]
        assert ((known >= 0) & (known <= 100 + 1e-9)).all()
    known = ~np.isnan(made.overall)
    assert (known == (made.coverage >= 0.5 - 1e-6)).all()
    assert (made.lo[known] <= made.overall[known] + 1e-9).all()
    assert (made.overall[known] <= made.hi[known] + 1e-9).all()
    assert np.abs(made.contributions.sum(axis=0) - (100 - made.overall))[known].max(initial=0) < 1e-9
    assert (made.contributions[:, known] >= -1e-12).all()
    assert ((made.limiting == NONE) == np.isnan(made.dimension).all(axis=0)).all()


@every_mean
@given(seed=seeds, rows=st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_between_the_lowest_and_the_highest_dimension(mean: Mean, seed: int, rows: int) -> None:
    made = score(sums(*observations(seed, rows)), rules(mean))
    known = ~np.isnan(made.overall)
    lowest, highest = (edge(made.dimension[:, known], axis=0, initial=start) for edge, start in
                       ((np.fmin.reduce, np.inf), (np.fmax.reduce, -np.inf)))  # fmt: skip
    assert (made.overall[known] >= lowest - 1e-6).all()
    assert (made.overall[known] <= highest + 1e-6).all()


@every_mean
@given(seed=seeds, rows=st.integers(1, 40), gain=st.floats(0, 100))
@settings(max_examples=40, deadline=None)
def test_a_better_observation_lowers_nothing(mean: Mean, seed: int, rows: int, gain: float) -> None:
    user, table, ln_mu = observations(seed, rows)
    better = table.copy()
    better[:, rows // 2] = np.minimum(better[:, rows // 2] + gain, 100)
    before, after = (score(sums(user, each, ln_mu), rules(mean)) for each in (table, better))
    assert (np.nan_to_num(after.dimension - before.dimension) >= -1e-9).all()
    assert (np.nan_to_num(after.overall - before.overall) >= -1e-6).all()


@every_mean
@given(seed=seeds, rows=st.integers(2, 60), parts=st.integers(2, 5))
@settings(max_examples=40, deadline=None)
def test_order_and_parts_change_nothing(mean: Mean, seed: int, rows: int, parts: int) -> None:
    user, table, ln_mu = observations(seed, rows)
    whole = score(sums(user, table, ln_mu), rules(mean))
    order = np.random.default_rng(seed).permutation(rows)
    assert_alike(score(sums(user[order], table[:, order], ln_mu[order]), rules(mean)), whole)
    merged_sums = Sums.zeros(USERS)
    for piece in np.array_split(order, parts):
        merged_sums = merged_sums + sums(user[piece], table[:, piece], ln_mu[piece]).rounded()
    assert_alike(score(merged_sums, rules(mean)), whole)


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_rounded_sums_merge_to_the_same_bits(seed: int) -> None:
    user, table, ln_mu = observations(seed, 60)
    pieces = [sums(user[part], table[:, part], ln_mu[part]).rounded() for part in np.array_split(np.arange(60), 6)]
    forth, back = Sums.zeros(USERS), Sums.zeros(USERS)
    for one, other in zip(pieces, reversed(pieces), strict=True):
        forth, back = forth + one, back + other
    for name, values in vars(forth).items():
        np.testing.assert_array_equal(values, vars(back)[name])


@every_mean
def test_a_missing_dimension_is_not_a_bad_one(mean: Mean) -> None:
    user, table, ln_mu = np.zeros(9, dtype=np.int64), np.full((4, 9), 80.0), np.full(9, np.log(80.0))
    whole = score(sums(user, table, ln_mu, 1), rules(mean))
    for dimension in range(len(DIMENSIONS)):
        part = table.copy()
        part[dimension] = np.nan
        made = score(sums(user, part, ln_mu, 1), rules(mean))
        assert made.overall[0] == pytest.approx(whole.overall[0])
        assert made.coverage[0] == pytest.approx(1 - WEIGHTS[dimension])
        assert made.contributions[dimension, 0] == 0
        assert np.isnan(made.dimension[dimension, 0])


@every_mean
def test_one_session(mean: Mean) -> None:
    for value in (0.0, 1.0, 50.0, 100.0):
        table = np.array([[value], [value], [value], [np.nan]])
        made = score(sums(np.zeros(1, np.int64), table, np.log([75.0]), 1), rules(mean))
        expected = np.exp((np.log(max(value, 1)) + 10 * np.log(75)) / 11)
        assert made.overall[0] == pytest.approx(expected)
        assert made.contributions[:, 0].sum() == pytest.approx(100 - expected, abs=1e-9)


@every_mean
def test_a_million_sessions(mean: Mean) -> None:
    rows = 1_000_000
    user, table, ln_mu = observations(3, rows)
    user = np.arange(rows) // 7
    users = int(user[-1]) + 1
    made = score(sums(user, table, ln_mu, users), rules(mean))
    known = ~np.isnan(made.overall)
    assert known.mean() > 0.9
    assert np.abs(made.contributions.sum(axis=0) - (100 - made.overall))[known].max() < 1e-9
    few = np.flatnonzero(user < 100)
    some = score(sums(user[few], table[:, few], ln_mu[few], 100), rules(mean))
    assert_alike(some, Scores(**{name: values[..., :100] for name, values in vars(made).items()}))


def seen(user: np.ndarray, table: np.ndarray, ln_mu: np.ndarray) -> Observations:
    bad = np.fmin.reduce(table, axis=0) < 50
    rows = len(user)
    return Observations.of(user, np.zeros(rows, np.int64), table, ln_mu, np.ones(rows, bool), bad, np.full(rows, 0.1))


def group(user: np.ndarray, table: np.ndarray, ln_mu: np.ndarray, value: np.ndarray, mean: Mean) -> GroupSums:
    return group_sums(value, seen(user, table, ln_mu), rules(mean))[1]


def assert_groups_alike(one: GroupSums, other: GroupSums) -> None:
    for name, values in vars(one).items():
        np.testing.assert_allclose(vars(other)[name], values, rtol=1e-5, atol=1e-3, err_msg=name)


@every_mean
@given(seed=seeds, rows=st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_groups_hold_to_their_range_and_to_no_order(mean: Mean, seed: int, rows: int) -> None:
    user, table, ln_mu = observations(seed, rows)
    value = np.random.default_rng(seed + 1).integers(0, 4, rows)
    whole = group(user, table, ln_mu, value, mean)
    assert (whole.value > 0).all()
    assert (whole.bad <= whole.n).all()
    assert (whole.bad_users <= whole.n_users).all()
    assert (whole.n_users <= np.minimum(whole.n, USERS)).all()
    found = indices(whole.count, whole.total, whole.square)
    for low, high in ((found.mean, found.mean), (found.lo, found.mean), (found.mean, found.hi)):
        known = ~np.isnan(low) & ~np.isnan(high)
        assert ((low[known] >= -1e-3) & (high[known] <= 100 + 1e-3) & (low[known] <= high[known] + 1e-9)).all()
    order = np.random.default_rng(seed).permutation(rows)
    assert_groups_alike(whole, group(user[order], table[:, order], ln_mu[order], value[order], mean))


@every_mean
@given(seed=seeds, rows=st.integers(4, 60))
@settings(max_examples=40, deadline=None)
def test_groups_of_disjoint_users_merge(mean: Mean, seed: int, rows: int) -> None:
    user, table, ln_mu = observations(seed, rows)
    value = np.random.default_rng(seed + 1).integers(1, 4, rows)
    pieces = [part for part in (np.flatnonzero(user % 2 == rest) for rest in (0, 1)) if len(part)]
    parts = [group(user[part], table[:, part], ln_mu[part], value[part], mean) for part in pieces]
    assert_groups_alike(group(user, table, ln_mu, value, mean), merged(parts))


def test_a_group_of_one_session_has_that_users_index_and_no_interval() -> None:
    table = np.array([[60.0], [np.nan], [80.0], [np.nan]])
    made = group(np.zeros(1, np.int64), table, np.log([75.0]), np.ones(1, np.int64), MEANS[0])
    alone = score(sums(np.zeros(1, np.int64), table, np.log([75.0]), 1), rules(MEANS[0]))
    found = indices(made.count, made.total, made.square)
    assert found.mean[-1, 0] == pytest.approx(alone.overall[0], rel=1e-5)
    assert np.isnan(found.lo[-1, 0])
