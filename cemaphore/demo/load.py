"""The rhythm of the day, where people are in each hour, and how full that makes the cells."""

from dataclasses import dataclass

import numpy as np

from cemaphore.demo.arrays import Bools, Floats, Stream, stream
from cemaphore.demo.city import City
from cemaphore.demo.faults import Fault
from cemaphore.demo.people import People, Place, settle
from cemaphore.demo.size import WorldSize

QUARTERS = 4
WEEKEND_FACTOR = 1.12
# Share of a day's use in each local hour (own; the shape of published mobile traffic: low at 4, two humps).
WEEKDAY = np.array(
    [1.2, 0.7, 0.4, 0.3, 0.3, 0.6, 1.8, 3.6, 5.0, 5.2, 5.3, 5.3, 5.8, 5.2, 4.8, 4.8, 5.0, 5.6, 6.2, 6.8, 7.3, 7.2, 5.8,
     3.2]
)  # fmt: skip
WEEKEND = np.array(
    [1.8, 1.2, 0.7, 0.4, 0.3, 0.4, 0.9, 2.0, 3.6, 4.8, 5.4, 5.6, 5.8, 5.5, 5.3, 5.3, 5.5, 5.7, 6.0, 6.6, 7.2, 7.3, 6.4,
     4.2]
)  # fmt: skip
DAY_SHARE = (WEEKDAY / WEEKDAY.sum(), WEEKEND_FACTOR * WEEKEND / WEEKEND.sum())


@dataclass(frozen=True, kw_only=True)
class Clock:
    """One hour of the world: its number, its local hour of day and whether it lies in a weekend."""

    index: int
    hour: int
    weekend: bool

    @property
    def share(self) -> float:
        """Share of a weekday's use that falls into this hour."""
        return float(DAY_SHARE[self.weekend][self.hour])

    @property
    def presence(self) -> tuple[float, float]:
        """Probability of being at home and at work; the rest is anywhere."""
        if self.hour < 7 or self.hour >= 23:
            return 0.94, 0.02
        if self.weekend:
            return 0.68, 0.04
        if 9 <= self.hour < 18:
            return 0.22, 0.66
        return 0.70, 0.10


def clock(world: WorldSize, index: int) -> Clock:
    """Return the clock of that hour of the world."""
    local = world.moment(index)
    return Clock(index=index, hour=local.hour, weekend=local.weekday() >= 5)


class Traffic:
    """Expected sessions of every cell in every hour, from who lives, works and passes there."""

    def __init__(self, people: People, city: City) -> None:
        cells = len(city.cells.name)
        self._home = np.bincount(people.home.cell, people.rate, cells)
        self._work = np.bincount(people.work.cell, people.rate, cells)
        passing = city.sites.popularity[city.cells.site] / 3.0
        self._other = people.rate.sum() * passing
        busiest = [self.expected(Clock(index=0, hour=hour, weekend=False)) for hour in range(24)]
        self.reference = np.maximum(np.max(busiest, axis=0), 1e-9)
        self._peak_use = city.cells.peak_use
        # A cell that hardly anybody uses was built with a least capacity all the same.
        self.reference = np.maximum(self.reference, 0.4 * float(np.median(self.reference)))

    def expected(self, now: Clock) -> Floats:
        """Return the expected sessions per cell in that hour."""
        at_home, at_work = now.presence
        elsewhere = 1.0 - at_home - at_work
        sessions: Floats = now.share * (at_home * self._home + at_work * self._work + elsewhere * self._other)
        return sessions

    def offered(self, now: Clock, seed: int) -> Floats:
        """Return offered load over capacity, per quarter of the hour and cell (4, cells)."""
        noise = stream(seed, Stream.LOAD, now.index).lognormal(0.0, 0.08, (QUARTERS, len(self.reference)))
        offered: Floats = self._peak_use * self.expected(now) / self.reference * noise
        return offered


def whereabouts(people: People, city: City, now: Clock, crowds: list[tuple[Fault, Bools]], seed: int) -> Place:
    """Return the spot of every person in that hour; a crowd draws its share of all people to its cells."""
    rng = stream(seed, Stream.WHEREABOUTS, now.index)
    draw, crowd_draw = rng.random(people.count), rng.random(people.count)
    at_home, at_work = now.presence
    elsewhere = settle(city, people.nr, rng)
    home, work = draw < at_home, draw < at_home + at_work
    place = Place(
        cell=np.where(home, people.home.cell, np.where(work, people.work.cell, elsewhere.cell)),
        distance_m=np.where(home, people.home.distance_m, np.where(work, people.work.distance_m, elsewhere.distance_m)),
        angle_deg=np.where(home, people.home.angle_deg, np.where(work, people.work.angle_deg, elsewhere.angle_deg)),
        loss_db=np.where(home, people.home.loss_db, np.where(work, people.work.loss_db, elsewhere.loss_db)),
    )
    for fault, cells in crowds:
        going = crowd_draw < fault.effect.crowd_share
        place.cell[going] = rng.choice(np.flatnonzero(cells), int(going.sum()))
        place.loss_db[going] = rng.normal(0.0, 3.0, int(going.sum()))
    return place
