"""The demo city that many tests look at: written, collected, scored and searched once for each test run."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cemaphore.collecting import options_of
from cemaphore.demo import FAST, Truth, write_world
from cemaphore.pipeline.detection import detect
from cemaphore.pipeline.scoring import score
from cemaphore.settings import Settings
from collectors.collection import collect
from store.connection import connect
from store.intake import Intake
from store.labels import Labels
from store.vault import Vault, open_keys

SEED = 1


@dataclass(frozen=True, kw_only=True)
class City:
    """A scored and searched demo city: its database, settings, files and truth."""

    dsn: str
    settings: Settings
    folder: Path
    truth: Truth


def build(dsn: str, settings: Settings, folder: Path) -> City:
    """Write the small city and run the main job over it."""
    truth = write_world(folder, FAST, SEED)
    load(dsn, settings, folder)
    score(dsn, settings)
    detect(dsn, settings)
    return City(dsn=dsn, settings=settings, folder=folder, truth=truth)


def load(dsn: str, settings: Settings, folder: Path) -> None:
    """Collect all files of a world; every one must be read whole."""
    with connect(dsn, autocommit=True) as rows, connect(dsn, autocommit=True) as aside:
        keys = open_keys(aside, settings.keys_dir)
        intake = Intake(rows, Vault(aside, keys), Labels(aside), keys, datetime.now(UTC))
        kinds = sorted(path for path in folder.iterdir() if path.is_dir())
        kinds.sort(key=lambda path: path.name != "inventory")
        for result in collect(kinds, intake=intake, options=options_of(settings)):
            assert result.error is None, result
            assert result.quarantined == 0, result


def users_of(connection: Any, query: str, parameters: Any) -> set[int]:
    """Return the keys that a query names in its first column."""
    return {row[0] for row in connection.execute(query, parameters)}
