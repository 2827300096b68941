"""P.1203-based closed form (mode 0) for video sessions, at session level.

Without the P.1203.3 random-forest term; not a compliant implementation. Patents may cover P.1203 for commercial users.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qoe.model import Block, BoolArray, FloatArray, Grounding, Input, QoeModel
from qoe.models.p1203_blocks import (
    H264_CUBIC,
    HEVC_CUBIC,
    VP9_CUBIC,
    audio_mos,
    audiovisual_mos,
    closed_form_mos,
    coded_pixels,
    recency,
    stalling_factor,
    video_mos,
)
from records.kinds import SCREENS, VIDEO_CODECS

_AV1, _PC = VIDEO_CODECS.index("av1"), SCREENS.index("pc")
_SCALE = (0.02833052 + 0.98117059 * 1, 0.02833052 + 0.98117059 * 5)
# By codec, the last one unknown. AV1 codes at least as well as HEVC: the HEVC curve stands in for it (proxy).
_CUBICS = {"h264": H264_CUBIC, "hevc": HEVC_CUBIC, "vp9": VP9_CUBIC, "av1": HEVC_CUBIC, "": H264_CUBIC}
_CUBIC = np.array([_CUBICS[name] for name in (*VIDEO_CODECS, "")]).T.copy()

ASSUMED_FPS = 30.0  # own: the usual frame rate of streaming
ASSUMED_AUDIO_KBPS = 128.0  # own: the usual AAC-LC rate of streaming
ASSUMED_STARTUP_S = 1.0  # own: no session starts at once


def _picture(block: Block) -> FloatArray:
    """O22 of the session in its own codec."""
    codec = block.code("video_codec")
    block.assume(block.missing("video_codec") | (codec == _AV1))
    height = np.maximum(block.number("video_height"), 2.0)
    fps = np.maximum(block.or_assumed("video_fps", ASSUMED_FPS), 1.0)
    h264 = video_mos(block.number("video_kbps"), fps, coded_pixels(height), block.code("screen") != _PC)
    mos: FloatArray = _CUBIC[0].take(codec)
    for coefficients in _CUBIC[1:]:
        mos *= h264
        mos += coefficients.take(codec)
    return np.clip(mos, 1.0, 5.0, out=mos)


@dataclass(frozen=True, eq=False)
class _Stalls:
    """Where the stalls of some sessions were: mean recency, first and last media time, and whether these are known."""

    recency: FloatArray
    first_s: FloatArray
    last_s: FloatArray
    listed: BoolArray


def _evenly(count: FloatArray, play_s: FloatArray) -> _Stalls:
    """Stalls at k T / (N + 1): their recency is a geometric series."""
    gap_s = play_s / (count + 1)
    ratio = recency(gap_s)
    mean = ratio * (1 - ratio**count) / ((1 - ratio) * count)
    return _Stalls(mean, gap_s, count * gap_s, np.zeros(len(count), dtype=np.bool_))


def _place(stalls: _Stalls, lists: NDArray[np.object_], count: FloatArray, play_s: FloatArray) -> None:
    """Put the stalls of the sessions that list as many as they count where they were."""
    sizes = np.fromiter((-1 if item is None else len(item) for item in lists), np.intp, len(lists))
    chosen = np.flatnonzero(sizes == count)
    if not len(chosen):
        return
    sizes = sizes[chosen]
    at_s = np.concatenate(lists[chosen].tolist()) / 1000
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    before_end_s = np.maximum(np.repeat(play_s[chosen], sizes) - at_s, 0.0)
    stalls.recency[chosen] = np.add.reduceat(recency(before_end_s), starts) / sizes
    stalls.first_s[chosen], stalls.last_s[chosen] = np.minimum.reduceat(at_s, starts), np.maximum.reduceat(at_s, starts)
    stalls.listed[chosen] = True


def _stalling(block: Block, play_s: FloatArray) -> FloatArray:
    """SI of the session's initial loading and stalls."""
    total_s = block.or_assumed("startup_ms", 1000 * ASSUMED_STARTUP_S) / 1000
    loading = total_s > 0
    recent_s = recency(play_s)
    recent_s *= total_s
    total = block.number("stall_count") + loading
    interval_s = np.zeros(block.rows)
    rows = np.flatnonzero((block.number("stall_count") > 0) | (block.number("stall_ms") > 0))
    if len(rows):
        count, length_s = block.number("stall_count")[rows], block.number("stall_ms")[rows] / 1000
        odd = count == 0  # it stood still, but nobody counted how often: at least once
        count[odd] = 1.0
        stalls = _evenly(count, play_s[rows])
        lists = block.lists("stall_at_ms")
        if lists is not None:
            _place(stalls, lists[rows], count, play_s[rows])
        assumed = np.zeros(block.rows, dtype=np.bool_)
        assumed[rows] = odd | ~stalls.listed
        block.assume(assumed)
        total[rows] = count + loading[rows]
        total_s[rows] += length_s
        recent_s[rows] += length_s * stalls.recency
        span_s = stalls.last_s - np.where(loading[rows], 0.0, stalls.first_s)
        interval_s[rows] = span_s / np.maximum(total[rows] - 1, 1.0) * (total[rows] > 1)
    return stalling_factor(total, total_s, recent_s, interval_s, play_s)


def _formula(block: Block) -> FloatArray:
    play_s = block.number("play_ms") / 1000
    o21 = audio_mos(block.or_assumed("audio_kbps", ASSUMED_AUDIO_KBPS))
    o35 = audiovisual_mos(o21, _picture(block))
    return closed_form_mos(o35, _stalling(block, play_s))


MODEL = QoeModel(
    name="p1203_closed",
    version="1.0.0",
    title="P.1203-based closed form (mode 0)",
    services=("video",),
    scale=_SCALE,
    grounding=Grounding.PROVISIONAL,
    source="ITU-T P.1203.1/.2/.3 formulas; HEVC and VP9 after TU Ilmenau's codec extension",
    inputs=(
        Input(name="video_kbps", unit="kbit/s", direction=1),
        Input(name="video_height", unit="pixel", possible=(1.0, np.inf), valid=(144.0, 1080.0)),
        Input(name="play_ms", unit="ms", possible=(1.0, np.inf), valid=(60_000.0, 300_000.0)),
        Input(name="stall_count", unit="1", direction=-1),
        Input(name="stall_ms", unit="ms", direction=-1, assumed="0 where stall_count is 0"),
        Input(name="stall_at_ms", unit="ms", assumed="evenly spaced"),
        Input(name="startup_ms", unit="ms", direction=-1, assumed="1000"),
        Input(name="video_fps", unit="1/s", valid=(5.0, 60.0), assumed="30"),
        Input(name="audio_kbps", unit="kbit/s", direction=1, assumed="128"),
        Input(name="video_codec", choices=VIDEO_CODECS, assumed="h264"),
        Input(name="screen", choices=SCREENS, assumed="handheld, the contract's default"),
    ),
    required=(("video_kbps",), ("video_height",), ("play_ms",), ("stall_count",)),
    formula=_formula,
    note="P.1203-based closed form (mode 0), without the P.1203.3 random-forest term; not a compliant implementation. "
    "Patents may cover P.1203 for commercial users. Quality is taken as constant over the session, stalls as equally "
    "long, audio as AAC-LC; AV1 by proxy of HEVC.",
)
