"""The stage of a world: what stands still, whose sessions an hour holds, and what each of them was like."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cemaphore.demo import catalogue
from cemaphore.demo.arrays import Bools, Floats, Ints
from cemaphore.demo.city import build_city
from cemaphore.demo.drawing import BLOCK, Drawn, draw, starts_until
from cemaphore.demo.faults import Fault, impairment
from cemaphore.demo.load import Clock, Traffic, clock, whereabouts
from cemaphore.demo.measuring import Measured, measure
from cemaphore.demo.people import Place, build_people
from cemaphore.demo.services import Columns, serve
from cemaphore.demo.size import WorldSize
from cemaphore.demo.story import OUTAGE_H, OUTAGE_PROBE, tell


@dataclass(frozen=True, kw_only=True)
class Hour:
    """One hour of a world: load (4, cells), where everybody is, and how many sessions each person starts."""

    now: Clock
    offered: Floats
    place: Place
    starts: Ints


class Stage:
    """City, people, traffic and faults of one world, a `calm` one without faults; nothing in it grows with time."""

    def __init__(self, world: WorldSize, seed: int, *, calm: bool = False) -> None:
        self.world, self._seed = world, seed
        self.city = build_city(world, seed)
        self.people = build_people(world, self.city, seed)
        self.traffic = Traffic(self.people, self.city)
        story = tell(world, self.city, self.traffic, seed)
        self.faults = tuple(fault for fault in story if not (calm and fault.hurts))
        shares = [clock(world, index).share for index in range(world.hours)]
        self._used = np.concatenate([[0.0], np.cumsum(shares)])

    def hour(self, index: int) -> Hour:
        """Return that hour of the world."""
        now = clock(self.world, index)
        crowds = [
            (fault, fault.lookups["cell"]) for fault in self.faults if fault.effect.crowd_share and fault.active(index)
        ]
        before, after = (starts_until(self.people, float(self._used[edge])) for edge in (index, index + 1))
        return Hour(
            now=now,
            offered=self.traffic.offered(now, self._seed),
            place=whereabouts(self.people, self.city, now, crowds, self._seed),
            starts=after - before,
        )

    def sessions(self, hour: Hour) -> Iterator[Drawn]:
        """Return the sessions of an hour, block by block of people."""
        for block in range(-(-self.people.count // BLOCK)):
            yield draw(
                self.people, self.city, hour.place, hour.offered, hour.now, hour.starts, block, self._seed
            )  # fmt: skip

    def play(self, drawn: Drawn, now: Clock, without: str = "") -> tuple[Measured, Columns]:
        """Measure the sessions under all faults but the one named."""
        hits = [
            (fault.effect, fault.hits(drawn.attributes, drawn.at_h))
            for fault in self.faults
            if fault.id != without and acts(fault, now)
        ]
        seen = measure(self.city, drawn, impairment(drawn.count, hits))
        return seen, serve(drawn, seen)


def acts(fault: Fault, now: Clock) -> bool:
    """Whether a fault does anything to sessions in that hour."""
    return fault.hurts and fault.over == "sessions" and fault.active(now.index)


def kept(drawn: Drawn) -> Bools:
    """Return which sessions reach us: a probe that is out delivers nothing."""
    lost = np.array([probe == OUTAGE_PROBE for probe in catalogue.PROBES])[drawn.core]
    return ~(lost & (drawn.at_h >= OUTAGE_H[0]) & (drawn.at_h < OUTAGE_H[1]))
