"""Scoring on Apache Spark, with one and two workers of one core each, against the local engine on the same hours.

What a session costs is told by runs that find Spark started; what starting costs is told beside it. The processors of
every process count: Java, its workers, the tasks, the database.
"""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.pairs import arguments, close, measure, tell
from bench.session_hours import HOUR, START, SessionHours, session_hours
from cemaphore.pipeline.scoring import score

TARGET = 2.0  # own: what Parquet, the way through Spark and its bookkeeping may add
_SAMPLE_S = 0.1
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Scores an hour a worker, says so, waits for a line, scores all hours, and says how many sessions there were.
_CHILD = """
import sys
from datetime import datetime
from pathlib import Path
from cemaphore.engines import Engine
from cemaphore.engines.session import spark_session
from cemaphore.pipeline.scoring import score
from cemaphore.settings import load_settings
url, home, engine, workers, start, one, end = sys.argv[1:]
settings, first = load_settings(home=home, database_url=None), datetime.fromisoformat(start)
def run(until):
    kind = Engine(engine)
    return score(url, settings, start=first, end=datetime.fromisoformat(until), processes=int(workers), engine=kind)
def both():
    run(one)
    print("ready", flush=True)
    sys.stdin.readline()
    print(run(end).sessions, flush=True)
    sys.stdin.readline()
if engine == "local":
    both()
else:
    folder = Path(home) / "spark-session"
    folder.mkdir(exist_ok=True)
    with spark_session(f"local-cluster[{workers},1,1024]", folder):
        both()
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Processor microseconds a session once all had started, of client side and database; seconds by the clock."""

    client_us: float
    server_us: float
    wall_s: float
    start_cpu_s: float

    @property
    def us(self) -> float:
        """Processor microseconds a session."""
        return self.client_us + self.server_us


class _Tree:
    """Processor seconds of a process and all that came from it in its session, sampled while they live."""

    def __init__(self, leader: int) -> None:
        self._leader, self._seconds = leader, dict[int, float]()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def seconds(self) -> float:
        """Look once more, and return the sum so far."""
        self._look()
        return sum(self._seconds.values())

    def end(self) -> None:
        """Follow no longer."""
        self._done.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._done.wait(_SAMPLE_S):
            self._look()

    def _look(self) -> None:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if int(fields[3]) == self._leader:
                    self._seconds[int(entry.name)] = sum(map(int, fields[11:13])) / _TICKS_PER_S


def _run(base: SessionHours, engine: str, workers: int, hours: int, per_hour: int) -> Run:
    """Score the hours in a process of its own, and say what they cost."""
    moments = [(START + count * HOUR).isoformat() for count in (0, workers, hours)]  # each worker starts with an hour
    command = [sys.executable, "-c", _CHILD, base.url, str(base.settings.home), engine, str(workers), *moments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        tree = _Tree(child.pid)
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            if child.stdout.readline().strip() != "ready":
                raise SystemExit(f"the {engine} engine did not start")
            before = tree.seconds()
            cost = measure(lambda: _go(child), base.pid)
            client_s = tree.seconds() - before
        finally:
            tree.end()
            child.stdin.close()
    sessions = hours * per_hour
    return Run(
        client_us=client_s / sessions * 1e6,
        server_us=cost.server_s / sessions * 1e6,
        wall_s=cost.wall_s,
        start_cpu_s=before,
    )


def _go(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("go\n")
    child.stdin.flush()
    if not child.stdout.readline().strip().isdigit():
        raise SystemExit("the hours were not scored")


def main() -> int:
    """Score the same hours by each engine."""
    asked = arguments(__doc__ or "")
    if shutil.which("java") is None:
        tell("Apache Spark runs on Java 17 or later, and there is none here: nothing is measured")
        return close("spark", 0, "worker counts measured, for want of Java", 0, as_json=asked.json)
    hours, per_hour, rounds, workers = (3, 4_000, 1, (1,)) if asked.small else (6, 50_000, 1, (1, 2))
    found: dict[str, list[Run]] = {}
    with session_hours(per_hour, per_hour) as base:
        base.fill(hours)
        score(base.url, base.settings, processes=1)  # so that every run that counts replaces rows
        for _ in range(rounds):
            for engine, count in (("local", 1), *(("spark", count) for count in workers)):
                run = _run(base, engine, count, hours, per_hour)
                found.setdefault(f"{engine} {count}", []).append(run)
                tell(f"{engine}, {count} worker{'s' if count > 1 else ''}: {run.us:.1f} CPU us a session (client "
                     f"{run.client_us:.1f}, server {run.server_us:.1f}), {run.wall_s:.1f} s for "
                     f"{hours * per_hour:,}; starting and the first hours {run.start_cpu_s:.1f} CPU s")  # fmt: skip
    return _close(found, as_json=asked.json)


def _close(found: Mapping[str, list[Run]], *, as_json: bool) -> int:
    local = median(run.us for run in found["local 1"])
    ratios = {name: median(run.us for run in runs) / local for name, runs in found.items() if name != "local 1"}
    for name, ratio in ratios.items():
        faster = median(run.wall_s for run in found["local 1"]) / median(run.wall_s for run in found[name])
        tell(f"{name}: {ratio:.2f} times the local engine's CPU a session, {faster:.2f} times as fast by the clock")
    worst = max(ratios.values())
    detail: dict[str, object] = {"runs": dict(found), "ratios": ratios}
    unit = "times the local engine's CPU a session"
    return close("spark", worst, unit, TARGET, at_most=True, detail=detail, as_json=as_json)


if __name__ == "__main__":
    raise SystemExit(main())
