"""A day of the demo city at 100 times its speed, while every part is killed at random: is anything lost, or stuck?

Two programs (`cem run`) work on one database by a clock that runs fast: windows of 15 minutes close every nine
seconds, and the city's files appear in the watched folder when their last event has passed. Meanwhile, in random order
and at random moments, a program is killed (SIGKILL), one of its workers is, a database connection is ended, the
database server is stopped in the middle of everything, and a source and the receiver of alerts go away for a while. In
the end every window must be scored, no job have stood still, every message be received, memory be flat, and the rows be
those of one undisturbed run over the same files. Each thing that is not so is a wrong. 800 people at 100 times their
speed are the load of 80,000.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median

from bench.pairs import arguments, close, tell
from bench.soak_feed import Feed, Piece, pieces, put, write
from bench.soak_kills import Kills
from bench.soak_parts import Peer, Program, Server
from bench.soak_rows import differences, longest_gaps, sent, settled_since, unscored
from cemaphore import privatedb
from cemaphore.demo import FAST, WorldSize
from cemaphore.running.clock import Clock
from cemaphore.running.program import run
from cemaphore.serving import free_port
from cemaphore.settings import Settings, load_settings
from store import schema
from store.connection import connect

TARGET = 0
_SERVER = {"timescaledb.max_background_workers": "0"}
_SOURCE = "soak-exporter"
_STUCK_S = 240.0  # a job that has not succeeded for so long while parts come and go is stuck (own)
_FLAT = 1.25  # memory in the last quarter over that in the second (own)
_DRAIN_S = 900.0
_CLOSED = timedelta(hours=1)  # after its end even the last window is closed and judged


@dataclass(frozen=True, kw_only=True)
class Size:
    """A city, the hours of it that are history and soaked, how fast, how many programs, and the pauses of kills."""

    world: WorldSize
    from_h: int
    until_h: int
    speed: float
    programs: int
    pause_s: tuple[float, float]
    away_s: float
    ahead_s: float
    parts: tuple[str, ...] = ("leader", "follower", "worker", "connection", "server", "source", "receiver")


FULL = Size(
    world=replace(FAST, file_hours=1), from_h=7 * 24, until_h=8 * 24, speed=100, programs=2, pause_s=(10, 40),
    away_s=8, ahead_s=45,
)  # fmt: skip
SMALL = Size(
    world=WorldSize(users=300, sites=15, models=8), from_h=9, until_h=10, speed=900, programs=1, pause_s=(0.5, 2),
    away_s=0.5, ahead_s=6, parts=("worker", "connection", "source", "receiver", "server"),
)  # fmt: skip


@dataclass(kw_only=True)
class Soaked:
    """What happened: kills by part, memory by time, jobs' longest gaps, messages, and what was wrong."""

    kills: dict[str, int] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)
    gaps: Mapping[str, float] = field(default_factory=dict)
    messages: int = 0
    wrongs: list[str] = field(default_factory=list)

    @property
    def memory_ratio(self) -> float:
        """Memory in the last quarter of the time over that in the second."""
        quarter = len(self.memory) // 4
        if quarter < 3:
            return 1.0
        return median(self.memory[-quarter:]) / median(self.memory[quarter : 2 * quarter])


@contextmanager
def _base(size: Size) -> Iterator[tuple[Settings, Path]]:
    with tempfile.TemporaryDirectory(prefix="cemaphore-soak-") as folder:
        home = Path(folder) / "server"
        settings = load_settings(home=home, database_url=None, time_zone=size.world.zone, demo=True, log_level="error")
        try:
            privatedb.start(settings, extra=_SERVER)
            yield settings, Path(folder)
        finally:
            privatedb.remove(settings)


def _home(folder: Path, name: str, base: Settings, dsn: str, **more: object) -> Settings:
    """A home of its own over one of the databases; all share the vault's keys."""
    return load_settings(
        home=folder / name, keys_dir=folder / "keys", database_url=dsn, time_zone=base.time_zone, demo=True,
        log_level="error", **more,
    )  # fmt: skip


def main() -> int:
    """Score the history, soak the day, and compare it with an undisturbed one."""
    asked = arguments(__doc__ or "")
    size = SMALL if asked.small else FULL
    start, end = (size.world.moment(hour).astimezone(UTC) for hour in (size.from_h, size.until_h))
    with _base(size) as (base, folder):
        write(folder / "world", size.world, size.until_h + 1)
        before, feed = pieces(folder / "world", size.world, start, end, folder / "cut")
        template = privatedb.create_database(base, "history")
        with connect(template) as connection:
            schema.upgrade(connection, time_zone=base.time_zone)
        history = _home(folder, "history", base, template)
        for place in before:
            put(folder / "world" / place, place, history.watch_folder)
        _once(history, start)
        ours, theirs = (privatedb.create_database(base, name, template="history") for name in ("soaked", "still"))
        with connect(privatedb.database_url(base), autocommit=True) as connection:
            # A copied sequence logs its next numbers only after one: else a broken server deals them out twice.
            connection.execute("CHECKPOINT")
        tell(f"history scored; {len(feed)} files for {size.until_h - size.from_h} hours")
        done = _soak(size, base, folder, ours, start, end, feed)
        still = _home(folder, "still", base, theirs)
        for piece in feed:
            put(piece.path, piece.place, still.watch_folder)
        _once(still, end + timedelta(hours=2))
        with connect(ours, autocommit=True) as mine, connect(theirs, autocommit=True) as other:
            for table, rows in differences(mine, other, _SOURCE).items():
                done.wrongs.append(f"{rows} rows of {table} differ from an undisturbed run")
    return _close(size, done, as_json=asked.json)


def _once(settings: Settings, now: datetime) -> None:
    """Run every job once at that moment."""
    if not run(settings, every_s=1, stable_s=0, once=True, clock=Clock(shown=now, real=datetime.now(UTC))):
        raise SystemExit("a job of the undisturbed run failed")


def _soak(
    size: Size, base: Settings, folder: Path, dsn: str, start: datetime, end: datetime, feed: list[Piece]
) -> Soaked:
    source, receiver = Peer(), Peer()
    settings = _home(folder, "soak", base, dsn, webhook_urls=(f"{receiver.url}/hook",))
    settings.watch_folder.mkdir(parents=True)
    (settings.home / "sources.toml").write_text(
        f'[[source]]\nname = "{_SOURCE}"\ntype = "prometheus-scrape"\nurl = "{source.url}/metrics"\ninterval_s = 5\n'
    )
    clock = Clock(shown=start, real=datetime.now(UTC) + timedelta(seconds=size.ahead_s), speed=size.speed)
    ports = [free_port("127.0.0.1", 19500 + 10 * number) for number in range(size.programs)]
    programs = [Program(settings, dsn, clock, 1.0, port) for port in ports]
    done = Soaked()
    kills = Kills(dsn, programs, Server(base), source, receiver, size.away_s)
    for one in programs:
        one.start()
    feeding = Feed(feed, settings.watch_folder, clock)
    try:
        while clock.now() < start:
            time.sleep(0.1)
        _disturb(size, kills, programs, done, lambda: feeding.done and clock.now() >= end)
        source.stop()  # what it says would be dirty for ever
        while clock.now() < end + _CLOSED:
            time.sleep(0.1)
        _drain(dsn, programs, done)
        _judge(dsn, receiver, done)
        done.wrongs += [f"a program ended with exit code {code}" for one in programs if (code := one.stop())]
    finally:
        feeding.close()
        for one in programs:
            one.kill()
        source.stop()
        receiver.stop()
    return done


def _disturb(size: Size, kills: Kills, programs: list[Program], done: Soaked, over: Callable[[], bool]) -> None:
    """Break one part after the other, each as often as any other, until it is over; and look at the memory."""
    draw = Random(1)
    waiting: list[str] = []
    next_s = time.monotonic() + draw.uniform(*size.pause_s)
    while not over():
        for one in programs:
            one.keep()
        done.memory.append(sum(one.resident_bytes() for one in programs))
        if time.monotonic() >= next_s:
            waiting = waiting or draw.sample(size.parts, len(size.parts))
            part = waiting.pop()
            getattr(kills, part)(draw)
            done.kills[part] = done.kills.get(part, 0) + 1
            next_s = time.monotonic() + draw.uniform(*size.pause_s)
        time.sleep(min(max(next_s - time.monotonic(), 0.05), 2.0))


def _drain(dsn: str, programs: list[Program], done: Soaked) -> None:
    """Wait until every job has run once more and nothing waits; what takes too long is a wrong."""
    deadline = time.monotonic() + _DRAIN_S
    with connect(dsn, autocommit=True) as connection:
        since = settled_since(connection, None)
        while time.monotonic() < deadline:
            time.sleep(1)
            for one in programs:
                one.keep()
            if settled_since(connection, since) is None and not unscored(connection):
                return
    done.wrongs.append(f"jobs or windows were still waiting {_DRAIN_S:g} s after the last file")


def _judge(dsn: str, receiver: Peer, done: Soaked) -> None:
    with connect(dsn, autocommit=True) as connection:
        if waiting := unscored(connection):
            done.wrongs.append(f"{waiting} windows are not scored")
        done.gaps = longest_gaps(connection)
        keys = sent(connection)
    done.wrongs += [f"{job} stood still for {gap:.0f} s" for job, gap in done.gaps.items() if gap > _STUCK_S]
    done.messages = len(keys)
    if lost := [
        key for key, outcome in keys.items() if outcome == "waiting" or (outcome == "sent" and key not in receiver.keys)
    ]:
        done.wrongs.append(f"{len(lost)} messages were not received")
    if done.memory_ratio > _FLAT:
        done.wrongs.append(f"memory grew to {done.memory_ratio:.2f} times")


def _close(size: Size, done: Soaked, *, as_json: bool) -> int:
    for wrong in done.wrongs:
        tell(f"WRONG: {wrong}")
    kills = ", ".join(f"{count} {part}" for part, count in sorted(done.kills.items()))
    tell(f"{size.until_h - size.from_h} hours at {size.speed:g} times their speed; broken: {kills}")
    tell("longest time between two good runs: " + ", ".join(f"{job} {gap:.0f} s" for job, gap in done.gaps.items()))
    tell(f"{done.messages} messages; memory {median(done.memory) / 2**20:.0f} MiB, in the last quarter "
         f"{done.memory_ratio:.2f} times the second")  # fmt: skip
    detail: dict[str, object] = {
        "kills": done.kills, "gaps_s": dict(done.gaps), "messages": done.messages,
        "memory_ratio": done.memory_ratio, "wrongs": done.wrongs,
    }  # fmt: skip
    unit = f"wrongs after {sum(done.kills.values())} breaks in {size.until_h - size.from_h} h at {size.speed:g} times"
    return close("soak", len(done.wrongs), unit, TARGET, at_most=True, detail=detail, as_json=as_json)


if __name__ == "__main__":
    raise SystemExit(main())
