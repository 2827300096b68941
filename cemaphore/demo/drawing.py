"""Who starts which session in an hour, and every random number it will need; nothing is measured yet."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from cemaphore.demo import catalogue
from cemaphore.demo.arrays import Floats, Ints, Stream, pick, stream
from cemaphore.demo.city import City
from cemaphore.demo.load import QUARTERS, Clock
from cemaphore.demo.people import People, Place

HOUR_S = 3_600.0
QUARTER_H = 1.0 / QUARTERS
NORMALS = 12
UNIFORMS = 5
BLOCK = 50_000  # people whose sessions of an hour are held at once


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The sessions of one hour and block of people in order of time; one entry (or row) per session.

    `at_h` is hours since the world's beginning, `offered` the offered load of the cell in that quarter.
    """

    number: Ints
    person: Ints
    at_h: Floats
    cell: Ints
    distance_m: Floats
    angle_deg: Floats
    loss_db: Floats
    offered: Floats
    model: Ints
    band: Ints
    core: Ints
    app: Ints
    server: Ints
    normals: Floats
    uniforms: Floats

    @property
    def count(self) -> int:
        """Number of sessions."""
        return len(self.person)

    def take(self, rows: Any) -> "Drawn":
        """Return those sessions, with the same random numbers."""
        return Drawn(**{item.name: getattr(self, item.name)[rows] for item in fields(self)})

    @property
    def attributes(self) -> dict[str, Ints]:
        """The indices by which a fault finds its sessions."""
        return {
            "cell": self.cell,
            "model": self.model,
            "band": self.band,
            "core": self.core,
            "app": self.app,
            "server": self.server,
        }


class Apps:
    """Shares of apps and, for each, of its servers, as lookup tables."""

    def __init__(self) -> None:
        self.shares = np.array([app.share for app in catalogue.APPS])
        self.service = np.array([app.service for app in catalogue.APPS])
        self.think_ms = np.array([app.think_ms for app in catalogue.APPS])
        self.server_rtt_ms = np.array([server.rtt_ms for server in catalogue.SERVERS])
        self._first = np.array([app.servers[0] for app in catalogue.APPS])
        self._second = np.array([app.servers[-1] for app in catalogue.APPS])
        self._split = np.array([app.split[0] for app in catalogue.APPS])

    def server(self, app: Ints, uniforms: Floats) -> Ints:
        """Return the server of each session."""
        return np.where(uniforms < self._split[app], self._first[app], self._second[app])


APPS = Apps()


def starts_until(people: People, used: float) -> Ints:
    """Return how many sessions each person has started when a person of rate 1 has used the service so much."""
    return np.floor(people.rate * used + people.phase).astype(np.int64)


def draw(
    people: People, city: City, place: Place, offered: Floats, now: Clock, starts: Ints, block: int, seed: int
) -> Drawn:
    """Return the sessions of that hour of one block of people, in order of time.

    `starts` is how many each person (of all) starts in the hour, `offered` as in `Traffic`. A block is `BLOCK` people:
    a fixed number, so that the world does not depend on how it is cut.
    """
    rng = stream(seed, Stream.SESSIONS, now.index, block)
    mine = np.arange(block * BLOCK, min((block + 1) * BLOCK, people.count))
    person = np.repeat(mine, starts[mine])
    offset_s = np.round(rng.random(len(person)) * (HOUR_S - 0.001), 3)
    order = np.argsort(offset_s, kind="stable")
    person, offset_s = person[order], offset_s[order]
    spot = place.take(person)
    app = pick(rng.random(len(person)), APPS.shares)
    quarter = (offset_s // (HOUR_S / QUARTERS)).astype(np.int64)
    return Drawn(
        number=int(starts[: block * BLOCK].sum()) + np.arange(len(person)),
        person=person,
        at_h=now.index + offset_s / HOUR_S,
        cell=spot.cell,
        distance_m=spot.distance_m,
        angle_deg=spot.angle_deg,
        loss_db=spot.loss_db + rng.normal(0.0, 3.0, len(person)),
        offered=offered[quarter, spot.cell],
        model=people.model[person],
        band=city.cells.band[spot.cell],
        core=people.core[person],
        app=app,
        server=APPS.server(app, rng.random(len(person))),
        normals=rng.standard_normal((len(person), NORMALS)),
        uniforms=rng.random((len(person), UNIFORMS)),
    )
