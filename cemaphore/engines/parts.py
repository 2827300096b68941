"""Parts of hours as files: the records of some customers out of the database, for tasks that run elsewhere.

A part is a folder with two Parquet files, and later what was made of them. Nobody but this user may look in; instead of
subscribers the files name the vault's tokens.
"""

import fcntl
import os
import pickle
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cemaphore.engines.local import parts_of
from cemaphore.engines.spool import dealt
from cemaphore.pipeline.hours import HourScores
from qoe.company import Company, Compared, compared_together
from records.windows import HOUR
from store.connection import Connection
from store.copying import Arrays
from store.frames import read_sessions, read_touchpoints
from store.inventory import Inventory

_SESSIONS, _TOUCHPOINTS = "sessions.parquet", "touchpoints.parquet"
_SCORES, _COMPANY, _COMPARED = "scores", "company", "compared"
_MODE = 0o700


@contextmanager
def working_folder(parent: Path) -> Iterator[Path]:
    """Give a new folder below `parent` that is gone in the end, and remove those of runs that were killed."""
    parent.mkdir(mode=_MODE, parents=True, exist_ok=True)
    for left in parent.iterdir():
        _remove_unused(left)
    folder = Path(tempfile.mkdtemp(dir=parent))  # for this user only
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder)
        os.close(held)


def _remove_unused(folder: Path) -> None:
    """Remove a folder that no living run holds."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(held)


def write_parts(connection: Connection, hour: datetime, folder: Path, inventory: Inventory) -> list[Path]:
    """Write an hour, and return the folders of its parts; no customer is in two of them."""
    written = []
    for index, (sessions, touchpoints) in enumerate(_read_parts(connection, hour, inventory)):
        place = folder / f"hour={hour:%Y%m%dT%H}" / f"part={index}"
        place.mkdir(mode=_MODE, parents=True)
        _write(place / _SESSIONS, sessions)
        _write(place / _TOUCHPOINTS, touchpoints)
        written.append(place)
    return written


def _read_parts(connection: Connection, hour: datetime, inventory: Inventory) -> Iterator[tuple[Arrays, Arrays]]:
    parts = parts_of(connection, hour)
    if parts > 1:
        yield from dealt(connection, hour, parts, inventory)
    else:
        yield read_sessions(connection, hour, hour + HOUR), read_touchpoints(connection, hour, hour + HOUR)


def read_part(place: Path) -> tuple[Arrays, Arrays]:
    """Return the sessions and touchpoints of a part as `store.frames` reads them."""
    return _read(place / _SESSIONS), _read(place / _TOUCHPOINTS)


def keep_scores(place: Path, made: HourScores) -> None:
    """Write what a part came to."""
    _keep(place, _SCORES, made)


def kept_scores(place: Path) -> HourScores:
    """Read what a part came to."""
    made = _kept(place, _SCORES)
    assert isinstance(made, HourScores)
    return made


def keep_company(place: Path, made: Company) -> None:
    """Write what the sessions of a part are compared by with those of the hour's other parts."""
    _keep(place, _COMPANY, made)


def compare_parts(places: Sequence[Path]) -> None:
    """Compare the sessions of all parts of an hour, and write what was found to each."""
    for place, found in zip(places, compared_together([_kept(place, _COMPANY) for place in places]), strict=True):
        _keep(place, _COMPARED, found)


def kept_comparison(place: Path) -> Compared | None:
    """Read what comparing all parts found; None where a part is all of its hour."""
    if not (place / _COMPARED).exists():
        return None
    found = _kept(place, _COMPARED)
    assert isinstance(found, Compared)
    return found


def _keep(place: Path, name: str, made: object) -> None:
    """Write a file whole or not at all, as a task may be tried twice."""
    number, written = tempfile.mkstemp(dir=place)
    with open(number, "wb") as file:
        pickle.dump(made, file, protocol=5)
    os.replace(written, place / name)


def _kept(place: Path, name: str) -> Any:
    with (place / name).open("rb") as file:
        return pickle.load(file)


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    columns = {
        name: pa.array(values, pa.list_(pa.int32())) if values.dtype == object else pa.array(values)
        for name, values in arrays.items()
    }
    pq.write_table(pa.table(columns), path, compression="lz4", use_dictionary=False, write_statistics=False)


def _read(path: Path) -> Arrays:
    table = pq.read_table(path, use_threads=False)  # a task has one core
    return {name: np.array(table[name].to_numpy()) for name in table.column_names}
