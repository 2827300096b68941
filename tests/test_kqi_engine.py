"""The KQI catalogue and engine: ratios of sums per group, mergeable, with nothing where nothing was attempted."""

from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqi.catalogue import parse
from kqi.engine import Sums, evaluate
from records.errors import ConfigError
from records.kinds import SERVICES

TEXT = files("kqi").joinpath("catalogue.toml").read_text(encoding="utf-8")
CATALOGUE = parse(TEXT)
NAN = np.nan


def value(sums: Sums, name: str) -> np.ndarray:
    names = [item.name for item in sums.indicators]
    row: np.ndarray = sums.values[names.index(name)]
    return row


def sessions(service: str, **columns: list[float]) -> Sums:
    rows = len(next(iter(columns.values())))
    frame = {name: np.array(values, dtype=float) for name, values in columns.items()}
    frame["service"] = np.full(rows, SERVICES.index(service), dtype=np.int8)
    return evaluate(frame, np.zeros(rows, dtype=np.int64), 1, CATALOGUE.of("sessions"))


def test_only_started_pages_count_in_the_session_failure_ratio() -> None:
    sums = sessions("web", success=[1, 1, 0, 0], ttfb_ms=[100, 200, 300, NAN], page_load_ms=[900, 1100, NAN, NAN])
    assert value(sums, "web_non_accessibility")[0] == pytest.approx(25)
    assert value(sums, "web_session_failure_ratio")[0] == pytest.approx(100 / 3)
    assert value(sums, "web_session_time")[0] == pytest.approx(1000)
    assert value(sums, "web_setup_time")[0] == pytest.approx(200)
    assert value(sums, "session_failure_ratio")[0] == pytest.approx(50)
    assert np.isnan(value(sums, "voice_non_accessibility")[0])


def test_rates_are_data_over_time_and_not_the_mean_of_rates() -> None:
    sums = sessions("file", success=[1, 1, 1], bytes_dl=[1e6, 1e6, NAN], throughput_dl_kbps=[1000, 9000, 5000])
    assert value(sums, "file_rate_dl")[0] == pytest.approx(1800)
    assert sums.rows[[item.name for item in sums.indicators].index("file_rate_dl")][0] == 2


def test_stalls_are_taken_over_the_time_of_all_sessions() -> None:
    sums = sessions("video", success=[1, 1, 0], play_ms=[60_000, 120_000, 0], stall_ms=[0, 20_000, NAN],
                    stall_count=[0, 3, NAN], startup_ms=[500, 1500, NAN])  # fmt: skip
    assert value(sums, "video_stall_time_ratio")[0] == pytest.approx(10)
    assert value(sums, "video_stall_rate")[0] == pytest.approx(1)
    assert value(sums, "video_stalled_session_ratio")[0] == pytest.approx(50)
    assert value(sums, "video_start_failure_ratio")[0] == pytest.approx(100 / 3)
    assert value(sums, "video_cutoff_ratio")[0] == 0
    assert value(sums, "video_start_delay")[0] == pytest.approx(1000)


def test_calls_that_were_never_set_up_are_not_cut_off() -> None:
    sums = sessions("voice", success=[1, 0, 0, 1], setup_ms=[3000, NAN, 4000, 5000], dropped=[0, NAN, 1, 1])
    assert value(sums, "voice_non_accessibility")[0] == pytest.approx(25)
    assert value(sums, "voice_cutoff_ratio")[0] == pytest.approx(200 / 3)
    assert value(sums, "voice_setup_time")[0] == pytest.approx(4000)


def test_touchpoints() -> None:
    frame = {
        "wait_s": np.array([10.0, 30.0, np.nan]),
        "success": np.array([1, 0, -1], dtype=np.int8),
        "transfers": np.array([0.0, 2.0, 1.0]),
        "rating": np.array([5.0, 1.0, np.nan]),
    }
    sums = evaluate(frame, np.array([0, 0, 0]), 1, CATALOGUE.of("touchpoints"))
    assert value(sums, "touchpoint_wait_time")[0] == pytest.approx(20)
    assert value(sums, "touchpoint_answered_in_20s_ratio")[0] == pytest.approx(50)
    assert value(sums, "touchpoint_resolution_ratio")[0] == pytest.approx(50)
    assert value(sums, "touchpoint_transfers")[0] == pytest.approx(1)
    assert value(sums, "touchpoint_rating")[0] == pytest.approx(3)


def mixed(rows: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Sessions of all services with a third of their measurements missing, and groups with some unknown."""
    rng = np.random.default_rng(seed)
    names = {name for item in CATALOGUE.of("sessions") for part in (item.where, item.numerator, item.denominator)
             for name in part.columns}  # fmt: skip
    columns: dict[str, np.ndarray] = {
        name: np.where(rng.random(rows) < 0.3, np.nan, np.round(rng.gamma(2, 300, rows))) for name in sorted(names)
    }
    columns["service"] = rng.integers(-1, 7, rows)
    columns["success"] = rng.integers(-1, 2, rows).astype(np.int8)
    columns["dropped"] = rng.integers(-1, 2, rows).astype(np.int8)
    return columns, rng.integers(-1, 5, rows)


@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(0, 300))
@settings(max_examples=20, deadline=None)
def test_parts_add_up_to_the_whole(seed: int, cut: int) -> None:
    columns, groups = mixed(300, seed)
    indicators = CATALOGUE.of("sessions")
    whole = evaluate(columns, groups, 5, indicators)
    first = evaluate({name: values[:cut] for name, values in columns.items()}, groups[:cut], 5, indicators)
    second = evaluate({name: values[cut:] for name, values in columns.items()}, groups[cut:], 5, indicators)
    both = first + second
    np.testing.assert_allclose(both.numerator, whole.numerator)
    np.testing.assert_allclose(both.denominator, whole.denominator)
    np.testing.assert_array_equal(both.rows, whole.rows)
    np.testing.assert_allclose(both.values, whole.values)
    for name, counts in whole.histograms.items():
        np.testing.assert_array_equal(both.histograms[name], counts)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_ratios_stay_between_0_and_100_and_percentiles_bracket_nothing_else(seed: int) -> None:
    columns, groups = mixed(300, seed)
    sums = evaluate(columns, groups, 5, CATALOGUE.of("sessions"))
    for row, item in enumerate(sums.indicators):
        if item.unit == "%" and "loss" not in item.name:
            known = sums.values[row][~np.isnan(sums.values[row])]
            assert ((known >= 0) & (known <= 100 + 1e-9)).all(), item.name
        if item.bins is not None:
            found = sums.percentile(item.name, 50)
            np.testing.assert_array_equal(np.isnan(found), sums.rows[row] == 0)


def test_nothing_attempted_is_not_zero() -> None:
    sums = evaluate(
        {"service": np.zeros(0), "success": np.zeros(0)}, np.zeros(0, dtype=int), 3, CATALOGUE.of("sessions")
    )
    assert np.isnan(sums.values).all()
    assert (sums.rows == 0).all()


def test_every_service_and_touchpoints_have_indicators_in_both_languages() -> None:
    for service in SERVICES:
        assert sum(item.service == service for item in CATALOGUE.of("sessions")) >= 3
    assert len(CATALOGUE.of("touchpoints")) >= 5
    for item in CATALOGUE.indicators.values():
        assert item.title["en"]
        assert item.title["zh"]
        assert item.clause
        assert item.direction in (1, -1)


OWN = """
version = "mine"
[kqi.web_very_slow_ratio]
over = "sessions"
service = "web"
title = { en = "Very slow pages", zh = "极慢网页占比" }
unit = "%"
direction = "lower"
numerator = "page_load_ms > 10000"
clause = "own"
grounding = "own"
"""


def test_an_operator_adds_an_indicator_in_a_file_of_its_own() -> None:
    catalogue = parse(TEXT, OWN)
    assert catalogue.version == f"{CATALOGUE.version}+mine"
    frame = {"service": np.zeros(2), "page_load_ms": np.array([20_000.0, 100.0])}
    sums = evaluate(frame, np.zeros(2, dtype=int), 1, [catalogue.indicators["web_very_slow_ratio"]])
    assert sums.values[0, 0] == 50


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [('over = "sessions"', 'over = "surveys"', "surveys"), ('service = "web"', 'service = "fax"', "fax"),
     ("page_load_ms", "page_lode_ms", "page_lode_ms"), ('direction = "lower"', "", "direction"),
     ('unit = "%"', 'unit = "%"\npercentiles = true', "percentiles"), ("[kqi.", "[kqi", "kqiweb"),
     ("clause = ", "clause ", "TOML"),
     ("clause = ", "claws = ", "claws"),
     ("web_very_slow_ratio", "web_slow_ratio", "twice"), ("zh = ", "fr = ", "zh")],
)  # fmt: skip
def test_a_wrong_entry_is_refused_with_its_name(old: str, new: str, message: str) -> None:
    assert old in OWN
    with pytest.raises(ConfigError, match=message):
        parse(TEXT, OWN.replace(old, new, 1))
