"""Exact Shapley values of small games, many games at a time."""

from functools import cache
from math import factorial

import numpy as np

from qoe.model import FloatArray


def shapley_values(worth: FloatArray) -> FloatArray:
    """Shapley values (players, games) of the worth (2 ** players, games) of every coalition.

    Row c of `worth` belongs to the coalition of the players whose bit is set in c; row 0 to nobody. The values of a
    game sum to worth of all less worth of none (Shapley 1953: efficiency, symmetry, null player, additivity).
    """
    values: FloatArray = _weights(worth.shape[0].bit_length() - 1) @ worth
    return values


@cache
def _weights(players: int) -> FloatArray:
    """Row i, column c: what the worth of coalition c counts in the value of player i."""
    made = np.zeros((players, 1 << players))
    for coalition in range(1 << players):
        others = coalition.bit_count()
        for player in range(players):
            if not coalition >> player & 1:
                weight = factorial(others) * factorial(players - others - 1) / factorial(players)
                made[player, coalition] -= weight
                made[player, coalition | 1 << player] += weight
    return made
