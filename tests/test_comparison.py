"""Two versions of indices side by side: who moves, by how much, and who is only in one."""

import numpy as np
import pytest

from qoe.comparison import Scored, aligned, by_group, compare, shift_of


def scored(customer: list[int], overall: list[float], limiting: list[int] | None = None) -> Scored:
    values = np.array(overall)
    places = np.array(limiting or [0] * len(customer), np.int8)
    return Scored(np.array(customer), values, np.vstack([values] * 4), places)


def test_only_customers_of_both_versions_are_compared() -> None:
    before, after = aligned(scored([1, 2, 4], [50, 60, 70]), scored([2, 3, 4], [61, 10, 80]))
    found = compare(before, after)
    assert (found.overall.n, found.overall.shift) == (2, 5.5)
    assert (found.overall.risen, found.overall.fallen) == (0.5, 0.0)


def test_a_customer_without_an_index_in_one_version_is_counted_apart() -> None:
    found = compare(scored([1, 2, 3], [50, np.nan, 70]), scored([1, 2, 3], [np.nan, 60, 70]))
    assert (found.only_before, found.only_after, found.overall.n) == (1, 1, 1)
    assert np.isnan(found.overall.lo)


def test_bands_count_where_everybody_goes() -> None:
    found = compare(scored([1, 2, 3], [40, 60, 90]), scored([1, 2, 3], [55, 60, 70]))
    assert found.bands == ((0, 1, 0, 0), (0, 1, 0, 0), (0, 0, 0, 0), (0, 0, 1, 0))


def test_the_interval_holds_the_mean_shift() -> None:
    rng = np.random.default_rng(1)
    before = rng.uniform(20, 90, 5000)
    found = shift_of(before, before + rng.normal(2.0, 3.0, 5000))
    assert found.lo < 2.0 < found.hi
    assert found.hi - found.lo == pytest.approx(2 * 1.96 * 3.0 / np.sqrt(5000), rel=0.05)


def test_an_order_kept_is_a_rank_correlation_of_one_and_a_limiting_dimension_can_move() -> None:
    found = compare(scored([1, 2, 3], [10, 20, 30], [0, 1, 2]), scored([1, 2, 3], [11, 40, 90], [0, 2, 2]))
    assert found.rank_correlation == pytest.approx(1.0)
    assert found.limiting_moved == pytest.approx(1 / 3)


def test_small_groups_and_nobodys_are_left_out_and_the_greatest_shift_comes_first() -> None:
    before, after = scored([1, 2, 3, 4, 5], [50] * 5), scored([1, 2, 3, 4, 5], [51, 51, 40, 40, 90])
    found = by_group(before, after, np.array([7, 7, 8, 8, 9]), least=2)
    assert list(found) == [8, 7]
    assert found[8].shift == -10


def test_nobody_in_both_versions_says_nothing() -> None:
    found = compare(*aligned(scored([1], [50]), scored([2], [60])))
    assert found.overall.n == 0
    assert np.isnan(found.rank_correlation)
