"""A scene drawn: by deck.gl without a base map, so that nothing is asked of the outside, or as a plain chart."""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import altair as alt
import pandas as pd
import pydeck
from pydeck.bindings.json_tools import default_serialize

from dashboards import colours, geography
from dashboards.scene import Scene
from store.screens import rows

_GREY = [128, 128, 128]
_HEIGHT = 560


def deck(scene: Scene, *, dark: bool, tip: Callable[[dict[str, Any]], str], tiles: str | None = None) -> pydeck.Deck:
    """Return the scene for deck.gl; `tip` writes the tooltip of a hexagon, `tiles` the operator's own tile server.

    `tiles` is a style (`https://host/style.json`) or a template of pictures (`https://host/{z}/{x}/{y}.png`).
    """
    base = {"map_provider": None} if tiles is None else {"map_provider": "carto", "map_style": _style(tiles)}
    return _Compact(
        layers=[_outlines(scene), _hexagons(scene, tip), _sectors(scene), _ranks(scene, dark=dark)],
        initial_view_state=pydeck.ViewState(longitude=scene.lon, latitude=scene.lat, zoom=scene.zoom),
        tooltip={"text": "{tip}"},
        **base,
    )


class _Compact(pydeck.Deck):  # type: ignore[misc]  # pydeck has no types
    """A deck in one line: pydeck sends each number in a line of its own, and writes it in Python."""

    def to_json(self) -> str:
        """Return what the browser is sent."""
        return json.dumps(self, sort_keys=True, default=default_serialize, separators=(",", ":"))


def _style(tiles: str) -> str:
    if "{z}" not in tiles:
        return tiles
    source = {"type": "raster", "tiles": [tiles], "tileSize": 256}
    layer = {"id": "tiles", "type": "raster", "source": "tiles"}
    return "data:application/json," + quote(json.dumps({"version": 8, "sources": {"tiles": source}, "layers": [layer]}))


def _outlines(scene: Scene) -> pydeck.Layer:
    lines = [{"path": ring, "tip": name} for name, ring in scene.outlines.items()]
    return _drawn("PathLayer", lines, id="outlines", get_path="path", get_color=_GREY, width_min_pixels=1, get_width=1)


def _hexagons(scene: Scene, tip: Callable[[dict[str, Any]], str]) -> pydeck.Layer:
    shapes = [
        {
            "hex": row["hex"],
            "cell_id": row["cells"][0],
            "clusters": row["clusters"],
            "fill": [*colours.severity(row["severity"]), 0 if pd.isna(row["severity"]) else 150],
            "tip": tip(row),
        }
        for row in rows(scene.hexagons)
    ]
    return _drawn(
        "H3HexagonLayer",
        shapes,
        id="hexagons",
        get_hexagon="hex",
        get_fill_color="fill",
        get_line_color=_GREY,
        line_width_min_pixels=1,
        extruded=False,
        stroked=True,
        filled=True,
        pickable=True,
    )


def _sectors(scene: Scene) -> pydeck.Layer:
    shapes = [
        {
            "cell_id": one["cell_id"],
            "ring": one["ring"],
            "clusters": one["clusters"],
            "fill": [*colours.MARKED, 140] if one["marked"] else [*_GREY, 70],
            "line": [*colours.MARKED, 255] if one["marked"] else [*_GREY, 255],
            "tip": one["cell_id"],
        }
        for one in scene.sectors
    ]
    return _drawn(
        "PolygonLayer",
        shapes,
        id="sectors",
        get_polygon="ring",
        get_fill_color="fill",
        get_line_color="line",
        line_width_min_pixels=1,
        stroked=True,
        filled=True,
        pickable=True,
    )


def _ranks(scene: Scene, *, dark: bool) -> pydeck.Layer:
    """A rank per cluster, the same number as in the list beside the map: no cluster is told by colour alone."""
    ground, ink = ([20, 20, 20, 230], [255, 255, 255]) if dark else ([255, 255, 255, 230], [0, 0, 0])
    shapes = [
        {
            "text": one["rank"],
            "cluster_id": one["cluster_id"],
            "at": [one["lon"], one["lat"]],
            "ground": [*colours.MARKED, 255] if one["marked"] else ground,
            "ink": [255, 255, 255] if one["marked"] else ink,
            "tip": one["rank"],
        }
        for one in scene.ranks
    ]
    return _drawn(
        "TextLayer",
        shapes,
        id="ranks",
        get_text="text",
        get_position="at",
        get_color="ink",
        get_size=18,
        background=True,
        get_background_color="ground",
        background_padding=[7, 4],
        pickable=True,
    )


def plain(scene: Scene, *, severity: str, selection: str) -> Any:
    """Return the scene as a chart that needs no WebGL; a click on a rank selects it, under the name `selection`."""
    shapes = [
        _feature(geography.hexagon_ring(row["hex"]), severity=None if pd.isna(row["severity"]) else row["severity"])
        for row in rows(scene.hexagons)
    ]
    scale = alt.Scale(domain=[0, 1], range=[colours.hexadecimal(each) for each in colours.CIVIDIS])
    hexagons = _layer(shapes).encode(
        color=alt.Color("properties.severity:Q", scale=scale, title=severity, legend=alt.Legend(format=".0%")),
        tooltip=[alt.Tooltip("properties.severity:Q", title=severity, format=".0%")],
    )
    lines = [
        *(_layer([_feature(ring)], filled=False) for ring in scene.outlines.values()),
        _layer([_feature(one["ring"]) for one in scene.sectors if not one["marked"]], filled=False),
        _layer([_feature(one["ring"]) for one in scene.sectors if one["marked"]], stroke=colours.MARKED, filled=False),
    ]
    picked = alt.selection_point(name=selection, fields=["cluster_id"], on="click", empty=False)
    numbers = alt.Chart(_data(scene.ranks)).encode(longitude=alt.Longitude("lon:Q"), latitude=alt.Latitude("lat:Q"))
    ground = numbers.mark_circle(size=500, opacity=1).encode(
        color=alt.condition("datum.marked", alt.value(colours.hexadecimal(colours.MARKED)), alt.value("#333333"))
    )
    text = numbers.mark_text(color="#ffffff", fontWeight="bold").encode(text=alt.Text("rank:N"))
    whole = alt.layer(hexagons, *lines, ground.add_params(picked), text)
    return whole.project("mercator").properties(height=_HEIGHT)


def _drawn(kind: str, shapes: Sequence[dict[str, Any]], **given: Any) -> pydeck.Layer:
    return pydeck.Layer(kind, shapes, **given)


def _data(values: Sequence[dict[str, Any]]) -> alt.Data:
    return alt.Data(values=list(values))  # type: ignore[no-untyped-call]  # altair's generated classes have none


def legend() -> dict[str, Any]:
    """Return the scale of severity as a ready specification: a strip of colours with their figures."""
    steps = len(colours.CIVIDIS)
    values = [{"from": step / steps, "to": (step + 1) / steps} for step in range(steps)]
    scale = {"domain": [0, 1], "range": [colours.hexadecimal(each) for each in colours.CIVIDIS]}
    return {
        "data": {"values": values},
        "mark": "rect",
        "height": 70,
        "encoding": {
            "x": {"field": "from", "type": "quantitative", "title": None, "axis": {"format": ".0%", "grid": False}},
            "x2": {"field": "to"},
            "color": {"field": "from", "type": "quantitative", "scale": scale, "legend": None},
        },
    }


def _layer(
    shapes: Sequence[dict[str, Any]], *, stroke: tuple[int, int, int] = (128, 128, 128), filled: bool = True
) -> alt.Chart:
    chart: alt.Chart = alt.Chart(_data(shapes)).mark_geoshape(
        filled=filled,
        stroke=colours.hexadecimal(stroke),
        strokeWidth=1,
        fillOpacity=0.7,
        aria=False,  # the chart as a whole has a description, and there is a table
    )
    return chart


def _feature(ring: geography.Ring, **properties: Any) -> dict[str, Any]:
    """A polygon as the chart wants it: its ring clockwise, else it is all of the globe but the polygon."""
    area = sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in pairwise(ring))
    turned = ring if area > 0 else ring[::-1]
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [turned]}}
