"""The E-model against published and recomputed values (narrowband G.107, wideband G.107.1)."""

import numpy as np
import pytest

from qoe.models import e_model, e_model_fb, e_model_nb, e_model_wb, speech_path
from records.kinds import VOICE_CODECS

ZERO = np.zeros(1)
CODEC = {name: np.array([code], dtype=np.int8) for code, name in enumerate(VOICE_CODECS)}


def voice(codec: str, **columns: float) -> dict[str, np.ndarray]:
    return {"voice_codec": CODEC[codec], **{name: np.array([value]) for name, value in columns.items()}}


def test_the_defaults_give_the_published_rating() -> None:
    line = e_model.DEFAULT_LINE
    assert line.noise_dbm0p == pytest.approx(-61.1792, abs=5e-5)
    assert line.basic_rating == pytest.approx(94.7688, abs=5e-5)
    assert e_model.simultaneous_impairment(ZERO)[0] == pytest.approx(1.4136, abs=5e-5)
    assert e_model.listener_echo_impairment(ZERO)[0] == pytest.approx(0.1490, abs=5e-5)
    rating = e_model.delay_rating(ZERO)
    assert rating[0] == pytest.approx(93.2062, abs=5e-5)
    assert e_model.mos_of_rating(rating)[0] == pytest.approx(4.4094, abs=5e-5)


@pytest.mark.parametrize(("rating", "mos"), [(90, 4.339), (80, 4.024), (70, 3.597), (60, 3.100), (50, 2.575)])
def test_rating_to_mos(rating: float, mos: float) -> None:
    assert e_model.mos_of_rating(np.array([rating]))[0] == pytest.approx(mos, abs=5.1e-4)


def test_mos_of_rating_is_monotone_and_never_below_1() -> None:
    mos = e_model.mos_of_rating(np.linspace(-20, 120, 5000))
    assert (np.diff(mos) >= 0).all()
    assert mos[0] == 1.0
    assert mos[-1] == 4.5


@pytest.mark.parametrize(
    ("delay_ms", "rating", "mos"),
    [(50, 91.76, 4.380), (100, 90.66, 4.355), (150, 89.54, 4.328), (200, 85.80, 4.223), (250, 79.18, 3.993),
     (300, 72.67, 3.719), (400, 62.25, 3.216), (500, 54.80, 2.828)],
)  # fmt: skip
def test_delay(delay_ms: float, rating: float, mos: float) -> None:
    found = e_model.delay_rating(np.array([delay_ms], dtype=float))
    assert found[0] == pytest.approx(rating, abs=5.1e-3)
    assert e_model.mos_of_rating(found)[0] == pytest.approx(mos, abs=5.1e-4)
    session = e_model_nb.MODEL.mos(voice("g711", loss_dl=0.0, delay_ms=delay_ms))
    assert session[0] == pytest.approx(mos, abs=5.1e-4)


@pytest.mark.parametrize(
    ("delay_ms", "idd"), [(150, 0.16), (200, 3.04), (250, 8.92), (300, 14.76), (400, 24.07), (500, 30.64)]
)
def test_pure_delay(delay_ms: float, idd: float) -> None:
    assert e_model.pure_delay_impairment(np.array([delay_ms], dtype=float))[0] == pytest.approx(idd, abs=5.1e-3)


@pytest.mark.parametrize(
    ("ie", "bpl", "loss_percent", "impairment", "rating", "mos"),
    [(0, 4.3, 0.5, 9.896, None, 4.143), (0, 4.3, 1, 17.925, 75.28, 3.834), (0, 4.3, 2, 30.159, 63.05, 3.256),
     (0, 4.3, 5, 51.075, 42.13, 2.170), (0, 25.1, 1, 3.640, 89.57, 4.328), (11, 19, 0, 11, 82.21, 4.105),
     (11, 19, 1, 15.2, 78.01, 3.946), (5, 10, 0, 5, 88.21, 4.293), (5, 10, 2, 20.0, 73.21, 3.744)],
)  # fmt: skip
def test_codecs_under_loss(
    ie: float, bpl: float, loss_percent: float, impairment: float, rating: float | None, mos: float
) -> None:
    found = e_model.equipment_impairment(ie, bpl, np.array([loss_percent], dtype=float))
    assert found[0] == pytest.approx(impairment, abs=5.1e-4)
    left = e_model.delay_rating(ZERO) - found
    if rating is not None:
        assert left[0] == pytest.approx(rating, abs=5.1e-3)
    assert e_model.mos_of_rating(left)[0] == pytest.approx(mos, abs=5.1e-4)


def test_sessions_use_the_codec_table() -> None:
    mos = e_model_nb.MODEL.mos
    assert mos(voice("g711", loss_dl=0.01, delay_ms=0.0))[0] == pytest.approx(3.834, abs=5.1e-4)
    assert mos(voice("amr", loss_dl=0.02, delay_ms=0.0))[0] == pytest.approx(3.744, abs=5.1e-4)
    assert np.isnan(mos(voice("amr-wb", loss_dl=0.0, delay_ms=0.0))[0])


def test_a_proxy_codec_and_an_estimated_delay_are_provisional() -> None:
    provisional = e_model_nb.MODEL.provisional
    assert not provisional(voice("g711", loss_dl=0.01, delay_ms=80.0))[0]
    assert provisional(voice("amr", loss_dl=0.01, delay_ms=80.0))[0]
    assert provisional(voice("g711", loss_dl=0.01, rtt_client_ms=80.0))[0]


def test_unmeasured_delay_is_half_the_round_trip_a_buffer_and_a_frame() -> None:
    estimated = e_model_nb.MODEL.mos(voice("g711", loss_dl=0.0, rtt_client_ms=80.0, rtt_server_ms=20.0, jitter_ms=5.0))
    measured = e_model_nb.MODEL.mos(voice("g711", loss_dl=0.0, delay_ms=80.0))
    assert estimated[0] == pytest.approx(measured[0], abs=1e-6)


def test_high_jitter_loses_packets() -> None:
    assert speech_path.late_loss_ratio(np.array([0.0, 60.0])) == pytest.approx([0.0, 0.0677], abs=5e-5)


def test_burst_loss_hurts_more_than_random_loss() -> None:
    loss = np.array([2.0])
    assert e_model.equipment_impairment(0, 4.3, loss, 2.0)[0] > e_model.equipment_impairment(0, 4.3, loss)[0]


@pytest.mark.parametrize(("ie", "mos"), [(1, 4.4940), (8, 4.4206), (13, 4.3371), (41, 3.5123), (56, 2.9220)])
def test_wideband_equipment(ie: float, mos: float) -> None:
    rating = e_model_wb.wideband_rating(np.array([ie]), np.array([4.3]), ZERO, ZERO)
    assert e_model_wb.mos_of_wideband_rating(rating)[0] == pytest.approx(mos, abs=5.1e-5)


def test_wideband_under_loss() -> None:
    ie, bpl, loss = np.array([20.0]), np.array([4.3]), np.array([2.0])
    assert e_model.equipment_impairment(ie, bpl, loss)[0] == pytest.approx(43.8095, abs=5e-5)
    rating = e_model_wb.wideband_rating(ie, bpl, loss, ZERO)
    assert e_model_wb.mos_of_wideband_rating(rating)[0] == pytest.approx(3.4062, abs=5e-5)


@pytest.mark.parametrize(("kbps", "mos"), [(23.05, 4.4940), (23.85, 4.4206), (12.65, 4.3371), (6.6, 3.5123)])
def test_wideband_sessions_use_the_nearest_mode(kbps: float, mos: float) -> None:
    session = voice("amr-wb", loss_dl=0.0, delay_ms=60.0, voice_kbps=kbps + 0.05)
    assert e_model_wb.MODEL.mos(session)[0] == pytest.approx(mos, abs=5.1e-5)
    assert not e_model_wb.MODEL.provisional({**session, "voice_kbps": np.array([kbps])})[0]


def test_low_evs_is_a_proxy_and_narrowband_codecs_are_not_on_the_wideband_scale() -> None:
    evs = voice("evs", loss_dl=0.0, delay_ms=60.0, voice_kbps=7.2)
    assert e_model_wb.MODEL.mos(evs)[0] == pytest.approx(4.3371, abs=5e-5)
    assert e_model_wb.MODEL.provisional(evs)[0]
    assert np.isnan(e_model_wb.MODEL.mos(voice("g711", loss_dl=0.0, delay_ms=60.0))[0])


@pytest.mark.parametrize(
    ("delay_ms", "loss_percent", "rating", "mos"),
    [(0, 0, 137.8, 4.408), (150, 0, 137.558, 4.404), (200, 1, 110.313, 3.802), (300, 2, 77.288, 2.692)],
)
def test_fullband(delay_ms: float, loss_percent: float, rating: float, mos: float) -> None:
    ie, bpl, loss, delay = (np.array([float(value)]) for value in (10.2, 4.3, loss_percent, delay_ms))
    found = e_model_fb.fullband_rating(ie, bpl, loss, delay)
    assert found[0] == pytest.approx(rating, abs=5.1e-4)
    assert e_model_fb.mos_of_fullband_rating(found)[0] == pytest.approx(mos, abs=5.1e-4)


@pytest.mark.parametrize(("kbps", "ie", "bpl"), [(48, 10.2, 9.6), (32, 8.7, 9.3), (24.4, 7.2, 11.4), (16.4, 10.8, 10.3),
                                                 (13.2, 17.1, 11.7), (9.6, 22.7, 13.0)])  # fmt: skip
def test_fullband_sessions_use_the_nearest_mode_of_evs(kbps: float, ie: float, bpl: float) -> None:
    session = voice("evs", loss_dl=0.01, delay_ms=90.0, voice_kbps=kbps + 0.1)
    rating = 148 - ie - (132 - ie) / (1 + bpl)
    assert e_model_fb.MODEL.mos(session)[0] == pytest.approx(
        e_model.mos_of_rating(np.array([rating / 1.48]))[0], abs=1e-6
    )


def test_evs_of_unknown_rate_is_in_its_usual_mode_and_provisional() -> None:
    unknown, usual = (voice("evs", loss_dl=0.0, delay_ms=60.0, voice_kbps=kbps) for kbps in (np.nan, 13.2))
    assert e_model_fb.MODEL.mos(unknown)[0] == e_model_fb.MODEL.mos(usual)[0]
    assert e_model_fb.MODEL.provisional(unknown)[0]
    assert not e_model_fb.MODEL.provisional(usual)[0]
    assert np.isnan(e_model_fb.MODEL.mos(voice("amr-wb", loss_dl=0.0, delay_ms=60.0))[0])


def test_the_delay_table_is_the_formula() -> None:
    delay_ms = np.random.default_rng(1).uniform(0, 1500, 2000)
    loss = np.zeros(2000)
    codec = np.zeros(2000, dtype=np.int8)
    mos = e_model_nb.MODEL.mos({"voice_codec": codec, "loss_dl": loss, "delay_ms": delay_ms})
    np.testing.assert_allclose(mos, e_model.mos_of_rating(e_model.delay_rating(delay_ms)), atol=1e-6)
