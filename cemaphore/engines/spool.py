"""An hour too large to be rated at once: read once, dealt to parts on the disk, and compared over all parts."""

import pickle
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import IO

import numpy as np

from cemaphore.pipeline.demarcating import session_company
from cemaphore.pipeline.frame import (
    SESSION_LABELS,
    TOUCHPOINT_LABELS,
    FrameContext,
    SessionFrame,
    TouchpointFrame,
    sessions_of,
    touchpoints_of,
)
from qoe.company import Company, Compared, compared_together
from records.windows import HOUR
from store.connection import Connection
from store.copying import Arrays, Field, no_rows
from store.frames import (
    SESSION_FIELDS,
    TOUCHPOINT_FIELDS,
    label_values,
    read_stalls,
    session_blocks,
    touchpoint_blocks,
    with_stalls,
)
from store.inventory import Inventory

Frames = tuple[SessionFrame, TouchpointFrame]


def dealt(connection: Connection, hour: datetime, parts: int, inventory: Inventory) -> Iterator[tuple[Arrays, Arrays]]:
    """Read an hour once and yield sessions and touchpoints, as `store.frames` reads them, of so many parts.

    Each holds whole customers; until it is their turn they lie in files that only this process can open.
    """
    with ExitStack() as stack:
        sessions, touchpoints = ([stack.enter_context(_nameless()) for _ in range(parts)] for _ in range(2))
        _deal(session_blocks(connection, hour, hour + HOUR), "start_time", sessions, inventory)
        _deal(touchpoint_blocks(connection, hour, hour + HOUR), "time", touchpoints, inventory)
        stalls = read_stalls(connection, hour, hour + HOUR)
        for mine, theirs in zip(sessions, touchpoints, strict=True):
            yield with_stalls(_joined(mine, SESSION_FIELDS), lambda: stalls), _joined(theirs, TOUCHPOINT_FIELDS)


@contextmanager
def spooled(connection: Connection, hour: datetime, parts: int, context: FrameContext) -> Iterator["Spool"]:
    """Rate the records of an hour part by part, and keep the parts on the disk until the end."""
    with ExitStack() as stack:
        spool = Spool([stack.enter_context(_nameless()) for _ in range(parts)], context)
        names = label_values(connection, [*SESSION_LABELS, *TOUCHPOINT_LABELS])
        for sessions, touchpoints in dealt(connection, hour, parts, context.inventory):
            frame = sessions_of(sessions, names, hour, hour + HOUR, context)
            spool.add((frame, touchpoints_of(touchpoints, names, hour, hour + HOUR, context)))
        yield spool


class Spool:
    """The parts of an hour as frames, one after another on the disk, and in memory what they are compared by."""

    def __init__(self, files: Sequence[IO[bytes]], context: FrameContext) -> None:
        self._files, self._context = files, context
        self._company: list[Company] = []

    def add(self, frames: Frames) -> None:
        """Keep the next part."""
        pickle.dump(frames, self._files[len(self._company)], pickle.HIGHEST_PROTOCOL)
        self._company.append(session_company(frames[0], self._context))

    def parts(self) -> Iterator[tuple[Frames, Compared]]:
        """Yield the parts with what the comparison of all their sessions found; once."""
        found = compared_together(self._company)
        self._company.clear()
        for file, beside in zip(self._files, found, strict=True):
            file.seek(0)
            yield pickle.load(file), beside


def _nameless() -> IO[bytes]:
    """A file that only this process can open, and that ends with it."""
    return tempfile.TemporaryFile(prefix="cemaphore-")


def _deal(blocks: Iterator[Arrays], time: str, files: Sequence[IO[bytes]], inventory: Inventory) -> None:
    """Append each record to the file of its customer at the time of the record."""
    for block in blocks:
        place = inventory.customer_keys(block["subscriber_key"], block[time]) % len(files)
        order = np.argsort(place, kind="stable")
        for file, rows in zip(files, np.split(order, np.searchsorted(place[order], range(1, len(files)))), strict=True):
            pickle.dump({name: values[rows] for name, values in block.items()}, file, pickle.HIGHEST_PROTOCOL)


def _joined(file: IO[bytes], fields: Sequence[Field]) -> Arrays:
    """The records that a file was dealt."""
    end, blocks = file.tell(), [no_rows(fields)]
    file.seek(0)
    while file.tell() < end:
        blocks.append(pickle.load(file))
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
