"""Shapes on the map: sectors point where antennas do, hexagons sum what their cells say, outlines hold their sites."""

import json
from pathlib import Path

import h3
import numpy as np
import pandas as pd
import pytest

from dashboards import colours, geography
from dashboards.scene import cells_of, compose
from records.errors import ConfigError

EAST, NORTH = 121.5, 31.2


def _cells(count: int = 6) -> pd.DataFrame:
    """Cells of three sectors a site, sites a kilometre apart to the east."""
    number = np.arange(count)
    return pd.DataFrame(
        {
            "cell_id": [f"S{n // 3}-{n % 3 + 1}" for n in number],
            "site_id": [f"S{n // 3}" for n in number],
            "region": ["r"] * count,
            "rat": ["lte" if n % 2 else "nr" for n in number],
            "lat": NORTH,
            "lon": EAST + number // 3 * 0.0105,
            "azimuth_deg": number % 3 * 120.0,
            "beamwidth_deg": np.nan,
        }
    )


def test_a_sector_points_where_its_antenna_does() -> None:
    """Azimuth 0 is north, 90 east; the sector is as wide as the antenna's beam and closed."""
    cells = _cells(3).assign(azimuth_deg=[0.0, 90.0, np.nan])
    north, east, around = (np.array(ring) for ring in geography.sectors(cells))
    assert north[1:-1, 1].min() > NORTH
    assert east[1:-1, 0].min() > EAST
    for ring in (north, east, around):
        assert ring[0].tolist() == ring[-1].tolist()
    bearings = np.degrees(np.arctan2((north[1:-1, 0] - EAST) * np.cos(np.radians(NORTH)), north[1:-1, 1] - NORTH))
    assert np.ptp(bearings) == pytest.approx(geography.BEAMWIDTH_DEG, abs=0.5)
    assert around.mean(axis=0) == pytest.approx([EAST, NORTH], abs=1e-3)
    wide = np.array(geography.sectors(_cells(3).assign(beamwidth_deg=120.0))[0])
    assert np.ptp(wide[1:-1, 0]) > np.ptp(north[1:-1, 0])


def test_sectors_of_neighbours_do_not_meet() -> None:
    """Each reaches less than half the way to the next site."""
    rings = geography.sectors(_cells().assign(azimuth_deg=[90.0] * 3 + [270.0] * 3))
    assert max(x for x, _ in rings[0]) < min(x for x, _ in rings[3])


def test_a_hexagon_sums_its_cells() -> None:
    loads = pd.DataFrame({"cell_id": ["S0-1", "S0-2", "S1-1"], "n": [50, 50, 10], "bad": [30, 20, 1],
                          "expected": [5.0, 5.0, None]})  # fmt: skip
    found = geography.hexagons(_cells(), loads).set_index("hex")
    one = found.loc[h3.latlng_to_cell(NORTH, EAST, geography.FINEST)]
    assert (one["n"], one["bad"], one["expected"]) == (100, 50, 10)
    assert one["severity"] == pytest.approx((50 - 10) / (100 - 10))
    assert set(one["cells"]) == {"S0-1", "S0-2"}
    assert found["severity"].isna().sum() == 1  # nothing was known of the other before


def test_too_many_hexagons_are_drawn_coarser(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = _cells(300)
    loads = pd.DataFrame({"cell_id": cells["cell_id"], "n": 20, "bad": 2, "expected": 1.0})
    monkeypatch.setattr(geography, "MOST_HEXAGONS", 10)
    found = geography.hexagons(cells, loads)
    assert len(found) <= 10
    assert found["n"].sum() == loads["n"].sum()


def test_an_outline_holds_all_sites_of_its_region() -> None:
    cells = _cells(60).assign(lat=lambda frame: NORTH + np.arange(60) % 7 * 0.004)
    ring = np.array(geography.outlines(cells)["r"])
    for lon, lat in cells[["lon", "lat"]].to_numpy():
        ahead = np.roll(ring, -1, axis=0)
        cross = (ahead[:, 0] - ring[:, 0]) * (lat - ring[:, 1]) - (ahead[:, 1] - ring[:, 1]) * (lon - ring[:, 0])
        assert (cross >= -1e-12).all()


def test_an_operators_outlines_are_read_and_what_is_none_is_refused(tmp_path: Path) -> None:
    ring = [[0, 0], [0, 1], [1, 1], [0, 0]]
    features = [
        {"type": "Feature", "properties": {"name": "A"}, "geometry": {"type": "Polygon", "coordinates": [ring]}},
        {"type": "Feature", "properties": {}, "geometry": {"type": "MultiPolygon", "coordinates": [[ring], [ring]]}},
    ]
    path = tmp_path / "outlines.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert list(geography.read_outlines(path)) == ["A", "2", "2 2"]
    for wrong in ("", "{}", '{"features": [{"geometry": null}]}', '{"features": [{"geometry": {"type": "Point"}}]}'):
        path.write_text(wrong)
        with pytest.raises(ConfigError, match="GeoJSON"):
            geography.read_outlines(path)


def test_a_cluster_is_where_its_conditions_name_a_place() -> None:
    cells = _cells()
    assert cells_of({"site_id": ["S1"]}, cells)["cell_id"].tolist() == ["S1-1", "S1-2", "S1-3"]
    assert cells_of({"region": ["r"], "access": ["nr"]}, cells)["cell_id"].tolist() == ["S0-1", "S0-3", "S1-2"]
    assert cells_of({"app": ["video"]}, cells).empty


def test_the_view_goes_to_what_is_marked() -> None:
    clusters = pd.DataFrame({"cluster_id": ["a", "b"], "selector": [{"site_id": ["S1"]}, {"app": ["video"]}]})
    loads = pd.DataFrame({"cell_id": ["S1-1"], "n": [20], "bad": [2], "expected": [1.0]})
    far, near = (compose(_cells(90), loads, clusters, {}, marked) for marked in (None, "a"))
    assert far is not None
    assert near is not None
    assert near.zoom > far.zoom
    assert (near.lon, near.lat) == (pytest.approx(EAST + 0.0105), pytest.approx(NORTH))
    assert [(rank["rank"], rank["cluster_id"], rank["marked"]) for rank in near.ranks] == [("1", "a", True)]
    assert near.hexagons["clusters"].tolist() == [["a"]]
    assert compose(_cells().assign(lat=np.nan), loads, clusters, {}, None) is None


def test_severity_grows_lighter_and_nothing_known_is_grey() -> None:
    """Cividis: luminance rises with severity, so it reads in grey and with any colour vision."""
    light = [sum(np.array(colours.severity(step / 10)) * (0.2126, 0.7152, 0.0722)) for step in range(11)]
    assert light == sorted(light)
    assert colours.severity(float("nan")) == colours.severity(None) == colours.UNKNOWN
