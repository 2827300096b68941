"""Fairness of groups, and Simpson's paradox in the tables that are known for it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from qoe.fairness import fairness
from qoe.simpson import REVERSED, VANISHED, Comparison, Mixture, compare, warnings

# Appleton, French and Vanderpump 1996 (Whickham): by age group smokers alive, smokers, others alive, others.
SMOKERS = [
    (53, 55, 61, 62), (121, 124, 152, 157), (95, 109, 114, 121), (103, 130, 66, 78),
    (64, 115, 81, 121), (7, 36, 28, 129), (0, 13, 0, 64),
]  # fmt: skip
# Bickel, Hammel and O'Connell 1975 (Berkeley): by department men admitted, men, women admitted, women.
BERKELEY = [
    (512, 825, 89, 108), (353, 560, 17, 25), (120, 325, 202, 593), (138, 417, 131, 375), (53, 191, 94, 393),
    (22, 373, 24, 341),
]  # fmt: skip
# Charig et al. 1986 (kidney stones): small and large: open surgery successes, all, puncture successes, all.
STONES = [(81, 87, 234, 270), (192, 263, 55, 80)]


def _mixture(table: list[tuple[int, int, int, int]], times: int = 1) -> Mixture:
    """Of counts of successes: the square of a success is a success."""
    rows = times * np.array(table, dtype=float)
    return Mixture(count=rows[:, [1, 3]], total=rows[:, [0, 2]], square=rows[:, [0, 2]])


def _made(table: list[tuple[int, int, int, int]], times: int = 1) -> Comparison:
    made = compare(_mixture(table, times))
    assert made is not None
    return made


def test_smokers_live_longer_until_their_age_is_looked_at() -> None:
    made = _made(SMOKERS)
    assert made.crude == pytest.approx(443 / 582 - 502 / 732)
    assert made.adjusted < 0
    assert (made.strata, made.against) == (6, 5)  # too few smokers reached the age of 75 to be compared
    assert warnings([made]) == [REVERSED]


def test_the_bias_of_berkeley_vanishes_within_departments() -> None:
    made = _made(BERKELEY)
    assert made.crude == pytest.approx(1198 / 2691 - 557 / 1835)
    assert made.adjusted < 0
    assert warnings([made]) == [VANISHED]


def test_a_reversal_needs_enough_evidence() -> None:
    """Few stones show a reversal by chance; ten times as many would show it for good."""
    made = _made(STONES)
    assert (made.crude < 0, made.adjusted > 0, made.against) == (True, True, 2)
    assert warnings([made]) == [None]
    assert warnings([_made(STONES, times=10)]) == [REVERSED]
    assert compare(_mixture([(9, 10, 5, 10), (1, 10, 0, 10)])) is None
    assert compare(_mixture(STONES[:1])) is None
    assert compare(_mixture([*STONES, (1, 10, 50, 300)])) is None


def test_many_comparisons_are_tested_together() -> None:
    weak, strong = _made(STONES, times=4), _made(STONES, times=100)
    assert warnings([weak]) == [REVERSED]
    nothing = _made([(50, 100, 50, 100), (50, 100, 50, 100)])
    found = warnings([weak, strong, *[nothing] * 40])
    assert found[:2] == [None, REVERSED]
    assert set(found[2:]) == {None}


def test_an_honest_difference_is_no_warning() -> None:
    assert warnings([_made([(80, 100, 50, 100), (90, 100, 60, 100)])]) == [None]
    assert warnings([]) == []


@given(npst.arrays(np.int64, (5, 2), elements=st.integers(20, 400)), npst.arrays(np.float64, (5, 2),
       elements=st.floats(0, 1)))  # fmt: skip
def test_sides_turn_with_the_sign_and_strata_have_no_order(count: np.ndarray, share: np.ndarray) -> None:
    total = np.round(count * share)
    made = compare(Mixture(count, total, total))
    turned = compare(Mixture(count[::-1, ::-1], total[::-1, ::-1], total[::-1, ::-1]))
    assert made is not None
    assert turned is not None
    assert turned.crude == pytest.approx(-made.crude)
    assert turned.adjusted == pytest.approx(-made.adjusted, abs=1e-12)
    assert warnings([turned]) == warnings([made])
    assert made.share == 1
    difference = total[:, 0] / count[:, 0] - total[:, 1] / count[:, 1]
    assert difference.min() - 1e-9 <= made.adjusted <= difference.max() + 1e-9


def test_fairness_by_hand() -> None:
    scores = np.array([40.0, 60.0, 80.0])
    made = fairness(np.array([3]), np.array([scores.sum()]), np.array([(scores**2).sum()]))
    assert made.sigma[0] == pytest.approx(scores.std())
    assert made.f[0] == pytest.approx(1 - 2 * scores.std() / 100)


@given(npst.arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 100)))
def test_fairness_is_one_for_equals_and_never_below_zero(scores: np.ndarray) -> None:
    made = fairness(np.array([len(scores)]), np.array([scores.sum()]), np.array([(scores**2).sum()]))
    assert -1e-9 <= made.f[0] <= 1
    level = fairness(np.array([5]), np.array([5 * scores[0]]), np.array([5 * scores[0] ** 2]))
    assert level.f[0] == pytest.approx(1, abs=1e-5)


def test_the_ends_of_the_scale_are_as_unfair_as_can_be_and_nobody_has_no_fairness() -> None:
    made = fairness(np.array([2, 0]), np.array([100.0, 0.0]), np.array([10_000.0, 0.0]))
    assert made.f[0] == 0
    assert np.isnan(made.f[1])
