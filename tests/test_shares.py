"""First shares: they sum to 1, follow what was measured, and blame the segment that was made to fail."""

from collections.abc import Mapping
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qoe.catalogue import SEGMENTS, parse
from qoe.indices import APP, DEVICE, NETWORK, IndexRules
from qoe.peers import Setting, Terminal, compare
from qoe.shares import Excess, dimension_scores, first_shares, segment_excess
from records.kinds import SERVICES

CATALOGUE = parse(resources.files("qoe").joinpath("catalogue.toml").read_text(encoding="utf-8"))
WEIGHTS = IndexRules.of(CATALOGUE).weights
WEB = SERVICES.index("web")


def _nothing(rows: int, measured: bool = True) -> Terminal:
    return Terminal(np.zeros(rows), np.zeros(rows), np.full(rows, measured))


def _shares(columns: Mapping[str, list[float]], terminal: Terminal | None = None) -> np.ndarray:
    rows = len(next(iter(columns.values())))
    arrays = {name: np.array(values, dtype=float) for name, values in columns.items()}
    frame = {"service": np.full(rows, WEB), **arrays}
    return first_shares(
        segment_excess(frame, CATALOGUE),
        terminal or _nothing(rows),
        np.zeros(rows, bool),
        np.full(rows, -1, np.int8),
        WEIGHTS,
    )


@given(
    st.lists(
        st.tuples(
            *[st.floats(0, 12) | st.just(np.nan)] * 2,
            st.floats(0, 90),
            st.floats(0, 1),
            st.booleans(),
            st.integers(-1, 2),
            st.booleans(),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_shares_are_ratios_that_sum_to_one_or_are_unknown(
    table: list[tuple[float, float, float, float, bool, int, bool]],
) -> None:
    network, app, shortfall, fault, failed, cause, has_model = (np.array(column) for column in zip(*table, strict=True))
    value = np.array([np.nan_to_num(network), np.zeros(len(network)), np.nan_to_num(app)])
    measured = np.array([~np.isnan(network), np.zeros(len(network), bool), ~np.isnan(app)])
    terminal = Terminal(np.where(has_model, shortfall, 0), np.where(has_model, fault, 0), has_model)
    shares = first_shares(
        Excess(value, measured), terminal, failed, np.where(failed, cause, -1).astype(np.int8), WEIGHTS
    )
    known = ~np.isnan(shares)
    assert (shares[known] >= 0).all()
    assert (shares[known] <= 1 + 1e-12).all()
    some = known.any(axis=0)
    assert np.nansum(shares[:, some], axis=0) == pytest.approx(np.ones(some.sum()))
    assert (some == (measured.any(axis=0) | has_model | (failed & (cause >= 0)))).all()


def test_a_session_without_loss_scores_full_in_every_measured_dimension() -> None:
    shares = _shares({"rtt_client_ms": [20.0], "rtt_server_ms": [np.nan]})
    scored = dimension_scores(np.array([100.0]), shares)
    assert scored[NETWORK, 0] == 100
    assert scored[DEVICE, 0] == 100
    assert np.isnan(scored[APP, 0])


def test_the_segment_in_excess_takes_the_loss() -> None:
    shares = _shares({"rtt_client_ms": [300.0, 40.0], "rtt_server_ms": [20.0, 400.0]})
    assert shares[NETWORK, 0] > 0.9
    assert shares[APP, 1] > 0.9


def test_a_slow_access_is_not_blamed_on_the_app_whose_times_hold_its_round_trips() -> None:
    shares = _shares({"rtt_client_ms": [360.0], "rtt_server_ms": [20.0], "dns_ms": [380.0], "tls_ms": [740.0],
                      "ttfb_ms": [450.0]})  # fmt: skip
    assert shares[NETWORK, 0] > 0.85


def test_a_longer_delay_never_lowers_the_share_of_its_segment() -> None:
    rtt = list(np.linspace(10, 900, 60))
    shares = _shares({"rtt_client_ms": rtt, "rtt_server_ms": [120.0] * 60})
    assert (np.diff(shares[NETWORK]) >= -1e-12).all()


def test_a_failure_goes_to_the_segment_of_its_cause() -> None:
    rows = len(SEGMENTS)
    nothing = Excess(np.zeros((3, rows)), np.zeros((3, rows), bool))
    cause = np.arange(rows, dtype=np.int8)
    shares = first_shares(nothing, _nothing(rows, measured=False), np.ones(rows, bool), cause, WEIGHTS)
    scored = dimension_scores(np.zeros(rows), shares)
    for row, segment in enumerate(SEGMENTS):
        dimension = {"network": NETWORK, "device": DEVICE, "app": APP}[segment]
        assert scored[dimension, row] == 0
        assert np.isnan(np.delete(scored[:, row], dimension)).all()


def _setting(model: np.ndarray, cell: np.ndarray, band: np.ndarray | None = None) -> Setting:
    one = np.ones(len(model), dtype=np.int32)
    return Setting(model=model, app=one, cell=cell, region=one, service=one, band=one if band is None else band)


def _city(rows: int = 6000, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.random.Generator]:
    random = np.random.default_rng(seed)
    model = random.integers(1, 11, rows).astype(np.int32)
    cell = random.integers(1, 31, rows).astype(np.int32)
    return model, cell, random.normal(80, 8, rows).clip(0, 100), random


def test_a_model_that_is_worse_than_its_peers_stands_out_and_a_bad_cell_does_not() -> None:
    model, cell, q, _ = _city()
    q[cell == 5] -= 40
    q[model == 3] -= 25
    found = compare(_setting(model, cell), q, np.zeros(len(q), bool))
    assert found.measured.all()
    assert found.shortfall[model == 3] == pytest.approx(25, abs=3)
    assert found.shortfall[model != 3].max() < 2


def test_failures_beyond_the_peers_are_the_devices_fault() -> None:
    model, cell, q, random = _city()
    failed = random.random(len(q)) < np.where(model == 3, 0.40, 0.04)
    found = compare(_setting(model, cell), np.where(failed, 0.0, q), failed)
    assert 0.75 < found.fault[model == 3].min() < 0.95
    assert found.fault[model != 3].max() < 0.3


def test_a_fault_of_one_band_is_seen_in_that_band() -> None:
    model, cell, q, _ = _city()
    band = (1 + cell % 5).astype(np.int32)
    hit = (model == 3) & (band == 2)
    q[hit] -= 30
    found = compare(_setting(model, cell, band), q, np.zeros(len(q), bool))
    assert found.shortfall[hit] == pytest.approx(30, abs=6)
    assert found.shortfall[(model == 3) & (band != 2)].max() < found.shortfall[hit].min() / 2


def test_without_model_or_peers_the_device_is_not_measured() -> None:
    q = np.full(4, 60.0)
    alone = compare(_setting(np.array([1, 1, 1, 1], np.int32), np.ones(4, np.int32)), q, np.zeros(4, bool))
    unknown = compare(_setting(np.zeros(4, np.int32), np.ones(4, np.int32)), q, np.zeros(4, bool))
    assert not alone.measured.any()
    assert not unknown.measured.any()


def test_a_cell_fault_lowers_the_network_and_a_device_fault_the_device() -> None:
    model, cell, q, random = _city()
    rows = len(q)
    hit_cell, hit_model = cell == 5, model == 3
    frame = {
        "service": np.full(rows, WEB),
        "rtt_client_ms": np.where(hit_cell, 260.0, 45.0) * random.lognormal(0, 0.1, rows),
        "rtt_server_ms": np.full(rows, 25.0),
    }
    q = q - 45.0 * (hit_cell | hit_model)
    terminal = compare(_setting(model, cell), q, np.zeros(rows, bool))
    excess = segment_excess(frame, CATALOGUE)
    shares = first_shares(excess, terminal, np.zeros(rows, bool), np.full(rows, -1, np.int8), WEIGHTS)
    scored = dimension_scores(q, shares)
    fine = ~(hit_cell | hit_model)
    for hit, dimension in ((hit_cell & ~hit_model, NETWORK), (hit_model & ~hit_cell, DEVICE)):
        drops = scored[:, fine].mean(axis=1) - scored[:, hit].mean(axis=1)
        assert drops.argmax() == dimension
        assert drops[dimension] > 30
