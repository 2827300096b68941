"""The cluster search on sessions whose faults are known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from qoe.clusters import History, Selector, Units, history_of, localise
from qoe.clusters.cluster import NOBODY, members_of
from qoe.clusters.history import Ratios
from qoe.clusters.significance import (
    MODEL_ERROR,
    benjamini_hochberg,
    design_effect,
    log_likelihood_ratio,
    severity,
    upper_tail,
    within_customer_correlation,
)
from tests.cluster_worlds import CALM, World, follow


def _one(tracker):
    assert len(tracker.clusters) == 1, [each.selector for each in tracker.clusters]
    return tracker.clusters[0]


def test_no_fault_gives_no_cluster_over_two_days_of_windows():
    assert [follow(World(seed, 96).units()).clusters for seed in (1, 2)] == [[], []]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("region", 2), ("site", 7), ("app", 3), ("server", 10), ("model", 5), ("core_node", 2), ("plan", 3)],
)
def test_a_fault_of_one_value_is_exactly_one_cluster_found_within_four_windows(attribute, value):
    world = World(11, 30)
    world.hurt(attribute, [value], 14, 22, 0.45)
    cluster = _one(follow(world.units()))
    assert cluster.selector == Selector.of({attribute: [value]})
    assert abs(cluster.start - 14) <= 1
    assert cluster.detected < 14 + 4
    assert abs(cluster.end - 22) <= 1


def test_a_cell_fault_is_a_cell_and_not_its_site():
    world = World(5, 30, per_window=4000)
    world.hurt("cell", [8], 14, 22, 0.6)
    cluster = _one(follow(world.units()))
    assert cluster.selector == Selector.of({"cell": [8]})


def test_a_fault_of_several_sites_at_once_is_one_cluster_of_these_sites():
    world = World(5, 30)
    world.hurt("site", [7, 8, 9, 21], 14, 24, 0.5)
    cluster = _one(follow(world.units()))
    assert cluster.selector == Selector.of({"site": [7, 8, 9, 21]})


def test_two_faults_at_different_times_are_two_clusters():
    world = World(6, 40)
    world.hurt("app", [3], 14, 22, 0.4)
    world.hurt("core_node", [2], 20, 30, 0.4)
    found = {each.selector for each in follow(world.units()).clusters}
    assert found == {Selector.of({"app": [3]}), Selector.of({"core_node": [2]})}


def test_a_burst_of_one_window_is_no_cluster():
    world = World(12, 30)
    world.hurt("site", [7], 14, 15, 0.5)
    assert follow(world.units()).clusters == []


def test_overwhelming_evidence_over_many_users_needs_no_second_window():
    world = World(12, 30)
    world.hurt("core_node", [2], 14, 22, 0.6)
    assert _one(follow(world.units())).detected == 14


def test_scattered_cells_are_not_one_cluster_of_cells():
    world = World(5, 30, per_window=4000)
    world.hurt("cell", [8, 40, 95], 14, 22, 0.6)
    found = follow(world.units()).clusters
    assert {each.selector for each in found} == {Selector.of({"cell": [code]}) for code in (8, 40, 95)}


def test_a_kind_of_day_that_was_never_seen_is_judged_with_more_doubt():
    assert History().error("cell") == pytest.approx(MODEL_ERROR)
    new, once = History(known_days=0), History(known_days=1)
    assert new.error("cell") > once.error("cell") > History(known_days=5).error("cell") > MODEL_ERROR
    assert new.error("cell") > new.error("app")
    world = World(5, 30, per_window=4000)
    world.hurt("site", [7, 30], 14, 22, 0.15)
    assert follow(world.units()).clusters
    doubtful = History(dispersion=CALM.dispersion, known_days=0)
    assert follow(world.units(), doubtful).clusters == []


def test_an_always_poor_model_that_history_knows_is_no_cluster():
    world = World(7, 40)
    world.hurt("model", [5], 0, 40, 0.4)
    world.expected = np.where(world.attributes["model"] == 5, 0.45, world.expected)
    assert follow(world.units()).clusters == []


def test_an_always_poor_server_is_known_by_its_own_ratio():
    world = World(7, 40)
    world.hurt("server", [10], 0, 40, 0.4)
    poor = Ratios(code=np.array([10]), ratio=np.array([0.448 / 0.08]))
    assert follow(world.units(), History(dispersion=CALM.dispersion, ratios={"server": poor})).clusters == []
    assert _one(follow(world.units())).selector.attributes == ("server",)


def test_a_busy_hour_that_lifts_everything_is_no_cluster():
    world = World(8, 30)
    busy = (world.window >= 12) & (world.window < 20)
    world.chance = np.where(busy, world.chance * 2, world.chance)
    assert follow(world.units()).clusters == []


def test_a_single_unlucky_customer_is_no_cluster():
    world = World(9, 24)
    world.customer[(world.attributes["site"] == 4) & (world.window >= 12)] = 17
    world.hurt("site", [4], 12, 24, 0.9)
    assert follow(world.units()).clusters == []


def test_members_and_totals_are_those_of_the_sessions_inside_the_cluster():
    world = World(10, 30)
    world.hurt("app", [3], 14, 22, 0.4)
    units = world.units()
    whole = _one(follow(units))
    inside = units.where((units.attributes["app"] == 3) & (units.window >= whole.start) & (units.window < whole.end))
    assert len(whole.members) == len(np.unique(inside.customer))
    assert whole.members.n.sum() == len(inside)
    assert whole.members.bad.sum() == inside.bad.sum() == whole.totals()[1]


def test_members_keep_first_and_last_bad_times():
    units = Units(
        time_us=np.array([10, 20, 30, 40]),
        window=np.zeros(4, np.int64),
        customer=np.array([1, 1, 2, 1]),
        n=np.ones(4),
        bad=np.array([0.0, 1.0, 0.0, 1.0]),
        expected=np.full(4, 0.1),
        attributes={},
    )
    members = NOBODY.plus(members_of(units.where(np.arange(4) < 2))).plus(members_of(units.where(np.arange(4) >= 2)))
    assert members.customer.tolist() == [1, 2]
    assert members.n.tolist() == [3, 1]
    assert members.first_bad_us.tolist() == [20, 0]
    assert members.last_bad_us.tolist() == [40, 0]


def test_the_likelihood_ratio_of_a_worked_example():
    # c = 20 against E = 8: 20 ln 2.5 - 12
    assert log_likelihood_ratio(np.array([20.0, 5.0]), np.array([8.0, 8.0])) == pytest.approx([6.3258, 0.0], abs=1e-4)


def test_benjamini_hochberg_of_a_worked_example():
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "BH")
    assert benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.02, 0.04, 0.04, 0.02])


@given(st.floats(0.5, 500), st.floats(0, 3), st.floats(1, 5))
def test_the_tail_is_a_probability_and_never_bolder_than_poisson(expected, raised, dispersion):
    bad = np.ceil(expected * (1 + raised))
    tail = upper_tail(np.array([bad]), np.array([expected]), np.array([dispersion]))[0]
    assert 0 <= tail <= 1
    if bad > expected * 1.5 + 3:
        assert tail >= poisson.sf(bad - 1, expected) * (1 - 1e-9)


def test_the_tail_holds_its_level_under_overdispersed_counts():
    rng = np.random.default_rng(3)
    mean, dispersion = 12.0, 2.0
    counts = rng.negative_binomial(mean / (dispersion - 1), 1 / dispersion, 200_000).astype(float)
    tail = upper_tail(counts, np.full_like(counts, mean), np.full_like(counts, dispersion))
    assert (tail <= 0.001).mean() <= 0.0012


def test_severity_is_the_share_of_what_could_get_worse():
    assert severity(np.array([40.0]), np.array([100.0]), np.array([20.0]))[0] == pytest.approx(0.25)


def test_customers_whose_sessions_agree_are_seen_to_and_inflate_the_variance():
    rng = np.random.default_rng(4)
    customer = np.repeat(np.arange(1, 2001), 4)
    alike = np.repeat(rng.random(2000) < 0.2, 4).astype(float)
    apart = (rng.random(8000) < 0.2).astype(float)
    made = {
        "time_us": np.zeros(8000, np.int64),
        "window": np.zeros(8000, np.int64),
        "customer": customer,
        "n": np.ones(8000),
        "expected": np.full(8000, 0.2),
        "attributes": {},
    }
    assert within_customer_correlation(Units(bad=alike, **made)) == pytest.approx(1.0, abs=0.1)
    assert within_customer_correlation(Units(bad=apart, **made)) == pytest.approx(0.0, abs=0.05)
    assert design_effect(np.full(10, 4.0), 1.0) == pytest.approx(4.0)


def test_history_learns_ratios_and_unrest():
    rng = np.random.default_rng(5)
    code = np.tile(np.arange(1, 11), 500)
    expected = np.full(5000, 4.0)
    bad = rng.poisson(np.where(code == 3, 12.0, 4.0)).astype(float)
    found = history_of({"site": (code, expected, bad)})
    assert found.ratios["site"].at(np.array([3, 4, 99])) == pytest.approx([3.0, 1.0, 1.0], rel=0.1)
    assert found.unrest("site") == pytest.approx(1.0, abs=0.15)
    assert found.unrest("never seen") == 2.0


def test_what_all_values_have_in_common_and_earlier_faults_are_no_value_s_own() -> None:
    """Three faults of one day once raised every server, core node and plan by a fifth: together by 1.8."""
    rng = np.random.default_rng(6)
    code, window = np.tile(np.arange(1, 6), 600), np.repeat(np.arange(600), 5)
    expected = np.full(3000, 6.0)
    bad = rng.poisson(expected * 1.2).astype(float)
    bad[(window >= 300) & (window < 320) & (code == 2)] += 40
    found = history_of({"server": (code, expected, bad)})
    assert found.ratios["server"].at(np.arange(1, 6)) == pytest.approx(np.ones(5), abs=0.05)
    assert found.unrest("server") == pytest.approx(1.0, abs=0.35)


def test_localise_names_the_value_that_explains_a_table():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame(
        {"isp": rng.choice(["a", "b", "c"], 600), "city": rng.choice([f"c{each}" for each in range(20)], 600)}
    )
    frame["total"] = 200
    frame["bad"] = rng.binomial(200, np.where(frame["city"] == "c7", 0.3, 0.05))
    found = localise(frame, ["isp", "city"], "bad", "total")
    assert [each.selector for each in found] == [{"city": ["c7"]}]
    assert found[0].severity == pytest.approx(0.25 / 0.95, abs=0.03)


@pytest.mark.parametrize("names", [("app", "model"), ("model", "band"), ("app", "core_node")])
def test_a_fault_of_two_conditions_is_named_by_both(names):
    world = World(13, 28, per_window=3000)
    both = np.logical_and.reduce([world.attributes[name] == 2 for name in names])
    world.hurt_where(both, 14, 24, 0.6)
    cluster = _one(follow(world.units()))
    assert cluster.selector == Selector.of(dict.fromkeys(names, (2,)))
    assert cluster.detected < 14 + 4
