"""A cluster's life: since when, whether it grows, splits, comes back and ends; and neighbours found by space."""

import numpy as np
import pytest

from qoe.clusters import Selector
from qoe.clusters.changepoint import onset_of, shift_of
from qoe.clusters.scan import scan
from qoe.clusters.space import space_of
from qoe.clusters.zones import gumbel_tail, kulldorff
from tests.cluster_worlds import CALM, POLICY, World, follow

SITES = 40
CELL = np.arange(1, 121)
# Forty sites of three cells each on a grid of eight columns, a kilometre apart.
SPACE = space_of(CELL, (CELL - 1) // 3 + 1, 31 + (CELL - 1) // 3 // 8 * 0.009, 121 + (CELL - 1) // 3 % 8 * 0.0105)


def _kinds(cluster):
    return [change.kind for change in cluster.changes]


def test_the_start_is_where_the_likelihood_says_and_its_interval_holds_it() -> None:
    expected = np.full(12, 10.0)
    bad = np.where(np.arange(12) >= 7, 30.0, 10.0)
    sharp = onset_of(bad, expected, 100, 1.0)
    assert (sharp.window, sharp.lo, sharp.hi) == (107, 107, 107)
    vague = onset_of(np.where(np.arange(12) >= 7, 3.0, 1.0), np.full(12, 1.0), 100, 1.0)
    assert vague.lo < 107 < vague.hi
    unruly = onset_of(np.where(np.arange(12) >= 7, 16.0, 10.0), expected, 100, 3.0)
    assert unruly.hi - unruly.lo > 0
    assert onset_of(bad, expected, 100, 1.0, latest=105).window <= 105


def test_the_interval_of_the_start_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        bad = rng.poisson(np.where(np.arange(16) >= 9, 12.0, 6.0)).astype(float)
        found = onset_of(bad, np.full(16, 6.0), 0, 1.0)
        held += found.lo <= 9 <= found.hi
    assert 0.9 <= held / 400 <= 1.0


def test_a_measurement_that_shifts_is_placed_and_one_that_does_not_is_not() -> None:
    found = shift_of(np.array([1.0, 1.2, 0.9, np.nan, 1.1, 5.0, 5.2, 4.9]))
    assert found is not None
    assert found.index == 5
    assert found.effect > 10
    assert shift_of(np.full(8, 3.0)) is None
    assert shift_of(np.array([1.0, 2.0, np.nan])) is None


def test_the_scan_statistic_of_a_worked_example() -> None:
    # c = 20 where 8 are expected, of 200: 20 ln(20 / 8) + 180 ln(180 / 192)
    assert kulldorff(np.array([20.0, 5.0]), np.array([8.0, 8.0]), 200.0) == pytest.approx([6.7089, 0.0], abs=1e-4)


def test_the_tail_of_the_scan_goes_beyond_the_draws() -> None:
    rng = np.random.default_rng(2)
    drawn = rng.gumbel(5.0, 1.2, 2000)
    assert gumbel_tail(5.0 + 1.2 * 10, drawn) == pytest.approx(np.exp(-10), rel=0.5)
    assert gumbel_tail(float(np.median(drawn)), drawn) == pytest.approx(0.5, abs=0.05)
    assert gumbel_tail(40.0, drawn[:99]) < 1e-6


def _mild(seed: int, sites: list[int], severity: float) -> World:
    world = World(seed, 30)
    world.hurt("site", sites, 14, 24, severity)
    return world


def test_neighbours_that_are_worse_only_together_are_found_by_space() -> None:
    """No single site of these would do; the words of a cluster by space are its cells."""
    sites = [11, 12, 19, 20]
    units = _mild(21, sites, 0.12).units()
    assert SPACE is not None
    (cluster,) = follow(units, space=SPACE).clusters
    (name, cells), *more = cluster.selector.conditions
    assert name == "cell"
    assert not more
    found = {(cell - 1) // 3 + 1 for cell in cells}
    assert len(found & set(sites)) / len(found | set(sites)) >= 0.6
    assert cluster.detected <= 20


def test_a_site_stays_a_site_when_space_is_searched_too() -> None:
    world = World(11, 30)
    world.hurt("site", [7], 14, 22, 0.45)
    (cluster,) = follow(world.units(), space=SPACE).clusters
    assert cluster.selector == Selector.of({"site": [7]})


def test_space_finds_nothing_where_nothing_is() -> None:
    assert SPACE is not None
    found = []
    for seed in (1, 2):
        units = World(seed, 60).units()
        found += [scan(units.between(last - 3, last), last, SPACE, POLICY, CALM) for last in range(4, 60)]
    assert not any(found)


def test_a_space_needs_three_sites_with_a_position() -> None:
    nowhere = np.array([np.nan, 31.0, 31.1, 31.2])
    assert space_of(np.arange(1, 5), np.array([1, 1, 2, 2]), nowhere, nowhere) is None
    lone = space_of(np.arange(1, 5), np.zeros(4, np.int64), np.array([31.0, 31.1, 31.2, 31.3]), np.full(4, 121.0))
    assert lone is not None
    assert lone.size == 4
    assert lone.site_of(np.array([3, 99])).tolist() == [lone.site[2], -1]


def test_a_life_is_told_from_its_opening_to_its_end() -> None:
    world = World(11, 34)
    world.hurt("site", [7], 14, 22, 0.45)
    (cluster,) = follow(world.units()).clusters
    assert _kinds(cluster)[0] == "opened"
    assert _kinds(cluster)[-1] == "ended"
    assert cluster.onset.lo <= 14 <= cluster.onset.hi


def test_a_fault_that_comes_back_at_once_is_the_same_cluster() -> None:
    world = World(13, 40)
    world.hurt("app", [3], 14, 20, 0.45)
    world.hurt("app", [3], 26, 32, 0.45)
    (cluster,) = follow(world.units()).clusters
    assert "reopened" in _kinds(cluster)


def test_values_that_join_late_in_one_event_make_it_grow() -> None:
    world = World(14, 34)
    world.hurt("site", [7, 8], 14, 26, 0.5)
    world.hurt("site", [21], 15, 26, 0.5)
    (cluster,) = follow(world.units()).clusters
    assert cluster.selector.codes("site") == {7, 8, 21}
    assert {"opened"} <= set(_kinds(cluster))


def test_values_that_fail_hours_later_are_a_cluster_of_their_own() -> None:
    world = World(14, 44)
    world.hurt("site", [7], 14, 34, 0.5)
    world.hurt("site", [30], 26, 36, 0.5)
    found = {each.selector for each in follow(world.units()).clusters}
    assert found == {Selector.of({"site": [7]}), Selector.of({"site": [30]})}
