"""Shapley values: the axioms, and agreement with the mean over all orders of arrival."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qoe.shapley import shapley_values

WORTH = st.integers(1, 6).flatmap(
    lambda players: arrays(np.float64, st.tuples(st.just(1 << players), st.integers(1, 4)), elements=st.floats(0, 100))
)


def _brute(worth: np.ndarray) -> np.ndarray:
    players = worth.shape[0].bit_length() - 1
    total = np.zeros((players, worth.shape[1]))
    orders = list(permutations(range(players)))
    for order in orders:
        there = 0
        for player in order:
            total[player] += worth[there | 1 << player] - worth[there]
            there |= 1 << player
    return total / len(orders)


@settings(deadline=None)  # six players have 720 orders
@given(WORTH)
def test_it_is_the_mean_over_all_orders(worth: np.ndarray) -> None:
    assert shapley_values(worth) == pytest.approx(_brute(worth), abs=1e-9)


@given(WORTH)
def test_values_sum_to_what_all_win(worth: np.ndarray) -> None:
    assert shapley_values(worth).sum(axis=0) == pytest.approx(worth[-1] - worth[0], abs=1e-9)


@given(arrays(np.float64, (8, 3), elements=st.floats(0, 100)))
def test_who_adds_nothing_gets_nothing_and_changes_nothing_for_the_others(worth: np.ndarray) -> None:
    values = shapley_values(np.concatenate([worth, worth]))
    assert values[3] == pytest.approx(np.zeros(3), abs=1e-9)
    assert values[:3] == pytest.approx(shapley_values(worth), abs=1e-9)


@given(arrays(np.float64, (5, 3), elements=st.floats(0, 100)))
def test_who_adds_the_same_gets_the_same(by_size: np.ndarray) -> None:
    worth = np.array([by_size[coalition.bit_count()] for coalition in range(16)])
    values = shapley_values(worth)
    assert values == pytest.approx(np.repeat(values[:1], 4, axis=0), abs=1e-9)


@given(arrays(np.float64, (2, 8, 2), elements=st.floats(0, 100)))
def test_two_games_in_one_are_worth_their_sum(pair: np.ndarray) -> None:
    assert shapley_values(pair[0] + pair[1]) == pytest.approx(
        shapley_values(pair[0]) + shapley_values(pair[1]), abs=1e-9
    )
