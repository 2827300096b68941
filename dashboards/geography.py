"""Shapes on a map: sectors of antennas, H3 hexagons of cells, and outlines of regions; degrees, longitude first."""

import json
from pathlib import Path
from typing import Any

import h3
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, cKDTree

from records.errors import ConfigError

Ring = list[list[float]]  # closed: the first point is the last one too

FINEST = 8  # H3 resolution: edges of half a kilometre; operations see persons no finer
MOST_HEXAGONS = 5_000  # a browser's share; beyond it the next coarser resolution is taken
BEAMWIDTH_DEG = 65.0  # where the inventory has none: 3GPP TR 38.901 table 7.3-1, horizontal 3 dB (published)
_M_PER_DEGREE = 111_320.0
_REACH_M = (60.0, 700.0)  # a drawn sector reaches 0.45 of the way to the next site, in these bounds (own)
_DIGITS = 6  # of a degree: a tenth of a metre; the browser is sent no more
_MARGIN = 0.05  # of a region's extent: how far outside of its sites an outline runs (own)


def hexagons(cells: pd.DataFrame, loads: pd.DataFrame) -> pd.DataFrame:
    """Sum the loads of cells (`store.places.cell_loads`) by the hexagon that their antennas stand in.

    Columns hex, n, bad, expected, severity (NaN without an expectation), cells (their ids), region; worst first.
    """
    known = loads.merge(cells.dropna(subset=["lat", "lon"]), on="cell_id")
    if known.empty:
        return pd.DataFrame(columns=["hex", "n", "bad", "expected", "severity", "cells", "region"])
    for resolution in range(FINEST, -1, -1):
        places = [h3.latlng_to_cell(*at, resolution) for at in zip(known["lat"], known["lon"], strict=True)]
        if len(set(places)) <= MOST_HEXAGONS:
            break
    numbers = known.assign(hex=places).astype({"n": float, "bad": float, "expected": float})
    found = (
        numbers.assign(known=numbers["expected"].notna())
        .groupby("hex", sort=False)
        .agg(
            n=("n", "sum"),
            bad=("bad", "sum"),
            expected=("expected", "sum"),
            known=("known", "all"),
            cells=("cell_id", list),
            region=("region", "first"),
        )
    )
    found["expected"] = found["expected"].where(found.pop("known"))
    found["severity"] = ((found["bad"] - found["expected"]) / (found["n"] - found["expected"])).clip(0, 1)
    return found.reset_index().sort_values("severity", ascending=False, na_position="last", ignore_index=True)


def hexagon_ring(place: str) -> Ring:
    """Return the outline of a hexagon."""
    ring = [[longitude, latitude] for latitude, longitude in h3.cell_to_boundary(place)]
    return [*ring, ring[0]]


def sectors(cells: pd.DataFrame) -> list[Ring]:
    """Return the sector of each cell as it points; one without an azimuth is drawn all around."""
    place = cells[["lat", "lon"]].to_numpy(dtype=float)
    narrowing = np.cos(np.radians(place[:, 0]))
    reach = _reaches(place, narrowing)
    azimuths, widths = cells["azimuth_deg"].to_numpy(dtype=float), cells["beamwidth_deg"].to_numpy(dtype=float)
    widths = np.where(np.isnan(azimuths), 360.0, np.where(np.isnan(widths), BEAMWIDTH_DEG, widths))
    given = zip(place, np.nan_to_num(azimuths), widths, reach, narrowing, strict=True)
    return [_sector(tuple(at), azimuth, width, radius, shrink) for at, azimuth, width, radius, shrink in given]


def _reaches(place: NDArray[np.float64], narrowing: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each sector is drawn (metres)."""
    metres = np.column_stack([place[:, 0], place[:, 1] * narrowing]) * _M_PER_DEGREE
    sites, site = np.unique(metres.round(), axis=0, return_inverse=True)
    if len(sites) < 2:
        return np.full(len(place), _REACH_M[1])
    nearest = np.asarray(cKDTree(sites).query(sites, k=2)[0])[:, 1]
    return np.asarray(np.clip(0.45 * nearest, *_REACH_M)[site.ravel()], dtype=np.float64)


def _sector(at: tuple[float, ...], azimuth: float, width: float, radius_m: float, narrowing: float) -> Ring:
    around = width >= 360.0
    angles = np.radians(np.linspace(-width / 2, width / 2, 25 if around else 9) + azimuth)
    north, east = radius_m * np.cos(angles) / _M_PER_DEGREE, radius_m * np.sin(angles) / _M_PER_DEGREE / narrowing
    arc: Ring = np.column_stack([at[1] + east, at[0] + north]).round(_DIGITS).tolist()
    return [*arc, arc[0]] if around else [[at[1], at[0]], *arc, [at[1], at[0]]]


def outlines(cells: pd.DataFrame) -> dict[str, Ring]:
    """Return the convex outline of each region's sites, drawn some way outside of them."""
    found: dict[str, Ring] = {}
    for region, mine in cells.dropna(subset=["region", "lat", "lon"]).groupby("region"):
        points = np.unique(mine[["lon", "lat"]].to_numpy(dtype=float), axis=0)
        narrowing = float(np.cos(np.radians(points[:, 1].mean())))
        extent = float(np.ptp(points, axis=0).max()) * _M_PER_DEGREE
        margin = max(_REACH_M[1], _MARGIN * extent) / _M_PER_DEGREE
        angles = np.linspace(0.0, 2 * np.pi, 24, endpoint=False)
        round_it = np.column_stack([np.cos(angles) / narrowing, np.sin(angles)]) * margin
        around = (points[:, None, :] + round_it[None, :, :]).reshape(-1, 2)
        ring = [[float(x), float(y)] for x, y in around[ConvexHull(around).vertices]]
        found[str(region)] = [*ring, ring[0]]
    return found


def read_outlines(path: Path) -> dict[str, Ring]:
    """Return the polygons of an operator's GeoJSON file by the property `name`, else by number.

    Raises `ConfigError` for a file that is no GeoJSON collection of polygons.
    """
    try:
        features: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["features"]
        found: dict[str, Ring] = {}
        for number, feature in enumerate(features, 1):
            shape, name = feature["geometry"], str((feature.get("properties") or {}).get("name", number))
            parts = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
            for place, part in enumerate(parts):
                found[f"{name} {place + 1}" if place else name] = [[float(x), float(y)] for x, y, *_ in part[0]]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ConfigError(f"{path} is no GeoJSON file of polygons in degrees: {error}") from error
    return found
