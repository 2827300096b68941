"""P.1203-based closed form (mode 0) for video sessions, at session level.

Without the P.1203.3 random-forest term; not a compliant implementation. Patents may cover P.1203 for commercial users.
"""

import numpy as np

from qoe.model import Block, BoolArray, FloatArray, Grounding, Input, QoeModel
from qoe.models.p1203_blocks import (
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

_H264, _HEVC, _VP9, _AV1 = (VIDEO_CODECS.index(name) for name in ("h264", "hevc", "vp9", "av1"))
_HANDHELD = SCREENS.index("handheld")
_SCALE = (0.02833052 + 0.98117059 * 1, 0.02833052 + 0.98117059 * 5)

ASSUMED_FPS = 30.0  # own: the usual frame rate of streaming
ASSUMED_AUDIO_KBPS = 128.0  # own: the usual AAC-LC rate of streaming
ASSUMED_STARTUP_S = 1.0  # own: no session starts at once


def _picture(block: Block) -> FloatArray:
    """O22 of the session in its own codec."""
    codec = block.code("video_codec")
    block.assume((codec < 0) | (codec == _AV1))
    pc = block.code("screen") == SCREENS.index("pc")
    height = np.maximum(block.number("video_height"), 2.0)
    fps = np.maximum(block.or_assumed("video_fps", ASSUMED_FPS), 1.0)
    mos = video_mos(block.number("video_kbps"), fps, coded_pixels(height), ~pc)
    # AV1 codes at least as well as HEVC: the HEVC curve stands in for it (proxy).
    for rows, cubic in (((codec == _HEVC) | (codec == _AV1), HEVC_CUBIC), (codec == _VP9, VP9_CUBIC)):
        if rows.any():
            mos[rows] = np.clip(np.polyval(cubic, mos[rows]), 1.0, 5.0)
    return mos


def _listed(block: Block, count: FloatArray, play_s: FloatArray) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Rows that say where their stalls were, with the mean recency of these stalls and the last and first time."""
    rows = np.zeros(block.rows, dtype=np.bool_)
    mean_recency, span = np.zeros(block.rows), np.zeros((2, block.rows))
    lists = block.lists("stall_at_ms")
    stalled = np.flatnonzero(count > 0)
    if lists is None or not len(stalled):
        return rows, mean_recency, span
    sizes = np.fromiter((0 if item is None else len(item) for item in lists[stalled]), np.intp, len(stalled))
    chosen = stalled[sizes == count[stalled]]
    if len(chosen):
        sizes = count[chosen].astype(np.intp)
        at_s = np.concatenate(list(lists[chosen])).astype(np.float64) / 1000
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        before_end_s = np.maximum(np.repeat(play_s[chosen], sizes) - at_s, 0.0)
        rows[chosen] = True
        mean_recency[chosen] = np.add.reduceat(recency(before_end_s), starts) / sizes
        span[0, chosen], span[1, chosen] = np.maximum.reduceat(at_s, starts), np.minimum.reduceat(at_s, starts)
    return rows, mean_recency, span


def _stalling(block: Block, play_s: FloatArray) -> FloatArray:
    """SI of the session's initial loading and stalls."""
    startup_s = block.or_assumed("startup_ms", 1000 * ASSUMED_STARTUP_S) / 1000
    count = block.number("stall_count")
    stalled_s = np.where(count == 0, np.nan_to_num(block.number("stall_ms"), nan=0.0), block.number("stall_ms")) / 1000
    odd = (count == 0) & (stalled_s > 0)
    block.assume(odd)
    count = np.where(odd, 1.0, count)
    # Evenly spaced stalls lie at k T / (N + 1): their recency is a geometric series.
    gap_s = play_s / (count + 1)
    ratio = recency(gap_s)
    mean_recency = ratio * (1 - ratio**count) / ((1 - ratio) * np.maximum(count, 1.0))
    first_s, last_s = gap_s, count * gap_s
    listed, listed_recency, span = _listed(block, count, play_s)
    if listed.any():
        mean_recency = np.where(listed, listed_recency, mean_recency)
        first_s, last_s = np.where(listed, span[1], first_s), np.where(listed, span[0], last_s)
    block.assume((count > 0) & ~listed)
    loading = startup_s > 0
    first_s = np.where(loading, 0.0, first_s)
    total = count + loading
    interval_s = np.where(total > 1, (last_s - first_s) / np.maximum(total - 1, 1.0), 0.0)
    recent_s = stalled_s * mean_recency + startup_s * recency(play_s)
    return stalling_factor(total, stalled_s + startup_s, recent_s, interval_s, play_s)


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
