"""What the evidence says of a cluster's domain, the advice on it, and how far people agree."""

import numpy as np
import pytest

from cemaphore import catalogues
from qoe.clusters import Selector
from qoe.clusters.advice import domains_of_alarm, parse
from qoe.clusters.changepoint import Onset
from qoe.clusters.domain import DOMAINS, alarm_of, demarcated, dimension_of, jointly, judge
from qoe.clusters.evidence import KpiSeries, kpis_of, measurements_of
from qoe.clusters.verdicts import precision_of, wilson
from records.errors import ConfigError

START = Onset(window=100, lo=99, hi=101)


def _moved(worse):
    rng = np.random.default_rng(7)
    names = ("rsrp_dbm", "sinr_db", "rtt_client_ms", "loss_dl")
    before = {name: rng.normal(0, 5, 200) for name in names}
    during = {name: rng.normal(worse.get(name, 0.0), 5, 200) for name in names}
    return measurements_of(during, before)


def _load(before, during):
    values = {window: before if window < 100 else during for window in range(92, 104)}
    return kpis_of([KpiSeries(kpi="PrbTotDl", values=values)], START)


@pytest.mark.parametrize(
    ("conditions", "sites", "worse", "load", "domain"),
    [
        ({"model": [1]}, 0, {}, None, "device"),
        ({"model": [1], "band": [2]}, 0, {}, None, "device"),
        ({"app": [1], "server": [2]}, 0, {}, None, "app"),
        ({"server": [2]}, 0, {}, None, "server"),
        ({"core_node": [2]}, 0, {}, None, "core"),
        ({"channel": [2]}, 0, {}, None, "service_touchpoint"),
        ({"plan": [2]}, 0, {}, None, "unknown"),
        ({"site": [2]}, 1, {}, None, "unknown"),
        ({"site": [2]}, 1, {"sinr_db": -6.0}, None, "ran_interference"),
        ({"cell": [2]}, 1, {"rsrp_dbm": -12.0, "sinr_db": -4.0}, None, "ran_coverage"),
        ({"site": [2]}, 1, {"rtt_client_ms": 50.0}, (40.0, 95.0), "ran_capacity"),
        ({"site": [2]}, 5, {"rtt_client_ms": 50.0}, (20.0, 22.0), "transport"),
        ({"cell": [2, 3, 4]}, 5, {"rtt_client_ms": 50.0}, None, "transport"),
        ({"cell": [2]}, 1, {"rtt_client_ms": 50.0}, (20.0, 20.0), "unknown"),
    ],
)
def test_the_domain_follows_the_weights_of_the_evidence(conditions, sites, worse, load, domain):
    evidence = [*_moved(worse), *(_load(*load) if load else ())]
    judged = judge(Selector.of(conditions), sites, evidence)
    assert judged.domain == domain
    assert 0 < judged.certainty < 1
    if domain != "unknown":
        assert any(domain in each.speaks for each in judged.evidence)


def test_an_alarm_that_names_a_domain_tips_thin_evidence() -> None:
    evidence = list(_moved({"rtt_client_ms": 50.0}))
    assert judge(Selector.of({"site": [2]}), 1, evidence).domain == "unknown"
    alarm = alarm_of(99, domains_of_alarm("S1 link down", catalogues.advice()), "S1 link down", 3)
    assert judge(Selector.of({"site": [2]}), 1, [*evidence, alarm]).domain == "transport"


def test_a_kpi_shows_its_figures_and_when_it_changed() -> None:
    (piece,) = _load(40.0, 95.0)
    assert (piece.before, piece.during, piece.unit) == (40.0, 95.0, "%")
    assert piece.changed == 100
    assert piece.timely
    assert piece.effect == 10.0
    usual = kpis_of([KpiSeries(kpi="PrbTotDl", values={99: 95.0, 100: 95.0, 101: 96.0}, usual=[94.0, 96.0])], START)
    assert abs(usual[0].effect) < 0.5


def test_thin_evidence_is_left_out() -> None:
    assert measurements_of({"sinr_db": np.zeros(5)}, {"sinr_db": np.ones(500)}) == ()
    assert kpis_of([KpiSeries(kpi="PrbTotDl", values={100: 3.0})], START) == ()
    assert dimension_of("device") == "device"
    assert dimension_of("unknown") == "network"


def test_advice_covers_every_domain_in_both_languages_and_can_be_replaced_in_part() -> None:
    shipped = catalogues.advice()
    assert set(shipped) == set(DOMAINS)
    own = parse('[core]\nzh = "找老王"\n', "own.toml", shipped)
    assert own["core"].zh == "找老王"
    assert own["core"].en == shipped["core"].en
    assert own["transport"] == shipped["transport"]
    for wrong in ("[cor]\nzh='x'", "[core]\nzh=3", "[core]\nall='x'", "[core", "core = 1"):
        with pytest.raises(ConfigError):
            parse(wrong, "own.toml", shipped)
    with pytest.raises(ConfigError, match="nothing of"):
        parse('[core]\nzh="x"\nen="y"', "own.toml")


def test_words_of_alarms_are_found_where_they_begin_a_word() -> None:
    advice = catalogues.advice()
    assert "transport" in domains_of_alarm("Microwave Link Failure", advice)
    assert "transport" not in domains_of_alarm("uplink quality", advice)
    assert "ran_interference" in domains_of_alarm("上行干扰过高", advice)


def test_precision_is_shown_with_its_interval() -> None:
    # Wilson 1927, as in R: binom.confint(8, 10, methods = "wilson")
    assert wilson(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
    assert wilson(0, 0) == (0.0, 1.0)
    everyone, core, device = precision_of([("core", "core"), ("core", "transport"), ("device", "device")])
    assert (everyone.domain, everyone.answers, everyone.confirmed) == ("all", 3, 2)
    assert core.precision == 0.5
    assert device.lo < device.precision == 1.0
    assert precision_of([]) == ()


def test_points_lost_to_a_segment_speak_for_its_domains_where_they_are_most_of_what_was_lost() -> None:
    rng = np.random.default_rng(8)
    before = rng.normal(2.0, 1.0, (4, 100))
    during = before + np.array([[0.5], [0.0], [0.0], [20.0]])
    found = demarcated(("device", "radio", "transport_core", "server_app"), before, during)
    assert [set(piece.speaks) for piece in found] == [set(), set(), set(), {"server", "app"}]
    assert found[3].during == pytest.approx(found[3].before + 20)


def test_a_domain_that_surely_takes_most_when_all_are_estimated_together_speaks_for_itself() -> None:
    before = (np.array([0.0, 0.0, 0.0]), np.full(3, 0.5))
    during = (np.array([-1.0, -12.0, 0.5]), np.full(3, 0.5))
    network, device, core = jointly(("network", "device", "core"), before, during)
    assert (dict(network.speaks), set(device.speaks), dict(core.speaks)) == ({}, {"device"}, {})
    unsure = jointly(("core",), (np.zeros(1), np.full(1, 9.0)), (np.full(1, -12.0), np.full(1, 9.0)))
    assert not unsure[0].speaks
