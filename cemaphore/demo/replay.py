"""Replays sessions with one attribute set to a reference, by the same random numbers: what each level truly does."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cemaphore.demo.arrays import Floats, Ints
from cemaphore.demo.drawing import QUARTER_H, Drawn
from cemaphore.demo.judging import Judge
from cemaphore.demo.people import LEAST_DISTANCE_M
from cemaphore.demo.stage import Hour, Stage, kept


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An attribute of `Drawn.attributes`, and for each level the index of the level that its sessions are set to."""

    attribute: str
    level: Ints


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """The sessions of one hour and block that reached us, their quality, and their quality under each reference."""

    hour: Hour
    drawn: Drawn
    q: Floats
    failed: Ints
    under: dict[str, Floats]


def replay(stage: Stage, references: tuple[Reference, ...], hours: range) -> Iterator[Replayed]:
    """Play those hours as they were, and once more under each reference."""
    judge = Judge()
    for index in hours:
        hour = stage.hour(index)
        for whole in stage.sessions(hour):
            drawn = whole.take(np.flatnonzero(kept(whole)))
            seen, columns = stage.play(drawn, hour.now)
            yield Replayed(
                hour=hour,
                drawn=drawn,
                q=judge.quality(drawn, seen.cause, columns).q,
                failed=(seen.cause != 0).astype(np.int64),
                under={
                    reference.attribute: _quality(stage, hour, referred(stage, hour, drawn, reference), judge)
                    for reference in references
                },
            )


def referred(stage: Stage, hour: Hour, drawn: Drawn, reference: Reference) -> Drawn:
    """Return the sessions with that attribute set to its reference, and with it whatever the attribute brings along.

    A cell brings its carrier and its load in that quarter of the hour, and stretches the way to its site as its own
    reach is longer or shorter: the person stands at the same place relative to the cell. All else stays as drawn.
    """
    level = reference.level[drawn.attributes[reference.attribute]]
    if reference.attribute != "cell":
        changed: dict[str, Any] = {reference.attribute: level}
        return replace(drawn, **changed)
    cells = stage.city.cells
    quarter = ((drawn.at_h - hour.now.index) // QUARTER_H).astype(np.int64)
    stretch = cells.spacing_m[level] / cells.spacing_m[drawn.cell]
    return replace(
        drawn,
        cell=level,
        band=cells.band[level],
        offered=hour.offered[quarter, level],
        distance_m=LEAST_DISTANCE_M + (drawn.distance_m - LEAST_DISTANCE_M) * stretch,
    )


def _quality(stage: Stage, hour: Hour, drawn: Drawn, judge: Judge) -> Floats:
    seen, columns = stage.play(drawn, hour.now)
    return judge.quality(drawn, seen.cause, columns).q
