"""The frame of every benchmark: CPU time of all that works for it, interleaved pairs, and one closing line."""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

_TICKS_PER_S = 100  # USER_HZ of Linux, proc(5)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Processor seconds of this process and its ended children, of the database's processes, and wall seconds."""

    client_s: float
    server_s: float
    wall_s: float

    @property
    def cpu_s(self) -> float:
        """Client and server together."""
        return self.client_s + self.server_s


def measure(work: Callable[[], object], postmaster_pid: int | None = None) -> Cost:
    """Run `work` once and return what it cost."""
    settle_s = 0.2 if postmaster_pid is not None else 0.0  # a backend that ends is counted once it is reaped
    time.sleep(settle_s)
    client, server, wall = _client_s(), server_s(postmaster_pid), time.perf_counter()
    work()
    wall_s = time.perf_counter() - wall
    client_s = _client_s() - client
    time.sleep(settle_s)
    return Cost(client_s=client_s, server_s=server_s(postmaster_pid) - server, wall_s=wall_s)


def pairs(
    ours: Callable[[], Cost], peer: Callable[[], Cost], rounds: int, tell: Callable[[str], None]
) -> list[tuple[Cost, Cost]]:
    """Run peer and ours in turns and return (ours, peer) of each round."""
    found = []
    for number in range(1, rounds + 1):
        theirs = peer()
        mine = ours()
        found.append((mine, theirs))
        tell(
            f"round {number}: ours {mine.cpu_s:.2f} CPU s (client {mine.client_s:.2f}, server {mine.server_s:.2f}, "
            f"wall {mine.wall_s:.2f}); peer {theirs.cpu_s:.2f} (client {theirs.client_s:.2f}, "
            f"server {theirs.server_s:.2f}, wall {theirs.wall_s:.2f}); ratio {theirs.cpu_s / mine.cpu_s:.3f}"
        )
    return found


def cpu_ratio(found: Sequence[tuple[Cost, Cost]]) -> float:
    """Median over the rounds of peer's CPU over ours: 1 is the peer's speed, less is slower."""
    return median(theirs.cpu_s / mine.cpu_s for mine, theirs in found)


def arguments(description: str) -> argparse.Namespace:
    """Read `--json` and `--small`, which every benchmark has."""
    return parser_of(description).parse_args()


def parser_of(description: str) -> argparse.ArgumentParser:
    """Return a parser that knows them, for a benchmark with more."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--small", action="store_true", help="a size for continuous integration")
    return parser


def close(
    name: str,
    figure: float,
    unit: str,
    target: float,
    *,
    at_most: bool = False,
    detail: dict[str, object] | None = None,
    as_json: bool = False,
) -> int:
    """Print the closing line (or JSON) and return the exit code: 1 when the target is missed."""
    met = figure <= target if at_most else figure >= target
    if as_json:
        shape = {"name": name, "figure": figure, "unit": unit, "target": target, "met": met, "detail": detail or {}}
        print(json.dumps(shape, default=lambda value: asdict(value)))
    else:
        print(f"{name}: {figure:.3g} {unit} (target {target:g})")
    return 0 if met else 1


def tell(text: str) -> None:
    """Say something on the way, on standard error so that `--json` stays JSON."""
    print(text, file=sys.stderr, flush=True)


def _client_s() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def server_s(postmaster_pid: int | None) -> float:
    """Processor seconds of the postmaster, of its live children, and of those that ended."""
    if postmaster_pid is None:
        return 0.0
    ticks = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            pid, parent = int(entry.name), int(fields[1])
            if pid == postmaster_pid:
                ticks += sum(map(int, fields[11:15]))  # with utime and stime of children that were waited for
            elif parent == postmaster_pid:
                ticks += sum(map(int, fields[11:13]))
    return ticks / _TICKS_PER_S
