"""Scoring of ten times the sessions, in ten times the hours, against ten times the cost; and the memory of both.

The peer is linear growth: the processor seconds of the smaller base, times the ratio of the sizes. A day is scored
before, unmeasured, as only the day after it learns from a whole one: so every measured day has the same work. The small
form is of one day, and learns nothing. Memory is the peak of a process that scores one or the other.
"""

from bench.pairs import Cost, arguments, close, measure, tell
from bench.session_hours import session_hours
from cemaphore.pipeline.scoring import score

TARGET = 1.15
MEMORY_TARGET = 1.1


def main() -> int:
    """Score both bases, each in a process of its own."""
    asked = arguments(__doc__ or "")
    before, hours, times, per_hour = (0, 6, 3, 2_000) if asked.small else (24, 96, 10, 10_417)
    costs, peaks = [], []
    for size in (hours, hours * times):
        cost, peak = _scored(before, size, per_hour)
        tell(f"{size * per_hour:,} sessions in {size} hours: {cost.cpu_s:.1f} CPU s (client {cost.client_s:.1f}, "
             f"server {cost.server_s:.1f}, wall {cost.wall_s:.1f}), peak {peak:.0f} MiB")  # fmt: skip
        costs.append(cost)
        peaks.append(peak)
    growth = costs[1].cpu_s / costs[0].cpu_s / times
    memory = peaks[1] / peaks[0]
    tell(f"memory grew {memory:.3f} times (target {MEMORY_TARGET})")
    detail: dict[str, object] = {"costs": costs, "peak_mib": peaks, "times": times, "memory_growth": memory}
    code = close("growth", growth, "times linear growth", TARGET, at_most=True, detail=detail, as_json=asked.json)
    return max(code, int(memory > MEMORY_TARGET))


def _scored(before: int, hours: int, per_hour: int) -> tuple[Cost, float]:
    with session_hours(per_hour, per_hour) as base:
        base.fill(before + hours)
        base.execute("DELETE FROM cem.dirty")
        base.mark(0, before)
        score(base.url, base.settings, processes=1)
        base.mark(before, before + hours)
        peaks: list[float] = []
        cost = measure(lambda: peaks.append(base.score_apart()), base.pid)
    return cost, peaks[0]


if __name__ == "__main__":
    raise SystemExit(main())
