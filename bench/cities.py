"""Whole demo cities for benchmarks: written, collected into a private database, scored, searched; one at a time."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.pairs import tell
from cemaphore import privatedb
from cemaphore.collecting import opened_intake, options_of
from cemaphore.demo import FAST, Truth, WorldSize, write_world
from cemaphore.pipeline.detection import detect
from cemaphore.pipeline.scoring import score
from cemaphore.settings import Settings, load_settings
from collectors.collection import collect
from qoe.clusters.policy import WINDOWS_PER_DAY
from store import clusters as stored
from store.connection import Connection, connect

# The server of a benchmark need not outlive a power cut, and the files of one city are its only load.
SERVER = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_wal_size": "1GB",
    "timescaledb.max_background_workers": "0",
}
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class City:
    """A demo city that was scored and searched: its database, its settings, its files and the truth about it."""

    dsn: str
    settings: Settings
    folder: Path
    truth: Truth
    world: WorldSize
    seed: int


@contextmanager
def city(seed: int, world: WorldSize = FAST, *, calm: bool = False, searched: bool = True) -> Iterator[City]:
    """Build the city of a size and seed in a server of its own; all of it is gone at the end.

    `calm`: without any fault. Not `searched`: only scored, the caller runs detection.
    """
    with tempfile.TemporaryDirectory(prefix="cemaphore-city-") as home:
        settings = load_settings(
            home=Path(home) / "home", database_url=None, time_zone=world.zone, country_code="CN", demo=True
        )
        try:
            privatedb.start(settings, extra=SERVER)
            yield build(privatedb.database_url(settings), settings, world, seed, calm=calm, searched=searched)
        finally:
            privatedb.remove(settings)


def build(
    dsn: str, settings: Settings, world: WorldSize, seed: int, *, calm: bool = False, searched: bool = True
) -> City:
    """Write a city under the settings' home and run the main job over it."""
    folder = settings.home / "world"
    began = time.perf_counter()
    truth = write_world(folder, world, seed, calm=calm)
    written = time.perf_counter()
    load(dsn, settings, folder)
    loaded = time.perf_counter()
    score(dsn, settings)
    scored = time.perf_counter()
    if searched:
        detect(dsn, settings)
    tell(
        f"city {seed}{' without faults' if calm else ''}: {truth.sessions:,} sessions; written in "
        f"{written - began:.0f} s, collected in {loaded - written:.0f} s, scored in {scored - loaded:.0f} s, "
        f"searched in {time.perf_counter() - scored:.0f} s"
    )
    return City(dsn=dsn, settings=settings, folder=folder, truth=truth, world=world, seed=seed)


def load(dsn: str, settings: Settings, folder: Path) -> None:
    """Collect all files of a world; every one must be read whole."""
    kinds = sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: path.name)
    kinds.sort(key=lambda path: path.name != "inventory")
    with opened_intake(settings, dsn) as intake:
        for result in collect(kinds, intake=intake, options=options_of(settings)):
            if result.error is not None or result.quarantined:
                raise RuntimeError(f"a demo file was not read whole: {result}")


def cities(seeds: range, world: WorldSize = FAST, *, searched: bool = True) -> Iterator[City]:
    """Build the cities of the seeds one after the other; each is there until the next is asked for."""
    for seed in seeds:
        with city(seed, world, searched=searched) as each:
            yield each


@dataclass(frozen=True, kw_only=True)
class CalmDay:
    """One searched local day of a city without faults, and the clusters that were detected in it."""

    seed: int
    start: datetime
    clusters: tuple[stored.ClusterRow, ...]


def calm_days(count: int, world: WorldSize = FAST, first_seed: int = 1) -> Iterator[CalmDay]:
    """Give so many searched days of fault-free cities, as many cities as that takes; what is found is false.

    The first two local days of a city only teach what to expect and do not count.
    """
    seed, left = first_seed, count
    while left > 0:
        with city(seed, world, calm=True) as built, connect(built.dsn) as connection:
            days = searched_days(connection, world)[:left]
            rows = stored.since(connection, datetime(1970, 1, 1, tzinfo=UTC))
        for start in days:
            found = tuple(row for row in rows if start < row.detected_at <= start + _DAY)
            yield CalmDay(seed=seed, start=start, clusters=found)
        seed, left = seed + 1, left - len(days)


def searched_days(connection: Connection, world: WorldSize) -> list[datetime]:
    """Return the starts of the local days of a city in all of whose windows something was tested."""
    rows = connection.execute(
        "SELECT date_trunc('day', start, %s) FROM cem.detection WHERE over_kind = 'sessions' AND tests > 0 "
        "GROUP BY 1 HAVING count(*) >= %s ORDER BY 1",
        [world.zone, WINDOWS_PER_DAY],
    )
    return [row[0] for row in rows]
