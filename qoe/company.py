"""What the sessions of one hour say about each other: the same whether they are rated at once or in parts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qoe.catalogue import SEGMENTS
from qoe.model import BoolArray, FloatArray
from qoe.peers import Setting, Terminal, compare, shared_fault, shared_part

_RADIO = SEGMENTS.index("radio")


@dataclass(frozen=True, eq=False)
class Company:
    """What sessions are compared by, some 70 bytes each; ordered by subscriber and time as a frame is.

    `cause` indexes SEGMENTS, -1 where a failure names no known cause; `excess` is the network's, in scales.
    """

    subscriber_key: NDArray[np.int64]
    start_us: NDArray[np.int64]
    setting: Setting
    core_node: NDArray[np.int32]
    q: FloatArray
    failed: BoolArray
    cause: NDArray[np.int8]
    excess: FloatArray


@dataclass(frozen=True, eq=False)
class Compared:
    """What the comparison with others found per session: of its device, and the parts of its core node."""

    terminal: Terminal
    core_part: FloatArray
    core_fault: FloatArray


def compared(mine: Company) -> Compared:
    """Compare sessions with each other; the rows are those of one hour."""
    node = (mine.core_node, mine.setting.cell, mine.setting.region)
    return Compared(
        terminal=compare(mine.setting, mine.q, mine.failed),
        core_part=shared_part(*node, mine.excess),
        core_fault=shared_fault(*node, mine.failed & (mine.cause == _RADIO)),
    )


def compared_together(parts: Sequence[Company]) -> list[Compared]:
    """Compare the sessions of all parts of an hour, and return what was found part by part.

    They are put in the order that one part would have, so that the sums, and all that is made of them, are the same
    to the last bit. Sums by pool would take no less room: cell, app and model together are nearly as many as sessions.
    """
    if len(parts) == 1:
        return [compared(parts[0])]
    keys = [np.concatenate([getattr(part, name) for part in parts]) for name in ("start_us", "subscriber_key")]
    order = np.lexsort(keys)
    del keys
    whole = compared(_ordered(parts, order))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    ends = np.cumsum([len(part.q) for part in parts])[:-1]
    return [_taken(whole, rows) for rows in np.split(place, ends)]


def _ordered(parts: Sequence[Company], order: NDArray[np.intp]) -> Company:
    setting = {
        name: np.concatenate([getattr(part.setting, name) for part in parts])[order] for name in vars(parts[0].setting)
    }
    others = {
        name: np.concatenate([getattr(part, name) for part in parts])[order]
        for name in vars(parts[0])
        if name != "setting"
    }
    return Company(setting=Setting(**setting), **others)


def _taken(found: Compared, rows: NDArray[np.int64]) -> Compared:
    terminal = found.terminal
    return Compared(
        terminal=Terminal(terminal.shortfall[rows], terminal.fault[rows], terminal.measured[rows]),
        core_part=found.core_part[rows],
        core_fault=found.core_fault[rows],
    )
