"""The inventory files: cells, devices, subscribers, access nodes, identities."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from cemaphore.demo import catalogue
from cemaphore.demo.arrays import Ints, Stream, stream
from cemaphore.demo.city import City
from cemaphore.demo.files import write_csv
from cemaphore.demo.people import People
from cemaphore.demo.size import SECTORS, WorldSize

_VALID_BEFORE_H = -30 * 24.0  # the inventory was true a month before the world begins


def write_inventory(folder: Path, world: WorldSize, city: City, people: People, seed: int) -> None:
    """Write all five tables into that folder."""
    valid_from = world.moment(_VALID_BEFORE_H).isoformat()
    for name, columns in (
        ("cells.csv", _cells(city)),
        ("devices.csv", _devices(city)),
        ("access_nodes.csv", _access_nodes(city)),
        ("subscribers.csv.gz", _subscribers(city, people, seed)),
        ("identities.csv.zst", _identities(people)),
    ):
        table = pa.table(columns)
        dated = table.append_column("valid_from", pa.repeat(pa.scalar(valid_from), table.num_rows))
        write_csv(folder / name, dated)


def _cells(city: City) -> dict[str, pa.Array]:
    cells, sites = city.cells, city.sites
    return {
        "cell_id": pa.array(cells.name),
        "site_id": _named(sites.name, cells.site),
        "rat": _named(("lte", "nr"), cells.nr.astype(np.int64)),
        "band": _named(tuple(band.name for band in catalogue.BANDS), cells.band),
        "lat": pa.array(np.round(sites.lat[cells.site], 6)),
        "lon": pa.array(np.round(sites.lon[cells.site], 6)),
        "azimuth_deg": pa.array(np.arange(len(cells.name)) % SECTORS * 120.0),
        "vendor": _named(catalogue.VENDORS, cells.site % 2),
        "region": _named(catalogue.REGIONS, sites.region[cells.site]),
        "city": pa.array([catalogue.CITY_NAME] * len(cells.name)),
        "object_id": pa.array(cells.object_id),
    }


def _devices(city: City) -> dict[str, pa.Array]:
    models = city.models
    rank = np.repeat(np.arange(len(models.name)), 2)
    return {
        "tac": pa.array([f"{tac:08d}" for tac in models.tac.ravel()]),
        "brand": _named(models.brand, rank),
        "model": _named(models.name, rank),
        "os": _named(models.os, rank),
        "max_rat": _named(("lte", "nr"), models.nr[rank].astype(np.int64)),
        "release_year": pa.array(models.year[rank]),
    }


def _access_nodes(city: City) -> dict[str, pa.Array]:
    """One core node per central site, so that what carries a session has a place on the map."""
    site = np.arange(len(catalogue.CORE_NODES))
    return {
        "access_node": pa.array(catalogue.CORE_NODES),
        "kind": pa.array(["upf"] * len(site)),
        "site_id": _named(city.sites.name, site),
        "lat": pa.array(np.round(city.sites.lat[site], 6)),
        "lon": pa.array(np.round(city.sites.lon[site], 6)),
        "region": _named(catalogue.REGIONS, city.sites.region[site]),
    }


def _subscribers(city: City, people: People, seed: int) -> dict[str, pa.Array]:
    rng = stream(seed, Stream.PEOPLE, 1)
    count = people.count
    fee = np.array(catalogue.PLAN_FEES)[people.plan]
    arpu = np.round(fee * rng.lognormal(0.0, 0.15, count), 2)
    return {
        "subscriber_id": people.account,
        "plan": _named(catalogue.PLANS, people.plan),
        "segment": _named(catalogue.SEGMENTS, people.segment),
        "status": _named(("active", "suspended"), (rng.random(count) < 0.01).astype(np.int64)),
        "tenure_months": pa.array(rng.integers(1, 180, count)),
        "arpu": pa.array(arpu),
        "vip_level": _named(("none", "silver", "gold"), np.digitize(arpu, [150.0, 260.0])),
        "birth_year": pa.array(rng.integers(1945, 2008, count)),
        "gender": _named(("female", "male"), rng.integers(0, 2, count)),
        "home_cell": _named(city.cells.name, people.home.cell),
        "consent": pa.array(rng.random(count) < 0.9),
    }


def _identities(people: People) -> dict[str, pa.Array]:
    """The account, and beside it the IMSI of its sessions and the MSISDN of its complaints."""
    kinds = (("imsi", people.imsi), ("msisdn", people.msisdn))
    return {
        "subscriber_id": pa.concat_arrays([people.account for _ in kinds]),
        "kind": pa.array([kind for kind, _ in kinds for _ in range(people.count)]),
        "value": pa.concat_arrays([values for _, values in kinds]),
    }


def _named(names: tuple[str, ...], index: Ints) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(index))
