"""Per-user indices: the published worked examples, bounds, monotony, order, merging, and a single session."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from qoe.catalogue import DIMENSIONS
from qoe.indices import APP, NETWORK, NONE, SERVICE, IndexRules, Sums, observe, score

RULES = IndexRules(prior_weight=10, weights=(0.40, 0.15, 0.30, 0.15), least_coverage=0.5)
MU = 75.0
PAGE = Path(__file__).parent.parent / "docs" / "indices.md"

scores = npst.arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 100))
tables = npst.arrays(
    np.float64, st.tuples(st.just(4), st.integers(1, 20)), elements=st.floats(0, 100) | st.just(np.nan)
)


def _sums(table: np.ndarray, mu: float = MU) -> Sums:
    sums = Sums.zeros(1)
    rows = np.zeros(table.shape[1], dtype=np.int64)
    for dimension, values in enumerate(table):
        observe(rows, 1, dimension, values, np.full(len(values), np.log(mu)), sums)
    return sums


def _table(**given_scores: list[float]) -> np.ndarray:
    longest = max(len(values) for values in given_scores.values())
    table = np.full((4, longest), np.nan)
    for name, values in given_scores.items():
        table[DIMENSIONS.index(name), : len(values)] = values
    return table


def _example(number: int) -> dict[str, float]:
    """The figures `name = value` of a worked example of the page."""
    text = PAGE.read_text(encoding="utf-8").split(f"Example {number}:")[1].split("\n\n")[1]
    return {name: float(value) for name, value in re.findall(r"`(\w+)` = (-?\d+(?:\.\d+)?)", text)}


def test_example_1_one_dimension() -> None:
    made = score(_sums(_table(network=[80.0, 60.0, 0.0])), RULES)
    figures = _example(1)
    assert made.dimension[NETWORK, 0] == pytest.approx(figures["network"], abs=5e-3)
    assert made.coverage[0] == pytest.approx(figures["coverage"])
    assert np.isnan(made.overall[0])
    assert made.limiting[0] == NETWORK


def test_example_2_overall_contributions_and_interval() -> None:
    made = score(_sums(_table(network=[90.0, 70.0], device=[95.0, 95.0], app=[20.0, 0.0], service=[85.0])), RULES)
    figures = _example(2)
    for row, name in enumerate(DIMENSIONS):
        assert made.dimension[row, 0] == pytest.approx(figures[name], abs=5e-3)
        assert made.contributions[row, 0] == pytest.approx(figures[f"{name}_c"], abs=5e-3)
    for name in ("overall", "lo", "hi"):
        assert getattr(made, name)[0] == pytest.approx(figures[name], abs=5e-3)
    assert made.contributions[4, 0] == pytest.approx(figures["prior_c"], abs=5e-3)
    assert made.limiting[0] == APP


def test_example_3_mu_of_a_mix_is_the_geometric_mean() -> None:
    sums = Sums.zeros(1)
    observe(np.zeros(2, np.int64), 1, NETWORK, np.array([50.0, 50.0]), np.log([75.0, 85.0]), sums)
    assert score(sums, RULES).dimension[NETWORK, 0] == pytest.approx(_example(3)["network"], abs=5e-3)


@given(tables)
def test_indices_stay_in_bounds_and_contributions_add_up(table: np.ndarray) -> None:
    made = score(_sums(table), RULES)
    present = ~np.isnan(table).all(axis=1)
    assert made.coverage[0] == pytest.approx(float(np.asarray(RULES.weights)[present].sum()))
    assert (np.isnan(made.dimension[:, 0]) == ~present).all()
    assert (made.dimension[present, 0] >= 1).all()
    assert (made.dimension[present, 0] <= 100).all()
    assert np.isnan(made.overall[0]) == (made.coverage[0] < 0.5 - 1e-9)
    if not np.isnan(made.overall[0]):
        assert made.lo[0] <= made.overall[0] <= made.hi[0] <= 100
        assert made.contributions[:, 0].sum() == pytest.approx(100 - made.overall[0], abs=1e-9)
        assert (made.contributions[:, 0] >= 0).all()
    assert (made.limiting[0] == NONE) == (not present.any())


@given(tables, st.randoms())
def test_order_does_not_matter_and_parts_merge(table: np.ndarray, random: object) -> None:
    whole = score(_sums(table), RULES)
    turned = score(_sums(table[:, ::-1]), RULES)
    cut = table.shape[1] // 2
    merged = score(_sums(table[:, :cut]) + _sums(table[:, cut:]), RULES)
    for other in (turned, merged):
        np.testing.assert_allclose(other.dimension, whole.dimension, rtol=1e-9)
        np.testing.assert_allclose(other.overall, whole.overall, rtol=1e-9)
        np.testing.assert_allclose(other.lo, whole.lo, rtol=1e-6)


@given(scores, st.integers(0, 29), st.floats(0, 100))
def test_a_better_session_never_lowers_the_index(values: np.ndarray, place: int, better: float) -> None:
    place %= len(values)
    improved = values.copy()
    improved[place] = max(better, values[place])
    before, after = (score(_sums(_table(network=list(v), app=[50.0])), RULES) for v in (values, improved))
    assert after.dimension[NETWORK, 0] >= before.dimension[NETWORK, 0] - 1e-9
    assert after.overall[0] >= before.overall[0] - 1e-9


@given(st.floats(0, 100))
def test_one_session_moves_the_index_from_mu_by_an_eleventh(value: float) -> None:
    made = score(_sums(_table(service=[value])), RULES).dimension[SERVICE, 0]
    assert np.log(made) == pytest.approx((np.log(max(value, 1.0)) + 10 * np.log(MU)) / 11)


def test_more_sessions_make_the_interval_narrower() -> None:
    few, many = (score(_sums(_table(network=[70.0] * n, app=[70.0] * n)), RULES) for n in (2, 50))
    assert many.hi[0] - many.lo[0] < few.hi[0] - few.lo[0]


def test_nobody_has_no_score() -> None:
    made = score(Sums.zeros(2), RULES)
    assert np.isnan(made.overall).all()
    assert (made.limiting == NONE).all()
    assert (made.coverage == 0).all()
