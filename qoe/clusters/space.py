"""Where the sites stand: the nearest of each, and which are neighbours."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from qoe.clusters.units import Floats, Ints

NEAREST = 32  # sites of the largest circle; bounds the cost to sites * 32 zones (own)
NEIGHBOURS = 6  # nearest sites that a site is joined with: the mean number in a plane triangulation (published)
_M_PER_DEGREE = 111_320.0


@dataclass(frozen=True, eq=False)
class Space:
    """Sites by number: `nearest` (sites, k) lists each one's nearest, itself first; `graph` joins neighbours.

    `cell` are sorted cell codes and `site` the number of each one's site.
    """

    cell: Ints
    site: Ints
    nearest: Ints
    graph: csr_array

    @property
    def size(self) -> int:
        """Number of sites."""
        return len(self.nearest)

    @property
    def zones(self) -> int:
        """Number of circles."""
        return int(self.nearest.size)

    def site_of(self, cell: Ints) -> Ints:
        """The number of the site of each cell, -1 where its position is not known."""
        place = np.minimum(np.searchsorted(self.cell, cell), len(self.cell) - 1)
        return np.where(self.cell[place] == cell, self.site[place], -1)

    def cells_of(self, sites: Ints) -> Ints:
        """The cells of these sites."""
        return self.cell[np.isin(self.site, sites)]


def space_of(cell: Ints, site: Ints, lat: Floats, lon: Floats) -> Space | None:
    """Build the space of the cells with a position; a cell without a site (0) is a site of its own.

    Positions in degree are taken to metres around their middle, which holds within a country. None where fewer than
    three sites have one.
    """
    known = ~(np.isnan(lat) | np.isnan(lon))
    order = np.argsort(cell[known])
    cell, lat, lon = cell[known][order], lat[known][order], lon[known][order]
    own = site[known][order]
    names, place = np.unique(np.where(own == 0, -cell, own), return_inverse=True)
    if len(names) < 3:
        return None
    count = np.bincount(place)
    north = np.bincount(place, lat) / count * _M_PER_DEGREE
    east = np.bincount(place, lon) / count * _M_PER_DEGREE * float(np.cos(np.radians(lat.mean())))
    spots = np.stack((east, north), axis=1)
    tree = cKDTree(spots)
    nearest = np.asarray(tree.query(spots, min(NEAREST, len(names)))[1], dtype=np.int64)
    beside = nearest[:, 1 : NEIGHBOURS + 1]
    rows = np.repeat(np.arange(len(names)), beside.shape[1])
    graph = csr_array((np.ones(len(rows)), (rows, beside.ravel())), shape=(len(names), len(names)))
    return Space(cell, place.astype(np.int64), nearest, graph)
