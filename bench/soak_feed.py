"""The feed of the soak benchmark: a day of the demo city, in files that appear when their last event has passed."""

import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cemaphore.demo import WorldSize, write_world
from cemaphore.running.clock import Clock

_QUARTER = timedelta(minutes=15)
_HOURLY = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)")
_PERIOD = re.compile(r"-(\d{8})\.(\d{4})([+-]\d{4})")  # the end of a PM file's period (TS 32.432)
_DAILY = re.compile(r"(\d{4}-\d\d-\d\d)")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A file of the feed, its place under the watched folder, and when it is there."""

    path: Path
    place: Path
    at: datetime


class _Enough(Exception):  # noqa: N818 - no error: a world is written until there are hours enough
    """The hours that are wanted are written."""


def write(folder: Path, world: WorldSize, until_h: float) -> None:
    """Write a world's files up to that hour."""

    def follow(stage: str, done: float) -> None:
        if done * world.days * 24 >= until_h - 0.5:
            raise _Enough

    with suppress(_Enough):
        write_world(folder, world, seed=1, progress=follow)


def pieces(folder: Path, world: WorldSize, start: datetime, end: datetime, cut: Path) -> tuple[list[Path], list[Piece]]:
    """Return the files that end by `start`, with the inventory, and the pieces of those that end by `end`.

    Sessions are cut into quarters of an hour, into `cut`; everything else comes as it was written.
    """
    before: list[Path] = []
    after: list[Piece] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.parent != folder):
        place = path.relative_to(folder)
        at = _end(path.name, world)
        if place.parts[0] == "inventory" or (at is not None and start - timedelta(days=2) < at <= start):
            before.append(place)
        elif at is not None and start < at <= end:
            after += (
                _quarters(path, place, cut) if place.parts[0] == "sessions" else [Piece(path=path, place=place, at=at)]
            )
    return before, sorted(after, key=lambda piece: (piece.at, piece.place))


def _end(name: str, world: WorldSize) -> datetime | None:
    zone = world.begins.tzinfo
    if found := _PERIOD.search(name):
        return datetime.strptime("".join(found.groups()), "%Y%m%d%H%M%z").astimezone(UTC)
    if found := _HOURLY.search(name):
        local = datetime.fromisoformat(f"{found[1]}T{found[2]}:00:00").replace(tzinfo=zone)
        return local.astimezone(UTC) + timedelta(hours=1)
    if found := _DAILY.search(name):
        return datetime.fromisoformat(found[1]).replace(tzinfo=zone).astimezone(UTC) + timedelta(days=1)
    return None


def _quarters(path: Path, place: Path, cut: Path) -> Iterator[Piece]:
    table = pq.read_table(path)
    bins = pc.floor_temporal(pc.cast(table["start_time"], pa.timestamp("us", "UTC")), 15, "minute")
    for begin in sorted(pc.unique(bins).to_pylist()):
        part = table.filter(pc.equal(bins, begin))
        name = f"sessions-{begin:%Y%m%dT%H%M}Z.parquet"
        (cut / place.parent).mkdir(parents=True, exist_ok=True)
        pq.write_table(part, cut / place.parent / name)
        yield Piece(path=cut / place.parent / name, place=place.parent / name, at=begin + _QUARTER)


def put(path: Path, place: Path, inbox: Path) -> None:
    """Let a file appear in the watched folder, whole."""
    target = inbox / place
    target.parent.mkdir(parents=True, exist_ok=True)
    hidden = target.with_name(f".{target.name}.part")
    shutil.copyfile(path, hidden)
    os.replace(hidden, target)


class Feed:
    """Puts each piece into the watched folder when the clock has passed its last event."""

    def __init__(self, found: list[Piece], inbox: Path, clock: Clock) -> None:
        self._left, self._inbox, self._clock = list(found), inbox, clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether all is there."""
        return not self._left

    def close(self) -> None:
        """Put nothing more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while self._left and not self._stop.wait(0.05):
            while self._left and self._left[0].at <= self._clock.now():
                put(self._left[0].path, self._left[0].place, self._inbox)
                self._left.pop(0)
