"""Complaints and the clusters that explain them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.background import Span
from customers.exposure import HOUR_US, LINK_US, Complaint, Crowd, Exposure, Harm, density, passed
from customers.links import Linked, link
from customers.risk import PRIOR_COMPLAINTS, relative_risk
from customers.sufferers import ALL_TOPICS, risks, silent

SPAN = Span(start_us=-100 * HOUR_US, end_us=100 * HOUR_US, customers=5000)


def _exposure(name="c1", customers=range(100, 140), bad=3, first=10 * HOUR_US, last=12 * HOUR_US, **given):
    who = np.array(list(customers))
    many = np.full(len(who), 1)
    harm = Harm(customer=who, n=many * max(bad, 4), bad=many * bad, first_bad_us=many * first, last_bad_us=many * last)
    return Exposure(
        **{
            "cluster_id": name,
            "dimension": "network",
            "started_us": 10 * HOUR_US - 1,
            "ended_us": 12 * HOUR_US,
            "bad_ratio": 0.75,
            "expected_ratio": 0.1,
            "harm": harm,
            "crowd": Crowd(n=harm.n, bad=harm.bad, users=many, last_bad_us=last),
            **given,
        }
    )


def _complaint(name, customer, hour, topic="speed", **given):
    at_us = int(hour * HOUR_US)
    return Complaint(
        source_id=1, complaint_id=name, customer=customer, at_us=at_us, topic=topic, hour=int(hour) % 24, **given
    )


def _chances(found: Linked) -> dict[str, float]:
    sums: dict[str, float] = {}
    for each in found.links:
        sums[each.complaint_id] = sums.get(each.complaint_id, 0.0) + each.probability
    return sums


def test_the_relative_risk_of_the_worked_example():
    # 30 of 1000 exposed against 40 of 9000: RR 6.75 [4.22, 10.79], lift 4.286, attributable fraction 0.365
    risk = relative_risk("speed", 30, 1000, 40, 9000)
    assert (risk.relative_risk, risk.lo, risk.hi) == pytest.approx((6.75, 4.22, 10.79), abs=0.01)
    assert (risk.lift, risk.attributable) == pytest.approx((4.286, 0.365), abs=0.001)
    assert risk.shrunk == pytest.approx((30 + PRIOR_COMPLAINTS) / (40 / 9 + PRIOR_COMPLAINTS))


@given(st.integers(0, 50), st.integers(50, 1000), st.integers(0, 50), st.integers(50, 1000))
def test_an_interval_holds_its_risk_and_nothing_is_attributed_to_what_protects(a, exposed, b, others):
    risk = relative_risk("", a, exposed, b, others)
    assert risk.lo <= risk.relative_risk <= risk.hi
    assert 0 <= risk.attributable < 1
    assert (risk.attributable > 0) == (risk.relative_risk > 1 + 1e-12) or abs(risk.relative_risk - 1) < 1e-9


def test_complaints_of_the_hurt_are_linked_and_of_others_are_not():
    complaints = [_complaint(f"x{each}", 100 + each, 14) for each in range(6)] + [_complaint("y", 999, 14)]
    found = link(complaints, [_exposure()], SPAN)
    assert {each.complaint_id for each in found.links} == {f"x{each}" for each in range(6)}
    assert all(each.probability > 0.8 for each in found.links)
    assert found.unexplained[-1] == 1


@pytest.mark.parametrize(("hour", "linked"), [(9.9, False), (10.0, False), (10.1, True), (60.0, True), (60.1, False)])
def test_only_complaints_within_48_hours_after_a_bad_session_count(hour, linked):
    assert LINK_US == 48 * HOUR_US
    found = link([_complaint("x", 100, hour)], [_exposure()], SPAN)
    assert bool(found.links) is linked


def test_a_topic_that_everybody_complains_of_is_not_explained():
    billing = [_complaint(f"b{each}", 1000 + each, 14, "billing") for each in range(500)]
    mine = [_complaint(f"m{each}", 100 + each, 14, "billing") for each in range(4)]
    found = link(billing + mine, [_exposure()], SPAN)
    assert all(each.probability < 0.5 for each in found.links)


@pytest.mark.parametrize("seed", range(5))
def test_a_wave_of_the_same_hours_is_not_explained_by_whom_it_meets(seed):
    """A wave of bills that met a fault's hours was once taken for the fault's."""
    rng = np.random.default_rng(seed)
    hours = rng.uniform(8, 20, 60)
    wave = [_complaint(f"w{each}", int(rng.integers(100, 500)), hour, "billing") for each, hour in enumerate(hours)]
    mine = [_complaint(f"m{each}", 100 + each, 12 + each / 4) for each in range(20)]
    span = replace(SPAN, customers=400)
    linked = link(wave + mine, [_exposure(customers=range(100, 240))], span, {"billing": "none", "speed": "network"})
    found = _chances(linked)
    assert np.mean([found[f"m{each}"] for each in range(20)]) > 0.9
    assert np.mean([found.get(f"w{each}", 0.0) for each in range(60)]) < 0.25


def test_one_complaint_alone_is_no_certainty():
    others = [_complaint(f"o{each}", 2000 + each, 14) for each in range(20)]
    found = link([_complaint("x", 100, 14), *others], [_exposure()], SPAN)
    assert 0.2 < found.links[0].probability < 0.8


@given(st.integers(1, 4), st.integers(1, 30), st.integers(0, 50))
def test_probabilities_over_overlapping_clusters_and_nothing_known_sum_to_one(clusters, hurt, others):
    complaints = [_complaint(f"x{each}", 100 + each, 14) for each in range(hurt)]
    complaints += [_complaint(f"o{each}", 2000 + each, 14) for each in range(others)]
    found = link(complaints, [_exposure(f"c{each}") for each in range(clusters)], SPAN)
    assert all(0 < each.probability < 1 for each in found.links)
    for complaint, rest in zip(complaints, found.unexplained, strict=True):
        assert _chances(found).get(complaint.complaint_id, 0.0) + rest == pytest.approx(1)


def test_more_bad_sessions_and_an_earlier_complaint_make_a_link_likelier():
    exposure = _exposure()
    harm = exposure.harm
    bad = harm.bad.copy()
    bad[0] = 12
    exposure = replace(exposure, harm=replace(harm, bad=bad, n=np.maximum(harm.n, bad)))
    others = [_complaint(f"o{each}", 2000 + each, 2 * each - 100) for each in range(100)]
    mine = [_complaint("many", 100, 20), _complaint("few", 101, 20), _complaint("late", 102, 55)]
    chance = _chances(link(mine + others, [exposure], SPAN))
    assert chance["many"] > chance["few"] > chance["late"]


def test_a_complaint_that_names_another_place_is_less_likely_the_cluster_s():
    exposure = _exposure(selector={"app": frozenset({"chat"})})
    mine = [_complaint(f"x{each}", 100 + each, 20, named={"app": "chat"}) for each in range(10)]
    mine += [_complaint("other", 120, 20, named={"app": "maps"}), _complaint("none", 121, 20)]
    chance = _chances(link(mine, [exposure], SPAN))
    assert chance["x0"] > chance["none"] > chance["other"]


def test_a_complaint_goes_to_the_cluster_of_its_topic():
    network, app = _exposure("net"), _exposure("app", dimension="app")
    mine = [_complaint(f"x{each}", 100 + each, 20, "app") for each in range(8)]
    found = link(mine, [network, app], SPAN, {"app": "app", "speed": "network"})
    chance = {(each.complaint_id, each.cluster_id): each.probability for each in found.links}
    assert all(chance[f"x{each}", "app"] > 2 * chance[f"x{each}", "net"] for each in range(8))


def test_complaints_that_one_cluster_explains_do_not_hide_another():
    first, second = _exposure("a"), _exposure("b", customers=range(200, 240))
    many = [_complaint(f"a{each}", 100 + each, 14) for each in range(30)]
    few = [_complaint(f"b{each}", 200 + each, 14) for each in range(4)]
    span = replace(SPAN, customers=200)
    alone, both = _chances(link(few, [second], span)), _chances(link(many + few, [first, second], span))
    assert both["b0"] == pytest.approx(alone["b0"], abs=0.15)


def test_silent_sufferers_are_hurt_like_the_complainers_and_said_nothing():
    exposure = _exposure()
    bad = exposure.harm.bad.copy()
    bad[20:] = 1
    bad[15] = 4
    harm = replace(exposure.harm, bad=bad)
    exposure = replace(exposure, harm=harm, crowd=replace(exposure.crowd, bad=bad))
    complaints = [_complaint(f"x{each}", 100 + each, 14) for each in range(5)]
    linked = link(complaints, [exposure], SPAN)
    found = silent(exposure, harm, linked.rate["c1"], complaints, linked.links)
    assert found.count == 15
    assert found.customer[0] == 115
    assert sorted(found.customer.tolist()) == list(range(105, 120))
    assert found.risk[0] == pytest.approx(1 - np.exp(-linked.rate["c1"] * exposure.dose(harm.n, harm.bad)[15]))
    assert (np.diff(found.risk) <= 0).all()


def test_risks_count_each_customer_once_for_a_topic_and_once_for_all():
    exposure = _exposure()
    complaints = [_complaint("a", 100, 14), _complaint("b", 100, 15), _complaint("c", 100, 16, "app")]
    complaints += [_complaint("d", 900, 14), _complaint("late", 901, 99), _complaint("early", 902, 5)]
    found = {each.topic: each for each in risks(complaints, exposure, 5000)}
    assert (found["speed"].exposed_complaints, found["speed"].other_complaints) == (1, 1)
    assert (found[ALL_TOPICS].exposed_complaints, found[ALL_TOPICS].exposed) == (1, 40)
    assert found["app"].others == 4960


@given(st.floats(0.5, 100), st.floats(0, 60))
def test_the_lag_s_density_and_distribution_are_of_one_piece(mean_h, hours):
    grid = np.linspace(1e-9, max(hours, 1e-9), 4001)
    assert np.trapezoid(density(grid, mean_h), grid) == pytest.approx(passed(hours, mean_h), abs=2e-3)


def test_a_dose_counts_what_the_cluster_did_and_no_more():
    exposure = _exposure()
    assert exposure.dose(np.array([4]), np.array([0])).tolist() == [0]
    # (3 + 3 * 0.75) / (4 + 3) = 0.75; 3 * (1 - 0.1 / 0.75) = 2.6
    assert exposure.dose(np.array([4]), np.array([3])) == pytest.approx(2.6)
    assert exposure.dose(np.array([1000]), np.array([10])) == pytest.approx(1.0)


def test_without_complaints_or_clusters_there_is_nothing_to_link():
    assert link([], [_exposure()], SPAN).links == ()
    alone = link([_complaint("x", 1, 14)], [], SPAN)
    assert alone.links == ()
    assert alone.unexplained.tolist() == [1]
