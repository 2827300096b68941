"""Every closed-form QoE model against one copy of the columns that it reads: what rating costs beyond moving the data.

The peer copies the model's input columns once, in the types in which scoring reads them; both write into arrays that
are there already. The figure is the worst model's CPU time over the copy's.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.pairs import arguments, close, tell
from qoe.model import Input, QoeModel, Score
from qoe.models import registry

TARGET = 15.0
_MISSING = 0.02
_LEAST_S = 0.05  # so much is measured at a time, since one copy takes a millisecond

Array = NDArray[Any]

# Medians of the made-up sessions; what is not here is a time of some 60 ms.
_USUAL = {
    "loss_dl": 0.004, "jitter_ms": 8.0, "delay_ms": 90.0, "voice_kbps": 13.0, "video_kbps": 2500.0, "video_fps": 30.0,
    "video_height": 720.0, "play_ms": 120_000.0, "startup_ms": 1200.0, "stall_ms": 3000.0, "audio_kbps": 128.0,
    "page_load_ms": 1800.0, "deliver_ms": 900.0, "throughput_dl_kbps": 12_000.0, "throughput_ul_kbps": 3000.0,
    "bytes_dl": 2e6, "bytes_ul": 2e5, "ttfb_ms": 250.0,
}  # fmt: skip
_STALLS = (0.85, 0.09, 0.04, 0.02)  # shares of sessions with 0, 1, 2, 3 stalls


def sessions(model: QoeModel, rows: int) -> dict[str, Array]:
    """Made-up sessions with the model's inputs, typed as scoring reads them: reals float32, codes int8."""
    rng = np.random.default_rng(7)
    columns = {item.name: _column(item, rows, rng) for item in model.inputs if item.name != "stall_at_ms"}
    if "stall_count" in columns:
        count = rng.choice(len(_STALLS), rows, p=_STALLS)
        columns["stall_count"] = count.astype(np.float32)
        columns["stall_ms"] = np.where(count > 0, columns["stall_ms"], np.float32(0))
        columns["stall_at_ms"] = _listed(count, columns["play_ms"], rng)
    return columns


def _column(item: Input, rows: int, rng: np.random.Generator) -> Array:
    if item.choices:
        return rng.integers(0, len(item.choices), rows).astype(np.int8)
    if item.name == "success":
        return (rng.random(rows) > 0.02).astype(np.int16)
    usual = _USUAL.get(item.name, 60.0)
    values = np.minimum(usual * rng.lognormal(0, 0.7, rows), item.possible[1])
    if item.name.startswith("bytes"):
        return values.astype(np.int64)
    return np.where(rng.random(rows) < _MISSING, np.nan, values).astype(np.float32)


def _listed(count: Array, play_ms: Array, rng: np.random.Generator) -> NDArray[np.object_]:
    """Where the stalls were, for half of the sessions that had any."""
    lists = np.full(len(count), None, dtype=object)
    for row in np.flatnonzero((count > 0) & (rng.random(len(count)) < 0.5) & (play_ms > 0)).tolist():
        lists[row] = np.sort(rng.random(count[row]) * play_ms[row]).astype(np.int32)
    return lists


def _seconds(work: Callable[[], object], times: int) -> float:
    """CPU seconds of one call."""
    start = process_time()
    for _ in range(times):
        work()
    return (process_time() - start) / times


def ratio(model: QoeModel, rows: int, rounds: int) -> tuple[float, float, float]:
    """Median over interleaved rounds of model over copy, and nanoseconds a session of both."""
    columns = sessions(model, rows)
    space = {name: np.empty_like(values) for name, values in columns.items()}
    scores = Score(np.empty(rows), np.empty(rows, dtype=np.bool_))

    def copy() -> None:
        for name, values in columns.items():
            np.copyto(space[name], values)

    def rate() -> None:
        model.score(columns, scores)

    copy()
    rate()
    start = perf_counter()
    copy()
    times = max(1, round(_LEAST_S / (perf_counter() - start)))
    found = [(_seconds(copy, times), _seconds(rate, max(1, times // 8))) for _ in range(rounds)]
    scale = 1e9 / rows
    copied, rated = (median(each) * scale for each in zip(*found, strict=True))
    return median(ours / peer for peer, ours in found), rated, copied


def main() -> int:
    """Measure every model and say which is the dearest."""
    asked = arguments(__doc__ or "")
    rows, rounds = (100_000, 3) if asked.small else (1_000_000, 7)
    found: dict[str, float] = {}
    for name, model in sorted(registry().items()):
        found[name], rated, copied = ratio(model, rows, rounds)
        tell(f"{name:16} {found[name]:6.2f} times its copy: {rated:6.1f} ns a session, copy {copied:5.2f} ns")
    worst = max(found, key=lambda name: found[name])
    tell(f"the dearest is {worst}, of {rows:,} sessions")
    detail: dict[str, object] = {"rows": rows, "ratios": found}
    unit = "times one copy of the columns, the dearest model"
    return close("models", found[worst], unit, TARGET, at_most=True, detail=detail, as_json=asked.json)


if __name__ == "__main__":
    raise SystemExit(main())
