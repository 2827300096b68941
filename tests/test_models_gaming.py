"""Games against the published values of G.1072: the light form and the one with the video stream."""

import numpy as np
import pytest

from qoe.models import g1072, gaming_light, gaming_stream


def columns(**values: float) -> dict[str, np.ndarray]:
    return {name: np.array([value]) for name, value in values.items()}


def light(rtt_ms: float, loss: float = 0.0) -> float:
    game = columns(rtt_client_ms=rtt_ms, rtt_server_ms=0.0, jitter_ms=0.0, loss_dl=loss)
    return float(gaming_light.MODEL.mos(game)[0])


def stream(mbps: float, fps: float, rtt_ms: float, loss: float = 0.0, **more: float) -> dict[str, np.ndarray]:
    game = {"video_kbps": 1000 * mbps, "video_fps": fps, "video_height": 1080.0, "rtt_client_ms": rtt_ms,
            "rtt_server_ms": 0.0, "jitter_ms": 0.0, "loss_dl": loss}  # fmt: skip
    return columns(**{**game, **more})


@pytest.mark.parametrize(
    ("mbps", "fps", "delay_ms", "loss", "mos", "digits"),
    [(50, 60, 0, 0, 4.5809, 4), (20, 60, 50, 0, 4.26, 2), (10, 60, 100, 0, 3.51, 2), (10, 30, 100, 0, 3.746, 3),
     (5, 60, 200, 0, 2.171, 3), (10, 60, 100, 0.02, 2.928, 3), (2, 30, 200, 0, 1.894, 3)],
)  # fmt: skip
def test_the_published_values(mbps: float, fps: float, delay_ms: float, loss: float, mos: float, digits: int) -> None:
    found = gaming_stream.MODEL.mos(stream(mbps, fps, delay_ms, loss))[0]
    assert found == pytest.approx(mos, abs=0.51 * 10**-digits)


def test_terms() -> None:
    assert g1072.input_impairment(np.array([0.0]))[0] == pytest.approx(90 / (1 + np.exp(1.191)) - 18.73)
    assert g1072.frame_impairment(np.zeros(1), 60.0)[0] == 0.0
    assert g1072.motion_impairment(np.zeros(1), 60.0)[0] == pytest.approx(0.542)
    assert g1072.mos_of_rating(np.array([0.0, 100.0])) == pytest.approx([1.3, 4.64])


def test_the_light_form_is_near_the_full_one_for_a_rich_stream() -> None:
    assert light(0.0) == pytest.approx(4.5809, abs=0.05)
    for rtt_ms in (0.0, 60.0, 150.0):
        full = gaming_stream.MODEL.mos(stream(50, 60, rtt_ms))[0]
        assert light(rtt_ms) == pytest.approx(full, abs=0.2)


def test_loss_hurts_a_game_only_beyond_the_first_frame_of_delay() -> None:
    assert light(100.0, 0.02) < light(100.0) < light(10.0, 0.02)


def test_jitter_is_added_delay() -> None:
    late = gaming_stream.MODEL.mos(stream(20, 60, 90.0))[0]
    assert gaming_stream.MODEL.mos(stream(20, 60, 50.0, jitter_ms=20.0))[0] == late


def test_unmeasured_jitter_and_loss_make_a_game_provisional() -> None:
    assert gaming_light.MODEL.provisional(columns(rtt_client_ms=40.0))[0]
    whole = columns(rtt_client_ms=40.0, rtt_server_ms=10.0, jitter_ms=2.0, loss_dl=0.0)
    assert not gaming_light.MODEL.provisional(whole)[0]
    assert not gaming_stream.MODEL.provisional(stream(20, 60, 50))[0]
    assert gaming_stream.MODEL.provisional(stream(80, 60, 50))[0]
