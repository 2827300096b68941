"""Session quality 0..100, the border of bad, touchpoint quality, and the catalogue that they rest on."""

from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qoe.catalogue import SEGMENTS, parse
from qoe.models import registry
from qoe.quality import Quality, session_quality, touchpoint_quality
from records.errors import ConfigError
from records.kinds import ACCESSES, CHANNELS, SERVICES, TOUCHPOINTS, VOICE_CODECS

TEXT = files("qoe").joinpath("catalogue.toml").read_text(encoding="utf-8")
CATALOGUE = parse(TEXT)
MODELS = registry()
VOICE = SERVICES.index("voice")


def quality(**columns: list[float] | np.ndarray) -> Quality:
    return session_quality({name: np.asarray(values) for name, values in columns.items()}, CATALOGUE, MODELS)


def web(seconds: list[float], **more: list[float] | np.ndarray) -> Quality:
    rows = len(seconds)
    base: dict[str, list[float] | np.ndarray] = {
        "service": [SERVICES.index("web")] * rows,
        "access": [ACCESSES.index("lte")] * rows,
        "success": [1] * rows,
        "page_load_ms": [1000 * value for value in seconds],
    }
    return quality(**{**base, **more})


def test_quality_is_the_mos_on_the_models_own_range() -> None:
    found = web([0.5, 2.0, 6.0])
    assert found.q == pytest.approx([100.0, 50.1, 0.0], abs=0.1)
    assert found.mos == pytest.approx([5.0, 3.0, 1.0], abs=0.005)
    assert [found.models[index] for index in found.model] == ["g1030_web"] * 3
    assert found.bad.tolist() == [False, False, True]


def test_failed_and_dropped_sessions_score_zero_and_are_bad() -> None:
    found = web([1.0, np.nan, 1.0, 1.0], success=[0, 0, 1, 1], dropped=[np.nan, np.nan, 1, 0])
    assert found.q[:3].tolist() == [0.0, 0.0, 0.0]
    assert found.q[3] > 50
    assert found.bad.tolist() == [True, True, True, False]


def test_not_enough_data_is_neither_good_nor_bad() -> None:
    found = web([np.nan, 1.0], success=[1, np.nan])
    assert np.isnan(found.q).all()
    assert not found.bad.any()
    assert not found.known.any()


def test_an_unknown_service_has_no_model_and_no_quality() -> None:
    found = web([1.0], service=[-1], success=[0])
    assert np.isnan(found.q[0])
    assert found.model[0] == -1


@pytest.mark.parametrize(("codec", "model"), [("g711", "e_model_nb"), ("amr", "e_model_nb"), ("amr-wb", "e_model_wb"),
                                              ("evs", "e_model_fb")])  # fmt: skip
def test_a_call_is_rated_in_the_context_of_its_codec(codec: str, model: str) -> None:
    found = quality(service=[SERVICES.index("voice")], voice_codec=[VOICE_CODECS.index(codec)], success=[1],
                    loss_dl=[0.0], delay_ms=[80.0])  # fmt: skip
    assert found.models[found.model[0]] == model
    assert 90 < found.q[0] <= 100


@pytest.mark.parametrize(
    ("kbps", "model"), [(8.0, "e_model_wb"), (9.6, "e_model_fb"), (24.4, "e_model_fb"), (np.nan, "e_model_fb")]
)
def test_evs_is_rated_by_the_bandwidth_of_its_mode(kbps: float, model: str) -> None:
    found = quality(service=[VOICE], voice_codec=[VOICE_CODECS.index("evs")], voice_kbps=[kbps], success=[1],
                    loss_dl=[0.0], delay_ms=[80.0])  # fmt: skip
    assert found.models[found.model[0]] == model


@pytest.mark.parametrize(
    ("kbps", "fps", "model"),
    [
        (1000.0, 30.0, "video_call"),
        (0.0, 0.0, "e_model_wb"),
        (np.nan, np.nan, "e_model_wb"),
        (1000.0, np.nan, "e_model_wb"),
    ],
)
def test_a_call_with_a_picture_is_a_video_call(kbps: float, fps: float, model: str) -> None:
    found = quality(service=[VOICE], voice_codec=[VOICE_CODECS.index("amr-wb")], success=[1], loss_dl=[0.0],
                    delay_ms=[80.0], video_kbps=[kbps], video_fps=[fps])  # fmt: skip
    assert found.models[found.model[0]] == model
    assert found.q[0] > 80


@pytest.mark.parametrize(("missing", "model"), [(None, "gaming_stream"), ("video_fps", "gaming_light"),
                                                ("loss_dl", "gaming_light")])  # fmt: skip
def test_a_streamed_game_is_rated_with_its_picture_where_all_of_it_is_known(missing: str | None, model: str) -> None:
    stream = {"video_kbps": [20_000.0], "video_fps": [60.0], "video_height": [1080.0], "loss_dl": [0.0],
              "rtt_client_ms": [20.0], "rtt_server_ms": [10.0], "jitter_ms": [1.0]}  # fmt: skip
    if missing:
        stream[missing] = [np.nan]
    found = quality(service=[SERVICES.index("gaming")], success=[1], **stream)
    assert found.models[found.model[0]] == model


def mixed(rows: int, seed: int) -> dict[str, np.ndarray]:
    """Sessions of all services with a fifth of their measurements missing."""
    rng = np.random.default_rng(seed)
    names = {item.name for model in MODELS.values() for item in model.inputs if not item.choices}
    columns: dict[str, np.ndarray] = {
        name: rng.gamma(2, 400, rows) for name in sorted(names - {"stall_at_ms", "success", "loss_dl"})
    }
    columns |= {"loss_dl": rng.beta(1, 60, rows), "stall_count": rng.poisson(1, rows).astype(float)}
    columns = {name: np.where(rng.random(rows) < 0.2, np.nan, values) for name, values in columns.items()}
    for name, size in (("service", 7), ("access", 6), ("screen", 2), ("video_codec", 4), ("voice_codec", 4)):
        columns[name] = rng.integers(-1, size, rows)
    return columns | {"success": rng.integers(-1, 2, rows), "dropped": rng.integers(-1, 2, rows)}


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_order_changes_nothing_and_quality_stays_in_range(seed: int) -> None:
    columns = mixed(400, seed)
    order = np.random.default_rng(seed).permutation(400)
    found = session_quality(columns, CATALOGUE, MODELS)
    shuffled = session_quality({name: values[order] for name, values in columns.items()}, CATALOGUE, MODELS)
    np.testing.assert_array_equal(shuffled.q, found.q[order])
    np.testing.assert_array_equal(shuffled.bad, found.bad[order])
    assert ((found.q[found.known] >= 0) & (found.q[found.known] <= 100)).all()
    assert not (found.bad & ~found.known).any()
    assert not (found.provisional & ~found.known).any()


def test_booleans_floats_and_nullable_integers_mean_the_same() -> None:
    for success in (np.array([True, False]), np.array([1.0, 0.0]), np.array([1, 0], dtype=np.int8),
                    np.array([True, False], dtype=object)):  # fmt: skip
        found = web([1.0, 1.0], success=success)
        assert found.q[1] == 0.0
        assert found.q[0] > 50


def test_every_catalogued_model_exists_and_serves_its_service() -> None:
    for name, rules in CATALOGUE.services.items():
        for model in rules.models:
            assert name in MODELS[model].services
        assert 0 < rules.prior_mean <= 100
        assert {item.segment for item in rules.references} == {"radio", "server_app"}
    assert sum(CATALOGUE.dimension_weights.values()) == pytest.approx(1)
    assert CATALOGUE.dimension_weights == {"network": 0.40, "device": 0.15, "app": 0.30, "service": 0.15}
    assert CATALOGUE.prior_weight == 10


def test_a_model_that_is_not_there_is_a_configuration_error() -> None:
    wrong = parse(TEXT.replace('model = "g1030_web"', 'model = "elsewhere"'))
    with pytest.raises(ConfigError, match="elsewhere"):
        session_quality({"service": np.zeros(1), "success": np.ones(1)}, wrong, MODELS)


@pytest.mark.parametrize(
    ("cause", "segment"),
    [("rrc_fail", "radio"), ("radio_drop", "radio"), ("PAGING_timeout", "radio"), ("dns_timeout", "server_app"),
     ("server_5xx", "server_app"), ("http_503", "server_app"), ("504", "server_app"), ("upf_down", "transport_core"),
     ("device_crash", "device"), ("app_crash", "device"),
     ("app_error", "server_app"), ("something", None), ("", None), (None, None)],
)  # fmt: skip
def test_failure_causes_point_at_a_segment(cause: str | None, segment: str | None) -> None:
    (found,) = CATALOGUE.cause_segments([cause])
    assert (SEGMENTS[found] if found >= 0 else None) == segment


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [('grounding = "own"', "grounding = ", "not TOML"), ("[services.payment]", "[services.paying]", "payment"),
     ("scale = 60", "scale = 0", "above 0"), ('segment = "server_app"', 'segment = "sky"', "sky"),
     ("wait_s = [20, 600]", "wait_s = [600, 20]", "hotline"), ("bad_below = 40", 'bad_below = "low"', "wrong value"),
     ('voice_codec = ["amr-wb"]', 'voice_codec = ["opus"]', "opus"), ("voice_kbps = 8.8", "volume = 8.8", "volume")],
)  # fmt: skip
def test_a_wrong_catalogue_is_refused_with_the_reason(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(ConfigError, match=message):
        parse(TEXT.replace(old, new))


def touch(**values: float) -> float:
    base = {"channel": float(CHANNELS.index("hotline"))}
    return float(touchpoint_quality({k: np.array([v]) for k, v in {**base, **values}.items()}, CATALOGUE)[0])


def test_touchpoints_from_perfect_to_failed() -> None:
    assert touch(success=1, wait_s=10, handle_s=120, transfers=0, rating=5) == pytest.approx(100)
    assert touch(success=1, wait_s=600, handle_s=1800, transfers=3, rating=1) == pytest.approx(30)
    assert touch(success=0, wait_s=10, rating=5) == 0
    assert touch(wait_s=600) == 0
    assert touch(wait_s=np.sqrt(20 * 600)) == pytest.approx(50)
    assert np.isnan(touch())
    assert np.isnan(touch(channel=-1, wait_s=30))


def test_a_week_is_long_for_an_appointment_and_a_minute_is_not() -> None:
    field = CHANNELS.index("field")
    assert touch(channel=field, wait_s=60) == 100
    assert touch(channel=field, wait_s=7 * 86400) == 0


@given(wait=st.floats(0, 1e4), more=st.floats(0, 1e4), transfers=st.integers(0, 5), rating=st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_touchpoint_quality_is_monotone(wait: float, more: float, transfers: int, rating: int) -> None:
    base = {"success": 1.0, "wait_s": wait, "handle_s": 300.0, "transfers": transfers, "rating": rating}
    assert touch(**{**base, "wait_s": wait + more}) <= touch(**base) + 1e-9
    assert touch(**{**base, "transfers": transfers + 1}) <= touch(**base) + 1e-9
    assert touch(**{**base, "rating": rating + 1}) >= touch(**base)


def test_the_touchpoint_columns_are_those_of_the_contract() -> None:
    assert {"channel", "wait_s", "handle_s", "success", "transfers", "rating"} <= {c.name for c in TOUCHPOINTS.columns}
