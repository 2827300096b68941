"""Video telephony against the published values of G.1070, and its two cuts."""

import numpy as np
import pytest

from qoe.models import g1070
from qoe.models.video_call import MODEL, speech_quality
from records.kinds import VOICE_CODECS


def one(value: float) -> np.ndarray:
    return np.array([value], dtype=float)


@pytest.mark.parametrize(
    ("kbps", "loss_percent", "vq"),
    [(300, 0, 2.794), (1000, 0, 3.869), (1000, 1, 3.129), (2000, 0, 4.012), (2000, 3, 2.231)],
)
def test_video(kbps: float, loss_percent: float, vq: float) -> None:
    assert g1070.video_quality(one(kbps), one(30), one(loss_percent))[0] == pytest.approx(vq, abs=5.1e-4)


@pytest.mark.parametrize(("delay_ms", "mmq", "digits"), [(100, 3.215, 3), (400, 3.10, 2)])
def test_the_call_as_a_whole(delay_ms: float, mmq: float, digits: int) -> None:
    both = g1070.speech_video_quality(one(4.5), g1070.video_quality(one(2000), one(30), one(0)))
    assert g1070.multimedia_quality(both, one(delay_ms))[0] == pytest.approx(mmq, abs=0.51 * 10**-digits)


def call(**changes: float) -> dict[str, np.ndarray]:
    base = {"voice_codec": VOICE_CODECS.index("amr-wb"), "video_kbps": 1500.0, "video_fps": 30.0, "loss_dl": 0.0,
            "delay_ms": 80.0, "jitter_ms": 2.0}  # fmt: skip
    return {name: np.array([value]) for name, value in {**base, **changes}.items()}


def test_better_sound_and_less_delay_are_never_worse_however_bad_the_rest() -> None:
    sound = np.linspace(1, 4.5, 200)
    for vq in (1.0, 1.5, 2.1, 2.3, 4.0):
        both = g1070.speech_video_quality(sound, np.full(200, vq))
        assert (np.diff(both) >= 0).all()
        for value in both[[0, 100, 199]]:
            mmq = g1070.multimedia_quality(np.full(200, value), np.linspace(0, 3000, 200))
            assert (np.diff(mmq) <= 1e-12).all()


def test_the_best_call_is_at_the_end_of_the_scale() -> None:
    best = MODEL.mos(call(video_kbps=1e5, voice_codec=VOICE_CODECS.index("g711"), delay_ms=0.0))[0]
    assert best == pytest.approx(MODEL.scale[1], abs=0.03)


def test_speech_is_that_of_the_voice_models_without_their_delay() -> None:
    codes = np.array([VOICE_CODECS.index(name) for name in ("g711", "amr", "amr-wb")] + [-1])
    assert speech_quality(codes, np.zeros(4)) == pytest.approx([4.409, 4.293, 4.3371, 4.3371], abs=5.1e-4)


def test_an_unknown_speech_codec_and_an_estimated_delay_are_provisional() -> None:
    assert not MODEL.provisional(call())[0]
    assert MODEL.provisional(call(voice_codec=-1))[0]
    assert MODEL.provisional(call(delay_ms=np.nan, rtt_client_ms=80.0))[0]
    assert MODEL.provisional(call(video_kbps=9000.0))[0]
    assert np.isnan(MODEL.mos(call(video_fps=np.nan))[0])
