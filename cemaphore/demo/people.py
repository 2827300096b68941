"""The people: who they are, which phone they hold, where they live and work, how much they use it."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cemaphore.demo import catalogue
from cemaphore.demo.arrays import Bools, Floats, Ints, Stream, pick, stream
from cemaphore.demo.city import City
from cemaphore.demo.size import SECTORS, WorldSize

INDOOR_DB = 11.0  # mean building entry loss, low-loss model of TR 38.901 7.4.3 at about 2 GHz
SHADOW_DB = 6.0  # TR 38.901 table 7.4.1-1, UMa NLOS
_DIGITS8, _DIGITS10 = 10**8, 10**10
_OUTDOOR_SHARE = 0.1
LEAST_DISTANCE_M = 35.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """One spot per person: cell, distance to the site, angle off the sector's axis, loss on top of the path's."""

    cell: Ints
    distance_m: Floats
    angle_deg: Floats
    loss_db: Floats

    def take(self, rows: Ints) -> "Place":
        """Return the spots of those rows."""
        return Place(
            cell=self.cell[rows],
            distance_m=self.distance_m[rows],
            angle_deg=self.angle_deg[rows],
            loss_db=self.loss_db[rows],
        )


@dataclass(frozen=True, kw_only=True)
class People:
    """One entry per person, and nothing that grows with time."""

    imsi: pa.Array
    msisdn: pa.Array
    account: pa.Array
    model: Ints
    tac: Ints
    nr: Bools
    rate: Floats
    phase: Floats
    core: Ints
    plan: Ints
    segment: Ints
    home: Place
    work: Place

    @property
    def count(self) -> int:
        """Number of people."""
        return len(self.model)


def build_people(world: WorldSize, city: City, seed: int) -> People:
    """Return the people of that size and seed."""
    rng = stream(seed, Stream.PEOPLE)
    count = world.users
    model = pick(rng.random(count), city.models.share)
    nr = city.models.nr[model]
    number = (np.arange(count, dtype=np.int64) * 61_803_399 + 12_345_679) % _DIGITS8
    # The rate of each person is constant: 0.9 of the mean and an exponential rest.
    rate = world.sessions_per_user_day * (0.9 + rng.exponential(0.1, count))
    return People(
        imsi=_texts("46000", (np.arange(count, dtype=np.int64) * 7_548_776_663 + 1_234_567_891) % _DIGITS10, 10),
        msisdn=_texts("+86138", number, 8),
        account=_texts("AC", np.arange(1, count + 1, dtype=np.int64), 9),
        model=model,
        tac=city.models.tac[model, rng.integers(0, 2, count)],
        nr=nr,
        rate=rate,
        phase=rng.random(count),
        core=pick(rng.random(count), np.array(catalogue.CORE_SHARES)),
        plan=pick(rng.random(count), np.array(catalogue.PLAN_SHARES)),
        segment=pick(rng.random(count), np.array(catalogue.SEGMENT_SHARES)),
        home=settle(city, nr, rng),
        work=settle(city, nr, rng),
    )


def settle(city: City, nr: Bools, rng: np.random.Generator) -> Place:
    """Return a random spot for each person; a phone without NR camps on an LTE site."""
    sites = city.sites
    count = len(nr)
    lte = np.array([catalogue.BANDS[band].rat == "lte" for band in sites.band])
    draw = rng.random(count)
    site = np.where(nr, pick(draw, sites.popularity), pick(draw, np.where(lte, sites.popularity, 0.0)))
    indoor = rng.random(count) >= _OUTDOOR_SHARE
    reach = sites.spacing_m[site] / np.sqrt(3.0)
    return Place(
        cell=site * SECTORS + rng.integers(0, SECTORS, count),
        distance_m=LEAST_DISTANCE_M + reach * np.sqrt(rng.random(count)),
        angle_deg=rng.uniform(-60.0, 60.0, count),
        loss_db=np.where(indoor, INDOOR_DB, 0.0) + rng.normal(0.0, SHADOW_DB, count),
    )


def _texts(prefix: str, numbers: Ints, width: int) -> pa.Array:
    digits = pa.array(numbers).cast(pa.string())
    padded = pc.utf8_lpad(digits, width, padding="0")
    return pc.binary_join_element_wise(pa.scalar(prefix), padded, "")
