"""The city: sites and their three sectors, carriers, phone models and what each of them can do."""

from dataclasses import dataclass

import numpy as np

from cemaphore.demo import catalogue
from cemaphore.demo.arrays import Bools, Floats, Ints, Stream, stream
from cemaphore.demo.size import SECTORS, WorldSize

_CENTRE = (31.2304, 121.4737)  # degree; where the map opens
_SPACING_M = 900.0  # between neighbouring sites
_EDGE_SPACING_M = 3_600.0  # what a site at the edge has to cover
_EDGE_SHARE = 0.06
_M_PER_DEGREE = 111_320.0
FAULTY_UPDATE, FAULTY_BAND, ALWAYS_POOR = 1, 0, 4  # ranks of the models that the story needs


@dataclass(frozen=True, kw_only=True)
class Sites:
    """One entry per site; positions in metres east and north of the centre."""

    name: tuple[str, ...]
    x_m: Floats
    y_m: Floats
    spacing_m: Floats
    band: Ints
    edge: Bools
    popularity: Floats

    @property
    def lat(self) -> Floats:
        """Latitude in degree."""
        return _CENTRE[0] + self.y_m / _M_PER_DEGREE

    @property
    def lon(self) -> Floats:
        """Longitude in degree."""
        return _CENTRE[1] + self.x_m / (_M_PER_DEGREE * float(np.cos(np.radians(_CENTRE[0]))))

    @property
    def region(self) -> Ints:
        """Quadrant of the city, index into `catalogue.REGIONS`."""
        return np.where(self.y_m >= 0, np.where(self.x_m >= 0, 0, 1), np.where(self.x_m < 0, 2, 3))

    def neighbours(self, centre: int, count: int) -> Ints:
        """Return that site and the nearest others, `count` in all."""
        distance = np.hypot(self.x_m - self.x_m[centre], self.y_m - self.y_m[centre])
        return np.sort(np.argsort(distance, kind="stable")[:count])


@dataclass(frozen=True, kw_only=True)
class Cells:
    """One entry per cell; the carrier's figures are spread out per cell for speed."""

    name: tuple[str, ...]
    object_id: tuple[str, ...]
    site: Ints
    band: Ints
    nr: Bools
    re_dbm: Floats
    path_db: Floats
    spacing_m: Floats
    mhz: Floats
    base_ms: Floats
    peak_use: Floats


@dataclass(frozen=True, kw_only=True)
class Models:
    """One entry per phone model, most sold first; two type allocation codes each."""

    name: tuple[str, ...]
    brand: tuple[str, ...]
    os: tuple[str, ...]
    year: Ints
    share: Floats
    nr: Bools
    cap_kbps: Floats
    render: Floats
    crash: Floats
    tac: Ints


@dataclass(frozen=True, kw_only=True)
class City:
    """Everything that stands still."""

    sites: Sites
    cells: Cells
    models: Models


def build_city(world: WorldSize, seed: int) -> City:
    """Return the city of that size and seed."""
    rng = stream(seed, Stream.CITY)
    sites = _sites(world.sites, rng)
    return City(sites=sites, cells=_cells(sites, rng), models=_models(world.models, rng))


def _sites(count: int, rng: np.random.Generator) -> Sites:
    side = int(np.ceil(np.sqrt(count)))
    grid = np.array([(column, row) for row in range(side) for column in range(side)], dtype=np.float64)
    grid -= (side - 1) / 2
    order = np.argsort(np.hypot(grid[:, 0], grid[:, 1]), kind="stable")[:count]
    spot = grid[order] * _SPACING_M + rng.normal(0, 0.12 * _SPACING_M, (count, 2))
    edge = np.arange(count) >= count - max(1, round(count * _EDGE_SHARE))
    spot[edge] *= 1.8
    pattern = np.resize(np.array(catalogue.BAND_PATTERN), count)
    popularity = rng.lognormal(0.0, 0.25, count) * np.where(edge, 0.5, 1.0)
    return Sites(
        name=tuple(f"S{number:04d}" for number in range(1, count + 1)),
        x_m=spot[:, 0],
        y_m=spot[:, 1],
        spacing_m=np.where(edge, _EDGE_SPACING_M, _SPACING_M),
        band=np.where(edge, catalogue.EDGE_BAND, pattern),
        edge=edge,
        popularity=popularity / popularity.sum(),
    )


def _cells(sites: Sites, rng: np.random.Generator) -> Cells:
    site = np.repeat(np.arange(len(sites.name)), SECTORS)
    band = sites.band[site]
    carriers = [catalogue.BANDS[index] for index in band]
    names = tuple(f"{sites.name[s]}-{sector % SECTORS + 1}" for sector, s in enumerate(site))
    return Cells(
        name=names,
        object_id=tuple(object_id(name, carrier.rat == "nr") for name, carrier in zip(names, carriers, strict=True)),
        site=site,
        band=band,
        nr=np.array([carrier.rat == "nr" for carrier in carriers]),
        re_dbm=np.array([c.power_dbm - 10 * np.log10(c.subcarriers) + c.gain_db for c in carriers]),
        path_db=np.array([13.54 + 20 * np.log10(c.ghz) for c in carriers]),
        spacing_m=sites.spacing_m[site],
        mhz=np.array([c.mhz * c.layers * c.downlink for c in carriers]),
        base_ms=np.array([c.base_ms for c in carriers]),
        peak_use=rng.uniform(0.50, 0.78, len(site)),
    )


def object_id(cell: str, nr: bool) -> str:
    """Return the distinguished name under which PM files count a cell."""
    leaf = f"GNBDUFunction=1,NRCellDU={cell}" if nr else f"ENBFunction=1,EUtranGenericCell={cell}"
    return f"DC=demo.example,SubNetwork=City,ManagedElement={cell.split('-')[0]},{leaf}"


def _models(count: int, rng: np.random.Generator) -> Models:
    rank = np.arange(count)
    brands = len(catalogue.BRANDS)
    share = 1.0 / (rank + 3.0)
    nr = (rank % 3 != 2) & (rank != FAULTY_BAND)  # the best seller is a cheap LTE phone
    poor = rank == ALWAYS_POOR
    return Models(
        name=tuple(f"{catalogue.BRANDS[r % brands]} {catalogue.SERIES[r % brands]} {r // brands + 7}" for r in rank),
        brand=tuple(catalogue.BRANDS[r % brands] for r in rank),
        os=tuple("iOS" if catalogue.BRANDS[r % brands] == "Apple" else "Android" for r in rank),
        year=2019 + rng.integers(0, 6, count) + nr,
        share=share / share.sum(),
        nr=nr,
        cap_kbps=np.where(poor, 3_500.0, np.where(nr, 400_000.0, 90_000.0) * rng.uniform(0.6, 1.2, count)),
        render=np.where(poor, 2.0, rng.uniform(0.8, 1.3, count)),
        crash=np.where(poor, 0.05, rng.uniform(0.001, 0.004, count)),
        tac=35_200_000 + (rank[:, None] * 2 + np.arange(2)[None, :]) * 137 + 11,
    )
