"""The demo from nothing to screens: a made-up city written as files, then collected, scored and searched like any."""

import json
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from cemaphore import privatedb
from cemaphore.collecting import opened_intake, options_of
from cemaphore.demo import WorldSize, write_world
from cemaphore.pipeline.aggregation import assess
from cemaphore.pipeline.alerting import alert
from cemaphore.pipeline.detection import detect
from cemaphore.pipeline.scoring import score
from cemaphore.privatedb.place import make_home, remembered
from cemaphore.settings import FILE_NAME, Settings, load_settings
from collectors.collection import collect
from records.errors import ConfigError
from store import screens
from store.connection import connect

FOLDER = "demo"
STATE = "world.json"
Step = Callable[[float], None]


def prepare(world: WorldSize) -> Settings:
    """Return settings for a demo home: they say that its data are made up, and the city's time zone.

    Raises ConfigError where the home already serves real data.
    """
    settings = load_settings()
    file = settings.home / FILE_NAME
    if settings.demo and settings.time_zone == world.zone:
        return settings
    if remembered(settings.home) is not None or (file.exists() and not _is_demo(file)):
        raise ConfigError(
            f"{settings.home} already serves other data; the demo needs a home of its own: set CEMAPHORE_HOME."
        )
    make_home(settings.home)
    file.write_text(f'demo = true\ntime_zone = "{world.zone}"\ncountry_code = "CN"\n', encoding="utf-8")
    return load_settings()


def run(settings: Settings, world: WorldSize, seed: int) -> dict[str, Any]:
    """Do all but serve: database, files, collection, scores, clusters; what is done already is not done again.

    Returns figures of the world: folder, sessions stored, clusters found. Raises ConfigError when the home holds
    another world.
    """
    folder = settings.home / FOLDER
    with Console(stderr=True).status("database"):
        dsn = privatedb.ensure(settings)
    _write(folder, world, seed)
    stored = _collect(settings, folder)
    with _bar("scores") as step:
        score(dsn, settings, progress=lambda done, total: step(done / max(total, 1)))
    with _bar("clusters") as step:
        detect(dsn, settings, progress=step)
    with Console(stderr=True).status("alerts"):
        alert(dsn, settings)
    with Console(stderr=True).status("comparison of settings"):
        assess(dsn, settings, anew=False)
    with connect(dsn) as connection:
        clusters = len(screens.clusters(connection, *screens.EVER))
    return {"folder": str(folder), "stored": stored, "clusters": clusters}


def _write(folder: Path, world: WorldSize, seed: int) -> None:
    state = folder / STATE
    wanted = json.loads(json.dumps({"seed": seed, **asdict(world)}, default=str))
    if state.exists():
        if json.loads(state.read_text()) != wanted:
            raise ConfigError(f"{folder} holds another demo world; set CEMAPHORE_HOME to make this one beside it.")
        return
    with _bar("demo city") as step:
        write_world(folder, world, seed, lambda _, fraction: step(fraction))
    state.write_text(json.dumps(wanted))


def _collect(settings: Settings, folder: Path) -> int:
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent != folder]
    total = sum(path.stat().st_size for path in files) or 1
    done = stored = 0
    kinds = sorted({path.relative_to(folder).parts[0] for path in files}, key=lambda name: (name != "inventory", name))
    with _bar("records") as step, opened_intake(settings) as intake:
        for result in collect([folder / kind for kind in kinds], intake=intake, options=options_of(settings)):
            if result.error is not None:
                raise ConfigError(f"{result.path.name}: {result.error}")
            stored += result.stored
            done += result.path.stat().st_size
            step(done / total)
    return stored


def _is_demo(file: Path) -> bool:
    return bool(tomllib.loads(file.read_text(encoding="utf-8")).get("demo"))


@contextmanager
def _bar(name: str) -> Iterator[Step]:
    columns = TextColumn(f"{name:<12}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=1.0)
        yield lambda fraction: progress.update(task, completed=fraction)
        progress.update(task, completed=1.0)
