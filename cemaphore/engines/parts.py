"""Parts of hours as files: the records of some customers out of the database, for tasks that run elsewhere.

A part is a folder with two Parquet files, and later what was made of them. Nobody but this user may look in; instead of
subscribers the files name the vault's tokens.
"""

import fcntl
import os
import pickle
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cemaphore.engines.local import parts_of
from cemaphore.pipeline.hours import HourScores
from records.windows import HOUR
from store.connection import Connection
from store.copying import Arrays
from store.frames import read_sessions, read_touchpoints

_SESSIONS, _TOUCHPOINTS, _SCORES = "sessions.parquet", "touchpoints.parquet", "scores"
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


def write_parts(connection: Connection, hour: datetime, folder: Path) -> list[Path]:
    """Write an hour, and return the folders of its parts; no customer is in two of them."""
    written = []
    for index, part in enumerate(parts_of(connection, hour)):
        place = folder / f"hour={hour:%Y%m%dT%H}" / f"part={index}"
        place.mkdir(mode=_MODE, parents=True)
        _write(place / _SESSIONS, read_sessions(connection, hour, hour + HOUR, part))
        _write(place / _TOUCHPOINTS, read_touchpoints(connection, hour, hour + HOUR, part))
        written.append(place)
    return written


def read_part(place: Path) -> tuple[Arrays, Arrays]:
    """Return the sessions and touchpoints of a part as `store.frames` reads them."""
    return _read(place / _SESSIONS), _read(place / _TOUCHPOINTS)


def keep_scores(place: Path, made: HourScores) -> None:
    """Write what a part came to: whole or not at all, as a task may be tried twice."""
    number, name = tempfile.mkstemp(dir=place)
    with open(number, "wb") as file:
        pickle.dump(made, file, protocol=5)
    os.replace(name, place / _SCORES)


def kept_scores(place: Path) -> HourScores:
    """Read what a part came to."""
    with (place / _SCORES).open("rb") as file:
        made = pickle.load(file)
    assert isinstance(made, HourScores)
    return made


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    columns = {
        name: pa.array(values, pa.list_(pa.int32())) if values.dtype == object else pa.array(values)
        for name, values in arrays.items()
    }
    pq.write_table(pa.table(columns), path, compression="lz4", use_dictionary=False, write_statistics=False)


def _read(path: Path) -> Arrays:
    table = pq.read_table(path, use_threads=False)  # a task has one core
    return {name: np.array(table[name].to_numpy()) for name in table.column_names}
