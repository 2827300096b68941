"""The P.1203-based closed form against the published building blocks and session vectors."""

import numpy as np
import pytest

from qoe.models import p1203_blocks as p1203
from qoe.models import p1203_pooling
from qoe.models.p1203_closed import MODEL
from records.kinds import VIDEO_CODECS

PC, HANDHELD = np.zeros(1, dtype=bool), np.ones(1, dtype=bool)


def one(value: float) -> np.ndarray:
    return np.array([value], dtype=float)


def o22(kbps: float, fps: float, px: float, handheld: np.ndarray = PC) -> float:
    return float(p1203.video_mos(one(kbps), one(fps), one(px), handheld)[0])


@pytest.mark.parametrize(
    ("width", "height", "kbps", "fps", "mos", "digits"),
    [(1920, 1080, 2801.276, 30, 4.311, 3), (852, 480, 629.204, 30, 2.664, 3), (426, 240, 224.771, 30, 1.085, 3),
     (1280, 720, 2500, 15, 3.3349, 4)],
)  # fmt: skip
def test_video(width: int, height: int, kbps: float, fps: float, mos: float, digits: int) -> None:
    assert o22(kbps, fps, width * height) == pytest.approx(mos, abs=0.51 * 10**-digits)
    assert p1203.coded_pixels(one(height))[0] == width * height


@pytest.mark.parametrize(
    ("width", "height", "kbps", "fps", "pc", "handheld"),
    [(426, 240, 250, 24, 1.093, 1.322), (640, 360, 600, 24, 1.963, 2.401), (854, 480, 1200, 30, 2.838, 3.229),
     (1280, 720, 2500, 30, 3.831, 4.029), (1920, 1080, 4500, 30, 4.392, 4.488)],
)  # fmt: skip
def test_ladder(width: int, height: int, kbps: float, fps: float, pc: float, handheld: float) -> None:
    px = width * height  # the printed 480p figure is of 854 columns, the one of the test above of 852
    assert o22(kbps, fps, px) == pytest.approx(pc, abs=5.1e-4)
    assert o22(kbps, fps, px, HANDHELD) == pytest.approx(handheld, abs=5.1e-4)


@pytest.mark.parametrize(
    ("codec", "kbps", "mos"),
    [("aaclc", 32, 3.643), ("aaclc", 64, 4.408), ("aaclc", 96, 4.531), ("aaclc", 128, 4.554), ("aaclc", 192, 4.559),
     ("heaac", 24, 4.030), ("heaac", 48, 4.330)],
)  # fmt: skip
def test_audio(codec: str, kbps: float, mos: float) -> None:
    assert p1203.audio_mos(one(kbps), codec)[0] == pytest.approx(mos, abs=5.1e-4)


# O21 = 4.6, constant O22, T = 120 s: stalls as (media time s, length s) -> O23, closed form
VECTORS = [
    (4.5, [], 5.0, 4.9342),
    (4.5, [(0, 2)], 4.5629, 4.5053),
    (4.5, [(0, 5)], 4.5163, 4.4596),
    (4.5, [(60, 2)], 4.5624, 4.5048),
    (4.5, [(60, 5)], 4.5150, 4.4583),
    (4.5, [(20, 3), (60, 3), (100, 3)], 3.6969, 3.6556),
    (4.5, [(30, 10), (90, 10)], 3.8108, 3.7673),
    (3.0, [], 5.0, 3.9146),
    (3.0, [(60, 2)], 4.5624, 3.5968),
]


@pytest.mark.parametrize(("picture", "stalls", "o23", "mos"), VECTORS)
def test_session_vectors(picture: float, stalls: list[tuple[float, float]], o23: float, mos: float) -> None:
    at, length = (np.array([stall[part] for stall in stalls], dtype=float) for part in (0, 1))
    interval = (at[-1] - at[0]) / (len(at) - 1) if len(at) > 1 else 0.0
    recent = float((length * p1203.recency(120 - at)).sum())
    factor = p1203.stalling_factor(one(len(at)), one(length.sum()), one(recent), one(interval), one(120))
    assert 1 + 4 * factor[0] == pytest.approx(o23, abs=5.1e-5)
    o35 = p1203.audiovisual_mos(one(4.6), one(picture))
    if picture == 3.0:
        assert o35[0] == pytest.approx(3.9609, abs=5.1e-5)
    assert p1203.closed_form_mos(o35, factor)[0] == pytest.approx(mos, abs=5.1e-5)


def session(**changes: float | list[int]) -> dict[str, np.ndarray]:
    base = {"video_kbps": 4500.0, "video_fps": 30.0, "video_height": 1080.0, "audio_kbps": 128.0, "startup_ms": 0.0,
            "stall_count": 0.0, "stall_ms": 0.0, "play_ms": 120_000.0, "screen": 1, "video_codec": 0}  # fmt: skip
    columns = {name: np.array([value]) for name, value in {**base, **changes}.items() if name != "stall_at_ms"}
    if "stall_at_ms" in changes:
        columns["stall_at_ms"] = np.empty(1, dtype=object)
        columns["stall_at_ms"][0] = changes["stall_at_ms"]
    return columns


def expected(stalls: list[tuple[float, float]], handheld: np.ndarray = PC) -> float:
    """The closed form of a 1080p session, with each stall summed on its own."""
    at, length = (np.array([stall[part] for stall in stalls], dtype=float) for part in (0, 1))
    interval = (at[-1] - at[0]) / (len(at) - 1) if len(at) > 1 else 0.0
    recent = float((length * p1203.recency(120 - at)).sum())
    factor = p1203.stalling_factor(one(len(at)), one(length.sum()), one(recent), one(interval), one(120))
    o35 = p1203.audiovisual_mos(p1203.audio_mos(one(128)), one(o22(4500, 30, 1920 * 1080, handheld)))
    return float(p1203.closed_form_mos(o35, factor)[0])


def test_listed_stalls_are_taken_where_they_were() -> None:
    columns = session(stall_count=3.0, stall_ms=9000.0, stall_at_ms=[20_000, 60_000, 100_000])
    assert MODEL.mos(columns)[0] == pytest.approx(expected([(20, 3), (60, 3), (100, 3)]), abs=1e-12)
    assert not MODEL.provisional(columns)[0]


def test_unlisted_stalls_are_evenly_spaced_and_provisional() -> None:
    columns = session(stall_count=3.0, stall_ms=9000.0, startup_ms=2000.0)
    assert MODEL.mos(columns)[0] == pytest.approx(expected([(0, 2), (30, 3), (60, 3), (90, 3)]), abs=1e-12)
    assert MODEL.provisional(columns)[0]
    short = session(stall_count=3.0, stall_ms=9000.0, startup_ms=2000.0, stall_at_ms=[5])
    assert MODEL.mos(short)[0] == MODEL.mos(columns)[0]
    assert MODEL.provisional(short)[0]


def test_an_undisturbed_session_is_not_provisional_and_a_handheld_is_kinder() -> None:
    assert MODEL.mos(session())[0] == pytest.approx(expected([]), abs=1e-12)
    assert not MODEL.provisional(session())[0]
    low = {"video_height": 480.0, "video_kbps": 1200.0}
    assert MODEL.mos(session(**low, screen=0))[0] > MODEL.mos(session(**low, screen=1))[0]


def test_late_stalls_hurt_more() -> None:
    early = session(stall_count=1.0, stall_ms=5000.0, stall_at_ms=[10_000])
    late = session(stall_count=1.0, stall_ms=5000.0, stall_at_ms=[118_000])
    assert MODEL.mos(late)[0] < MODEL.mos(early)[0]


def test_other_codecs_gain_at_the_same_bitrate_and_av1_is_a_proxy() -> None:
    low = {"video_height": 720.0, "video_kbps": 1000.0}
    mos = {name: MODEL.mos(session(**low, video_codec=code))[0] for code, name in enumerate(VIDEO_CODECS)}
    assert mos["hevc"] > mos["h264"]
    assert mos["vp9"] > mos["h264"]
    assert mos["av1"] == mos["hevc"]
    assert MODEL.provisional(session(video_codec=3))[0]
    assert not MODEL.provisional(session(video_codec=1))[0]


def test_assumptions_and_lengths_outside_the_standard_are_provisional() -> None:
    for change in ({"audio_kbps": np.nan}, {"video_fps": np.nan}, {"startup_ms": np.nan}, {"video_codec": -1},
                   {"play_ms": 20_000.0}, {"play_ms": 900_000.0}, {"video_height": 2160.0}):  # fmt: skip
        columns = session(**change)
        assert np.isfinite(MODEL.mos(columns)[0])
        assert MODEL.provisional(columns)[0], change


def test_stalls_of_unknown_length_are_not_enough_data() -> None:
    assert np.isnan(MODEL.mos(session(stall_count=2.0, stall_ms=np.nan))[0])
    assert np.isfinite(MODEL.mos(session(stall_count=0.0, stall_ms=np.nan))[0])


def test_the_wording_is_honest() -> None:
    assert "not a compliant implementation" in MODEL.note
    assert "Patents" in MODEL.note


def test_a_session_that_is_alike_in_every_second_is_its_means() -> None:
    for picture in (1.5, 3.0, 4.5):
        seconds = p1203_pooling.integrated_mos(np.full(120, 4.6), np.full(120, picture))
        assert seconds == pytest.approx(p1203.audiovisual_mos(one(4.6), one(picture))[0], abs=1e-12)


def test_pooling_weighs_the_end_and_what_is_bad() -> None:
    sound, low, high = np.full(120, 4.6), np.full(60, 2.0), np.full(60, 4.0)
    early, late = (p1203_pooling.integrated_mos(sound, np.concatenate(each)) for each in ((low, high), (high, low)))
    mean = p1203.audiovisual_mos(np.full(2, 4.6), np.array([2.0, 4.0])).mean()
    assert late < early
    assert late < mean


def test_a_picture_that_goes_up_and_down_is_worse_than_one_that_changes_once() -> None:
    sound = np.full(120, 4.6)
    steady = np.repeat([2.0, 4.0], 60)
    restless = np.tile(np.repeat([2.0, 4.0], 6), 10)
    assert p1203_pooling.integrated_mos(sound, restless) < p1203_pooling.integrated_mos(sound, steady) - 0.3


def test_pooling_of_the_published_unit_example_is_near_the_full_model() -> None:
    """Its printed 1.6963 holds the random forest too, from which the closed form is 0.36 away at most."""
    o35 = p1203_pooling.integrated_mos(np.array([1.0, 2, 3, 4]), np.array([2.0, 3, 4, 1]))
    at, length = np.array([2.0, 3.0]), np.array([1.0, 2.0])
    recent = float((length * p1203.recency(4 - at)).sum())
    factor = p1203.stalling_factor(one(2), one(3), one(recent), one(1), one(4))
    assert p1203.closed_form_mos(one(o35), factor)[0] == pytest.approx(1.6963, abs=0.36)


def test_the_inverse_of_the_mos_curve_is_the_published_interpolation() -> None:
    grid = np.arange(3.25, 100.25, 0.25)
    mos = np.random.default_rng(1).uniform(1, 5, 5000)
    expected = np.interp(mos, p1203.mos_of_quality(grid), grid)
    np.testing.assert_allclose(p1203.quality_of_mos(mos), expected, atol=1e-9)
    assert np.isnan(p1203.quality_of_mos(one(np.nan))[0])
