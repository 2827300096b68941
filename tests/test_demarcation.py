"""Demarcation: points sum to what was lost, follow what was measured, and blame the segment that was made to fail."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qoe.catalogue import SEGMENTS
from qoe.demarcation import demarcate, dimension_scores, mean_demarcation
from qoe.indices import APP, DEVICE, NETWORK
from qoe.peers import Setting, Terminal, compare
from qoe.quality import session_quality
from records.kinds import SERVICES
from tests.sessions import CATALOGUE, MODELS, WEIGHTS, demarcated, evidence_of, frame

DEVICE_AT, RADIO, CORE, SERVER = range(len(SEGMENTS))
COLUMNS = {
    "rtt_client_ms": (1, 900), "rtt_server_ms": (1, 600), "loss_dl": (0, 0.3), "loss_ul": (0, 0.3),
    "jitter_ms": (0, 150), "throughput_dl_kbps": (20, 50_000), "throughput_ul_kbps": (8, 9_000), "dns_ms": (1, 4_000),
    "tls_ms": (1, 3_000), "ttfb_ms": (1, 6_000), "page_load_ms": (200, 20_000), "startup_ms": (100, 20_000),
    "stall_count": (0, 6), "stall_ms": (1, 60_000), "play_ms": (5_000, 400_000), "video_kbps": (100, 8_000),
    "video_fps": (5, 60),
    "video_height": (144, 1080), "delay_ms": (10, 600), "deliver_ms": (100, 30_000), "bytes_dl": (100, 10**9),
}  # fmt: skip


@st.composite
def sessions(draw: Any) -> dict[str, np.ndarray]:
    """Sessions of any services, each measurement anything or missing, some with failures and a slow device."""
    rows = draw(st.integers(1, 12))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    columns = {"service": random.integers(0, len(SERVICES), rows), "success": (random.random(rows) < 0.9).astype(int)}
    for name, (lo, hi) in COLUMNS.items():
        values = np.exp(random.uniform(np.log(lo + 1e-3), np.log(hi), rows))
        columns[name] = np.where(random.random(rows) < 0.2, np.nan, values)
    columns["voice_codec"] = random.integers(0, 4, rows)
    columns["shortfall"] = np.where(random.random(rows) < 0.3, random.uniform(0, 60, rows), 0.0)
    columns["core_part"] = np.where(random.random(rows) < 0.4, random.random(rows), 0.0)
    return columns


def _known(columns: dict[str, np.ndarray]) -> dict[str, Any]:
    rows = len(columns["service"])
    terminal = Terminal(columns["shortfall"], columns["shortfall"] / 60, columns["shortfall"] > 0)
    return {"terminal": terminal, "core_part": columns["core_part"], "failed": columns["success"] == 0,
            "cause": np.where(columns["success"] == 0, np.arange(rows) % 5 - 1, -1).astype(np.int8)}  # fmt: skip


@settings(deadline=None, max_examples=60)  # every example rates each session up to thirty times
@given(sessions())
def test_points_are_never_negative_and_sum_to_what_was_lost(columns: dict[str, np.ndarray]) -> None:
    known = _known(columns)
    q = evidence_of(columns, **known).q
    found = demarcated(columns, **known)
    rated = ~np.isnan(q)
    assert (found.points[:, rated] >= 0).all()
    total = found.points.sum(axis=0) + found.unexplained
    assert total[rated] == pytest.approx(100 - q[rated], abs=1e-9)
    assert np.isnan(total[~rated]).all()
    scored = dimension_scores(found, WEIGHTS)
    some = rated & found.measured.any(axis=0)
    assert np.nansum(100 - scored[:, some], axis=0) == pytest.approx(100 - q[some], abs=1e-9)
    assert np.nanmin(scored, initial=100) >= -1e-9
    assert np.nanmax(scored, initial=0) <= 100 + 1e-9


@settings(deadline=None, max_examples=40)
@given(sessions(), st.randoms())
def test_neither_order_nor_batches_change_a_session(columns: dict[str, np.ndarray], random: Any) -> None:
    whole = demarcated(columns, **_known(columns))
    known, order = _known(columns), np.array(random.sample(range(len(columns["service"])), len(columns["service"])))
    cut = random.randint(0, len(order))
    for rows in (order[:cut], order[cut:]):
        if not len(rows):
            continue
        evidence = evidence_of(columns, **known)
        part = {name: values[rows] for name, values in columns.items()}
        fault = Terminal(*(values[rows] for values in vars(known["terminal"]).values()))
        found = demarcated(part, failed=evidence.failed[rows], cause=known["cause"][rows], terminal=fault,
                           core_part=known["core_part"][rows])  # fmt: skip
        assert found.points == pytest.approx(whole.points[:, rows], abs=1e-9, nan_ok=True)
        assert found.unexplained == pytest.approx(whole.unexplained[rows], abs=1e-9, nan_ok=True)


def test_it_is_the_shapley_value_of_rating_the_session_again_by_hand() -> None:
    """A page of 5 s whose path is 100 ms too long and whose first byte is a second late."""
    columns = frame("web", page_load_ms=5000, rtt_client_ms=160, ttfb_ms=1450, rtt_server_ms=30)
    found = demarcated(columns)
    page_ms = {(): 5000, ("r",): 4400, ("s",): 4000, ("r", "s"): 3400,
               ("x",): 2100, ("r", "x"): 1500, ("s", "x"): 1100, ("r", "s", "x"): 500}  # fmt: skip
    q = {who: session_quality(frame("web", page_load_ms=page), CATALOGUE, MODELS).q[0] for who, page in page_ms.items()}
    values = dict.fromkeys("rsx", 0.0)
    for order in permutations("rsx"):
        for at, player in enumerate(order):
            values[player] += (q[tuple(sorted(order[: at + 1]))] - q[tuple(sorted(order[:at]))]) / 6
    assert found.points[:, 0] == pytest.approx([0, values["r"], 0, values["s"]])
    assert found.unexplained[0] == pytest.approx(values["x"])


CASES = {
    "web": ({"page_load_ms": 4000, "dns_ms": 50, "tls_ms": 100, "ttfb_ms": 200}, {"ttfb_ms": 2000}),
    "payment": ({"page_load_ms": 4000, "dns_ms": 50, "tls_ms": 100, "ttfb_ms": 200}, {"dns_ms": 1500}),
    "video": ({"startup_ms": 6000, "stall_count": 2, "stall_ms": 6000, "play_ms": 90_000, "video_kbps": 1500,
               "video_height": 480, "ttfb_ms": 200}, {"ttfb_ms": 3000}),
    "voice": ({"voice_codec": "g711", "loss_dl": 0.0, "jitter_ms": 5}, {"rtt_server_ms": 900}),
    "gaming": ({"loss_dl": 0.0, "jitter_ms": 2}, {"rtt_server_ms": 300}),
    "messaging": ({"deliver_ms": 6000, "ttfb_ms": 300}, {"ttfb_ms": 3000}),
    "file": ({"throughput_dl_kbps": 12_000, "bytes_dl": 1e8, "bytes_ul": 1e3}, {"rtt_server_ms": 300}),
}  # fmt: skip
HEALTHY = {"rtt_client_ms": 30.0, "rtt_server_ms": 20.0, "throughput_dl_kbps": 30_000.0, "throughput_ul_kbps": 5_000.0}
POOR_RADIO = {"rtt_client_ms": 400.0, "loss_dl": 0.04, "throughput_dl_kbps": 500.0, "throughput_ul_kbps": 60.0}


@pytest.mark.parametrize("service", SERVICES)
def test_of_every_service_the_segment_in_excess_takes_what_is_explained(service: str) -> None:
    healthy, slow_server = CASES[service]
    radio = demarcated(frame(service, **HEALTHY | healthy | POOR_RADIO))
    server = demarcated(frame(service, **HEALTHY | healthy | slow_server))
    core = demarcated(frame(service, **HEALTHY | healthy | POOR_RADIO), core_part=np.ones(1))
    for found, segment in ((radio, RADIO), (server, SERVER), (core, CORE)):
        assert found.points[segment, 0] > 5, found
        assert found.points[segment, 0] == pytest.approx(found.points[:, 0].sum())


def test_a_slow_access_is_not_blamed_on_the_app_whose_times_hold_its_round_trips() -> None:
    found = demarcated(frame("web", page_load_ms=4500, rtt_client_ms=360, rtt_server_ms=20, dns_ms=380, tls_ms=740,
                             ttfb_ms=450))  # fmt: skip
    assert dimension_scores(found, WEIGHTS)[NETWORK, 0] < 25
    assert found.points[SERVER, 0] < 1


def test_a_session_without_loss_scores_full_in_every_measured_dimension() -> None:
    found = demarcated(frame("web", page_load_ms=500, rtt_client_ms=300))
    scored = dimension_scores(found, WEIGHTS)
    assert scored[NETWORK, 0] == scored[DEVICE, 0] == 100
    assert np.isnan(scored[APP, 0])


def test_where_nothing_was_measured_there_is_no_score() -> None:
    nothing = Terminal(np.zeros(1), np.zeros(1), np.zeros(1, bool))
    found = demarcated(frame("web", page_load_ms=4000), terminal=nothing)
    assert np.isnan(dimension_scores(found, WEIGHTS)).all()
    assert found.unexplained[0] == pytest.approx(100 - evidence_of(frame("web", page_load_ms=4000)).q[0])


def test_a_slower_page_lowers_what_is_made_of_its_scores() -> None:
    """The losses sum to the session's, so their mean falls always; how they are split moves with what else is slow."""
    random = np.random.default_rng(3)
    rows = 5000
    page, rtt, server = (np.exp(random.uniform(np.log(lo), np.log(hi), rows))
                         for lo, hi in ((300, 6000), (40, 700), (20, 500)))  # fmt: skip

    def scored(page_ms: np.ndarray) -> np.ndarray:
        columns = frame("web", page_load_ms=page_ms, rtt_client_ms=rtt, rtt_server_ms=server, throughput_dl_kbps=9000)
        return dimension_scores(demarcated(columns), WEIGHTS)

    before, after = scored(page), scored(page * random.uniform(1, 2, rows))
    assert (after.sum(axis=0) <= before.sum(axis=0) + 1e-9).all()
    weights = np.array(WEIGHTS[:3])[:, None]
    change = (weights * (np.log(np.maximum(after, 1)) - np.log(np.maximum(before, 1)))).sum(axis=0)
    assert (change > 1e-9).mean() < 0.03


@settings(deadline=None)
@given(st.floats(300, 5500), st.floats(0, 2000), st.floats(0, 150), st.floats(0, 300), st.floats(0, 40))
def test_a_longer_path_never_lowers_its_points(
    page: float, ttfb: float, first: float, more: float, shortfall: float
) -> None:
    """The outcome being the same, or as much worse as the path became longer."""
    rtt = np.array([60 + first, 60 + first + more, 60 + first + more])
    terminal = Terminal(np.full(3, shortfall), np.zeros(3), np.ones(3, bool))
    found = demarcated(frame("web", page_load_ms=np.array([page, page, page + 6 * more]), rtt_client_ms=rtt,
                             ttfb_ms=350 + ttfb), terminal=terminal)  # fmt: skip
    assert found.points[RADIO, 1] >= found.points[RADIO, 0] - 1e-9
    assert found.points[RADIO, 2] >= found.points[RADIO, 0] - 1e-9


def test_against_what_is_usual_a_cell_that_is_always_slow_explains_nothing() -> None:
    columns = frame("web", page_load_ms=5000, rtt_client_ms=300, rtt_server_ms=20)
    usual = {"rtt_client_ms": np.array([290.0])}
    assert demarcated(columns).points[RADIO, 0] > 10
    assert demarcated(columns, usual).points[RADIO, 0] < 2


def test_a_failure_goes_to_the_segment_of_its_cause_less_the_fault_of_the_device() -> None:
    rows = len(SEGMENTS)
    columns = frame("web", page_load_ms=np.full(rows, np.nan)) | {"success": np.zeros(rows, np.int8)}
    terminal = Terminal(np.zeros(rows), np.full(rows, 0.25), np.ones(rows, bool))
    found = demarcated(columns, cause=np.arange(rows, dtype=np.int8), terminal=terminal)
    expected = 75.0 * np.eye(rows)
    expected[DEVICE_AT] += 25.0
    assert found.points == pytest.approx(expected)
    scored = dimension_scores(found, WEIGHTS)
    assert scored[NETWORK, RADIO] == scored[NETWORK, CORE] == scored[APP, SERVER] == 25


def test_of_a_radio_failure_the_core_takes_what_its_node_has_and_others_do_not() -> None:
    columns = frame("web", page_load_ms=[np.nan] * 2) | {"success": np.zeros(2, np.int8)}
    found = demarcated(columns, cause=np.array([RADIO, SERVER], np.int8), core_fault=np.array([0.8, 0.8]))
    assert pytest.approx(np.array([[0, 20, 80, 0], [0, 0, 0, 100]])) == found.points.T


def test_a_failure_of_unknown_cause_follows_what_was_measured() -> None:
    columns = frame("web", rtt_client_ms=[500, 30], rtt_server_ms=[20, 500]) | {"success": np.zeros(2, np.int8)}
    scored = dimension_scores(demarcated(columns), WEIGHTS)
    assert scored[NETWORK, 0] < 10
    assert scored[APP, 1] < 10
    assert (100 - scored).sum(axis=0) == pytest.approx([100, 100])


def test_a_cell_fault_lowers_the_network_and_a_device_fault_the_device() -> None:
    random = np.random.default_rng(1)
    rows = 6000
    model, cell = (random.integers(1, most, rows).astype(np.int32) for most in (11, 31))
    hit_cell, hit_model = cell == 5, model == 3
    rtt = np.where(hit_cell, 400.0, 45.0) * random.lognormal(0, 0.1, rows)
    page = 900.0 * random.lognormal(0, 0.2, rows) + 6 * rtt + 2400.0 * hit_model
    columns = frame("web", page_load_ms=page, rtt_client_ms=rtt, rtt_server_ms=25.0)
    evidence = evidence_of(columns)
    one = np.ones(rows, np.int32)
    terminal = compare(Setting(model, one, cell, one, one, one), evidence.q, evidence.failed)
    found = demarcate(columns, evidence_of(columns, terminal=terminal), CATALOGUE, MODELS)
    scored = dimension_scores(found, WEIGHTS)
    fine = ~(hit_cell | hit_model)
    for hit, dimension in ((hit_cell & ~hit_model, NETWORK), (hit_model & ~hit_cell, DEVICE)):
        drops = scored[:, fine].mean(axis=1) - scored[:, hit].mean(axis=1)
        assert drops.argmax() == dimension
        assert drops[dimension] > 25


def test_the_mean_of_a_set_sums_to_what_it_lost_and_ignores_what_was_not_rated() -> None:
    found = demarcated(frame("web", page_load_ms=[700, 4000, np.nan, 5000], rtt_client_ms=[30, 300, 300, 30]))
    q = evidence_of(frame("web", page_load_ms=[700, 4000, 5000])).q
    mean = mean_demarcation(found)
    assert mean is not None
    assert mean.sessions == 3
    assert mean.lost == pytest.approx((100 - q).mean())
    assert sum(mean.shares.values()) == pytest.approx(1 - mean.unexplained / mean.lost)
    slow = mean_demarcation(found, np.array([1, 2]))
    assert slow is not None
    assert slow.points["radio"] == pytest.approx(found.points[RADIO, 1])
    assert mean_demarcation(found, np.array([2])) is None
