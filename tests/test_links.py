"""Complaints and the clusters that explain them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.links import LINK_US, PRIOR_COMPLAINTS, Complaint, Exposure, link, relative_risk
from customers.topics import OTHER, taxonomy_of, topic_of
from records.errors import ConfigError

HOUR_US = 3_600_000_000


def _exposure(name="c1", customers=range(100, 140), bad=3, first=10 * HOUR_US, last=12 * HOUR_US):
    size = len(list(customers))
    return Exposure(
        cluster_id=name,
        started_us=10 * HOUR_US,
        ended_us=12 * HOUR_US,
        customer=np.array(list(customers)),
        bad=np.full(size, bad),
        first_bad_us=np.full(size, first),
        last_bad_us=np.full(size, last),
    )


def _complaint(name, customer, hour, topic="speed"):
    return Complaint(source_id=1, complaint_id=name, customer=customer, at_us=int(hour * HOUR_US), topic=topic)


def test_the_relative_risk_of_the_worked_example():
    # domain.md 2.14: 30 of 1000 exposed against 40 of 9000: RR 6.75 [4.22, 10.79]
    risk = relative_risk("speed", 30, 1000, 40, 9000)
    assert (risk.relative_risk, risk.lo, risk.hi) == pytest.approx((6.75, 4.22, 10.79), abs=0.01)
    assert risk.shrunk == pytest.approx((30 + PRIOR_COMPLAINTS) / (40 / 9 + PRIOR_COMPLAINTS))


def test_complaints_of_the_hurt_are_linked_and_of_others_are_not():
    complaints = [_complaint(f"x{each}", 100 + each, 14) for each in range(6)] + [_complaint("y", 999, 14)]
    found = link(complaints, [_exposure()], population=5000)
    assert {each.complaint_id for each in found.links} == {f"x{each}" for each in range(6)}
    assert all(each.probability > 0.8 for each in found.links)


@pytest.mark.parametrize(("hour", "linked"), [(9.9, False), (10.0, False), (10.1, True), (60.0, True), (60.1, False)])
def test_only_complaints_within_48_hours_after_a_bad_session_count(hour, linked):
    assert LINK_US == 48 * HOUR_US
    found = link([_complaint("x", 100, hour)], [_exposure()], population=5000)
    assert bool(found.links) is linked


def test_a_topic_that_everybody_complains_of_is_not_explained():
    billing = [_complaint(f"b{each}", 1000 + each, 14, "billing") for each in range(500)]
    mine = [_complaint(f"m{each}", 100 + each, 14, "billing") for each in range(4)]
    found = link(billing + mine, [_exposure()], population=5000)
    assert all(each.probability < 0.5 for each in found.links)


def test_one_complaint_alone_is_no_certainty():
    others = [_complaint(f"o{each}", 2000 + each, 14) for each in range(20)]
    found = link([_complaint("x", 100, 14), *others], [_exposure()], population=5000)
    assert 0.4 < found.links[0].probability < 0.75


@given(st.integers(1, 4), st.integers(1, 30), st.integers(0, 50))
def test_probabilities_over_overlapping_clusters_sum_to_at_most_one(clusters, hurt, others):
    complaints = [_complaint(f"x{each}", 100 + each, 14) for each in range(hurt)]
    complaints += [_complaint(f"o{each}", 2000 + each, 14) for each in range(others)]
    found = link(complaints, [_exposure(f"c{each}") for each in range(clusters)], population=5000)
    by_complaint = {}
    for each in found.links:
        assert 0 < each.probability < 1
        by_complaint[each.complaint_id] = by_complaint.get(each.complaint_id, 0) + each.probability
    assert all(total < 1 for total in by_complaint.values())


def test_more_bad_sessions_and_an_earlier_complaint_make_a_link_likelier():
    exposure = _exposure()
    bad = exposure.bad.copy()
    bad[0] = 12
    exposure = Exposure(**{**vars(exposure), "bad": bad})
    others = [_complaint(f"o{each}", 2000 + each, 14) for each in range(100)]
    mine = [_complaint("many", 100, 20), _complaint("few", 101, 20), _complaint("late", 102, 55)]
    chance = {each.complaint_id: each.probability for each in link(mine + others, [exposure], population=5000).links}
    assert chance["many"] > chance["few"] > chance["late"]


def test_complaints_that_one_cluster_explains_do_not_hide_another():
    first, second = _exposure("a"), _exposure("b", customers=range(200, 240))
    many = [_complaint(f"a{each}", 100 + each, 14) for each in range(30)]
    few = [_complaint(f"b{each}", 200 + each, 14) for each in range(4)]
    alone = {each.complaint_id: each.probability for each in link(few, [second], population=200).links}
    both = {each.complaint_id: each.probability for each in link(many + few, [first, second], population=200).links}
    blind = {each.complaint_id: each.probability for each in link(many + few, [second], population=200).links}
    assert both["b0"] > blind.get("b0", 0.0)
    assert both["b0"] == pytest.approx(alone["b0"], abs=0.15)


def test_silent_sufferers_are_hurt_like_the_complainers_and_said_nothing():
    exposure = _exposure()
    bad = exposure.bad.copy()
    bad[20:] = 1
    exposure = Exposure(**{**vars(exposure), "bad": bad})
    complaints = [_complaint(f"x{each}", 100 + each, 14) for each in range(5)]
    silent = link(complaints, [exposure], population=5000).silent["c1"]
    assert silent.tolist() == list(range(105, 120))


@pytest.mark.parametrize(
    ("category", "text", "topic"),
    [
        ("billing", "this month's bill is wrong", "billing"),
        ("", "上网很慢，网页打不开", "speed"),
        ("network", "No signal in my flat", "coverage"),
        ("", "热线等了四十分钟没人接", "service"),
        ("", "看视频一直卡顿缓冲", "app"),
        ("", "系统升级后手机总断线", "device"),
        ("", "hello", OTHER),
    ],
)
def test_topics_of_chinese_and_english_complaints(category, text, topic):
    assert topic_of(taxonomy_of(), category, text) == topic


def test_a_wrong_taxonomy_says_what_is_wrong():
    with pytest.raises(ConfigError, match="speed must be a list of keywords"):
        taxonomy_of('speed = "slow"')
    with pytest.raises(ConfigError, match="not valid TOML"):
        taxonomy_of("speed = [")
