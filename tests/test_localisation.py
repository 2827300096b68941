"""Causes in tables of leaves: counts and measures, with and without a history, and none where there is none."""

import numpy as np
import pandas as pd
import pytest

from bench.tables import table
from qoe.clusters import expected_by_precedent, localise
from qoe.clusters.noise import weighed_counts
from qoe.clusters.tables import leaves_of
from records.errors import DataError
from tests.cluster_worlds import World

NAMES = ["app", "isp", "device"]


def _frame(seed: int, worse: dict[str, str] | None = None, chance: float = 0.3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = {"app": 6, "isp": 4, "device": 8}
    places = np.indices(list(values.values())).reshape(3, -1)
    frame = pd.DataFrame({name: [f"{name}{value}" for value in row] for name, row in zip(values, places, strict=True)})
    frame["n"] = rng.integers(20, 400, len(frame))
    hit = np.full(len(frame), worse is not None)
    for name, value in (worse or {}).items():
        hit &= (frame[name] == value).to_numpy()
    frame["bad"] = rng.binomial(frame["n"], np.where(hit, chance, 0.03))
    return frame


def test_a_cause_of_two_conditions_is_named_without_a_history():
    found = localise(_frame(1, {"app": "app2", "isp": "isp1"}), NAMES, "bad", "n")
    assert [each.selector for each in found] == [{"app": ["app2"], "isp": ["isp1"]}]
    assert found[0].severity == pytest.approx(0.27 / 0.97, abs=0.05)
    assert found[0].q_value < 1e-6


def test_two_causes_are_two_and_each_leaf_is_explained_once():
    frame = _frame(2, {"app": "app2"}, 0.5)
    frame["bad"] = np.maximum(frame["bad"], _frame(3, {"device": "device5"}, 0.5)["bad"].clip(upper=frame["n"]))
    found = [each.selector for each in localise(frame, NAMES, "bad", "n")]
    assert sorted(found, key=str) == [{"app": ["app2"]}, {"device": ["device5"]}]


def test_what_was_always_poor_is_no_cause_once_a_history_says_so():
    poor = [_frame(seed, {"device": "device3"}) for seed in (4, 5)]
    assert [each.selector for each in localise(poor[0], NAMES, "bad", "n")] == [{"device": ["device3"]}]
    assert localise(poor[0], NAMES, "bad", "n", history=poor[1]) == []


def test_precedent_is_the_leafs_own_ratio_where_it_is_well_known_and_the_whole_where_it_is_not():
    history = pd.DataFrame({"app": ["a", "b"], "n": [100_000, 100_000], "bad": [10_000, 30_000]})
    asked = pd.DataFrame({"app": ["a", "b", "new"], "n": [100, 100, 100], "bad": [0, 0, 0]})
    expected = expected_by_precedent(asked, history, ["app"], "bad", "n")
    assert expected == pytest.approx([10.0, 30.0, 20.0], rel=0.01)


def test_leaves_with_missing_values_take_part_where_their_values_are_known():
    frame = _frame(6, {"app": "app2"})
    frame.loc[::5, "device"] = None
    assert [each.selector for each in localise(frame, NAMES, "bad", "n")] == [{"app": ["app2"]}]


def test_an_additive_measure_of_any_unit_needs_a_forecast_and_no_total():
    made = table(np.random.default_rng(8), (8, 6, 5))
    found = {
        frozenset((name, each[0]) for name, each in cause.selector.items())
        for cause in localise(made.frame, made.attributes, "bad", None, "expected")
    }
    scaled = made.frame.assign(bad=made.frame["bad"] * 1e6, expected=made.frame["expected"] * 1e6)
    again = {
        frozenset((name, each[0]) for name, each in cause.selector.items())
        for cause in localise(scaled, made.attributes, "bad", None, "expected")
    }
    assert found == again
    assert found <= made.truth
    with pytest.raises(DataError, match="expectation"):
        localise(made.frame, made.attributes, "bad", None)


def test_no_cause_is_found_in_noise():
    assert [localise(_frame(seed), NAMES, "bad", "n") for seed in range(20, 30)] == [[]] * 10


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(DataError, match="no column city"):
        localise(_frame(1), ["app", "city"], "bad", "n")


def test_no_leaf_weighs_more_than_its_expectation_is_worth():
    n = np.array([1e3, 1e6, 1e9])
    weighed = weighed_counts(0.05 * n, 0.05 * n, n)
    assert (weighed.expected <= 1 / 0.49**2).all()
    assert weighed.expected[0] == pytest.approx(50 / (2 + 0.25 * 50), rel=0.15)


def test_leaves_hold_what_their_sessions_hold():
    units = World(3, 2, per_window=40_000).units()
    leaves = leaves_of(units, ("app", "region"))
    assert len(leaves) == 2 * 10 * 4
    assert leaves.n.sum() == len(units)
    assert leaves.bad.sum() == units.bad.sum()
    chosen = (units.window == 1) & (units.attributes["app"] == 3)
    assert leaves.bad[(leaves.window == 1) & (leaves.attributes["app"] == 3)].sum() == units.bad[chosen].sum()
