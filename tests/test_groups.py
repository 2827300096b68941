"""Group indices: each user counts once, sums merge, and a hand-made table comes out as computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qoe.fares import Observations
from qoe.groups import MEASURES, GroupSums, group_sums, indices, merged
from qoe.indices import IndexRules

RULES = IndexRules(prior_weight=10, weights=(0.40, 0.15, 0.30, 0.15), least_coverage=0.5)
MU = 75.0


def _observed(user: list[int], bucket: list[int], network: list[float], app: list[float]) -> Observations:
    rows = len(user)
    table = np.full((4, rows), np.nan)
    table[0], table[2] = network, app
    bad = np.minimum(table[0], table[2]) < 50
    return Observations.of(
        np.array(user, dtype=np.int64),
        np.array(bucket, dtype=np.int64),
        table,
        np.full(rows, np.log(MU)),
        np.ones(rows, bool),
        bad,
        np.full(rows, 0.25),
    )


def _one(values: list[float]) -> float:
    """ln-mean with the prior, of one user."""
    return float(np.exp((np.log(values).sum() + 10 * np.log(MU)) / (len(values) + 10)))


def test_a_hand_made_table() -> None:
    cell = np.array([7, 7, 7, 9, 0])
    seen = _observed([0, 0, 1, 1, 2], [0, 1, 0, 0, 0], [90, 40, 80, 30, 10], [90, 90, 80, 80, 80])
    made = group_sums(cell, seen, RULES)[1]
    assert made.value.tolist() == [7, 9]
    assert made.n.tolist() == [3, 1]
    assert made.bad.tolist() == [1, 1]
    assert made.n_users.tolist() == [2, 1]
    assert made.bad_users.tolist() == [1, 1]
    assert made.expected == pytest.approx([0.75, 0.25])
    found = indices(made.count, made.total, made.square)
    users = [_one([90, 40]), _one([80])]
    assert found.mean[0, 0] == pytest.approx(np.mean(users))
    half = 1.959964 * np.std(users, ddof=1) / np.sqrt(2)
    assert found.lo[0, 0] == pytest.approx(np.mean(users) - half, rel=1e-5)
    assert np.isnan(found.lo[0, 1])
    overall = np.exp((0.4 * np.log(_one([30])) + 0.3 * np.log(_one([80]))) / 0.7)
    assert found.mean[MEASURES.index("overall"), 1] == pytest.approx(overall)
    assert made.count[1].tolist() == [0, 0]
    assert np.isnan(found.mean[1]).all()


def test_buckets_are_kept_apart() -> None:
    seen = _observed([0, 0, 1], [0, 3, 3], [90, 40, 80], [90, 90, 80])
    made = group_sums(np.array([5, 5, 5]), seen, RULES)[0]
    assert list(zip(made.value.tolist(), made.bucket.tolist(), made.n_users.tolist(), strict=True)) == [
        (5, 0, 1),
        (5, 3, 2),
    ]


def test_one_heavy_user_does_not_outweigh_the_others() -> None:
    many = _observed([0] * 50 + [1, 2], [0] * 52, [5.0] * 50 + [90.0, 90.0], [90.0] * 52)
    made = group_sums(np.ones(52, dtype=np.int64), many, RULES)[1]
    mean = indices(made.count, made.total, made.square).mean[0, 0]
    assert mean == pytest.approx(np.mean([_one([5.0] * 50), _one([90.0]), _one([90.0])]))


rows = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3), st.floats(0, 100), st.floats(0, 100), st.integers(0, 3)),
    min_size=1,
    max_size=40,
)


def _columns(table: GroupSums) -> dict[str, np.ndarray]:
    return {name: np.asarray(value, dtype=float) for name, value in vars(table).items()}


@given(rows)
def test_order_does_not_matter_and_disjoint_users_merge(table: list[tuple[int, int, float, float, int]]) -> None:
    def made(part: list[tuple[int, int, float, float, int]]) -> GroupSums:
        user, bucket, network, app, value = (list(column) for column in zip(*part, strict=True))
        return group_sums(np.array(value), _observed(user, bucket, network, app), RULES)[0]

    whole = made(table)
    assert (whole.bad <= whole.n).all()
    assert (whole.bad_users <= whole.n_users).all()
    assert (whole.n_users <= whole.n).all()
    halves = [part for part in ([r for r in table if r[0] < 3], [r for r in table if r[0] >= 3]) if part]
    for other in (made(table[::-1]), merged([made(part) for part in halves])):
        for name, column in _columns(whole).items():
            np.testing.assert_allclose(_columns(other)[name], column, rtol=1e-5, err_msg=name, atol=1e-3)
    found = indices(whole.count, whole.total, whole.square)
    known = ~np.isnan(found.mean)
    assert ((found.mean[known] >= 1 - 1e-3) & (found.mean[known] <= 100 + 1e-3)).all()


def test_nothing_has_no_groups() -> None:
    seen = _observed([], [], [], [])
    assert len(group_sums(np.zeros(0, dtype=np.int64), seen, RULES)[0].value) == 0
