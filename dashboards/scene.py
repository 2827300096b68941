"""What a map of clusters shows: hexagons by severity, sectors, outlines, and each cluster's rank where it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import log2
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards import geography
from dashboards.geography import Ring

Rows = NDArray[np.int64]

MOST_SECTORS = 1_500  # beyond it only those of clusters are drawn (own)
_PIXELS = 560.0  # of the map's shorter side
_CLOSEST, _WIDEST = 15.0, 1.0
_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """Everything that is drawn; `hexagons` as `geography.hexagons` returns them, with `clusters` (ids) at each.

    A sector has cell_id, site_id, ring, clusters (ids) and marked; a rank has rank, cluster_id, lon, lat and marked.
    """

    hexagons: pd.DataFrame
    sectors: list[dict[str, Any]]
    outlines: Mapping[str, Ring]
    ranks: list[dict[str, Any]]
    lon: float
    lat: float
    zoom: float


def cells_of(selector: Mapping[str, list[str]], cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cells that a cluster's conditions are about; none when they name no place."""
    return cells.iloc[Places(cells).of(selector)]


class Places:
    """The inventory's rows by what they are called, for the conditions of many clusters."""

    def __init__(self, cells: pd.DataFrame) -> None:
        self._cells = cells
        self._rows: dict[str, tuple[dict[str, int], Rows, Rows]] = {}

    def of(self, selector: Mapping[str, list[str]]) -> Rows:
        """Return the rows that conditions are about, ascending; none when they name no place."""
        columns = {"cell": "cell_id", "site": "site_id", "access": "rat"}
        named = {columns.get(name, name): values for name, values in selector.items()}
        if not {"cell_id", "site_id", "region", "city"} & set(named):
            return _NONE
        held = [self._named(name, named[name]) for name in named.keys() & set(self._cells.columns)]
        return reduce(np.intersect1d, held[1:], np.unique(held[0]))

    def _named(self, column: str, values: Sequence[str]) -> Rows:
        if column not in self._rows:
            codes, names = pd.factorize(self._cells[column])
            order = np.argsort(codes, kind="stable")
            ends = np.searchsorted(codes[order], np.arange(len(names) + 1))
            self._rows[column] = {str(name): code for code, name in enumerate(names)}, order, ends
        codes_of, order, ends = self._rows[column]
        found = [codes_of[value] for value in values if value in codes_of]
        return np.concatenate([_NONE, *(order[ends[code] : ends[code + 1]] for code in found)])


def compose(
    cells: pd.DataFrame,
    loads: pd.DataFrame,
    clusters: pd.DataFrame,
    outlines: Mapping[str, Ring],
    marked: str | None,
) -> Scene | None:
    """Put a scene together; `clusters` are in order of rank. None when no cell has a known place."""
    placed = cells.dropna(subset=["lat", "lon"])
    if placed.empty:
        return None
    of_cell: dict[str, list[str]] = {}
    ranks = []
    places, ids = Places(placed), placed["cell_id"].tolist()
    at = placed[["lon", "lat"]].to_numpy(dtype=float)
    for rank, (name, selector) in enumerate(zip(clusters["cluster_id"], clusters["selector"], strict=True), 1):
        mine = places.of(selector)
        for row in mine:
            of_cell.setdefault(ids[row], []).append(name)
        if len(mine):
            lon, lat = at[mine].mean(axis=0).tolist()
            ranks.append({"rank": str(rank), "cluster_id": name, "marked": name == marked, "lon": lon, "lat": lat})
    focus = placed[placed["cell_id"].map(lambda cell: marked in of_cell.get(cell, []))]
    lon, lat, zoom = _view(placed if focus.empty else focus)
    hexagons = geography.hexagons(placed, loads)
    here = hexagons["cells"].map(
        lambda ids: list(dict.fromkeys(name for cell in ids for name in of_cell.get(cell, [])))
    )
    return Scene(
        hexagons=hexagons.assign(clusters=here),
        sectors=_sectors(placed, of_cell, marked),
        outlines=outlines,
        ranks=ranks,
        lon=lon,
        lat=lat,
        zoom=zoom,
    )


def _sectors(placed: pd.DataFrame, of_cell: Mapping[str, list[str]], marked: str | None) -> list[dict[str, Any]]:
    drawn = placed if len(placed) <= MOST_SECTORS else placed[placed["cell_id"].isin(list(of_cell))][:MOST_SECTORS]
    if drawn.empty:
        return []
    named = zip(drawn["cell_id"], drawn["site_id"], geography.sectors(drawn), strict=True)
    return [
        {
            "cell_id": cell,
            "site_id": site,
            "ring": ring,
            "clusters": of_cell.get(cell, []),
            "marked": marked in of_cell.get(cell, []),
        }
        for cell, site, ring in named
    ]


def _view(cells: pd.DataFrame) -> tuple[float, float, float]:
    """The middle of these cells and the zoom at which they fill two thirds of the map."""
    west, east, south, north = (
        float(value) for value in (cells["lon"].min(), cells["lon"].max(), cells["lat"].min(), cells["lat"].max())
    )
    span = max(east - west, 1.3 * (north - south), 0.012)
    zoom = log2(360.0 * _PIXELS / (512.0 * span * 1.5))
    return (west + east) / 2, (south + north) / 2, min(max(zoom, _WIDEST), _CLOSEST)
