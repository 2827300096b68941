"""Joint effects as ready Vega-Lite specifications: each with its interval around nothing, and one over the days."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboards.charts import COLOURS
from store.screens import rows

_ZERO = {"data": {"values": [{"zero": 0}]}, "mark": {"type": "rule", "strokeDash": [4, 4], "color": "#888888"}}


def effects(frame: pd.DataFrame, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return a point with its 95 % interval per row (columns value, shrunk, lo, hi, n), in the order of the frame.

    One whose interval holds 0 is a hollow point: it may be nothing. `labels` has value, effect and n.
    """
    values = [
        {name: row[name] for name in ("value", "shrunk", "lo", "hi", "n")} | {"sure": row["lo"] > 0 or row["hi"] < 0}
        for row in rows(frame)
    ]
    y = {
        "field": "value",
        "type": "nominal",
        "sort": None,
        "title": labels["value"],
        "axis": {"labelLimit": 240, "labelOverlap": False},
    }
    x = {"type": "quantitative", "title": labels["effect"]}
    tip = [
        {"field": "value", "title": labels["value"]},
        *({"field": name, "type": "quantitative", "format": "+.2f"} for name in ("shrunk", "lo", "hi")),
        {"field": "n", "type": "quantitative", "title": labels["n"], "format": ",.0f"},
    ]
    line = {"mark": {"type": "rule", "strokeWidth": 2, "color": COLOURS["network"]},
            "encoding": {"x": x | {"field": "lo"}, "x2": {"field": "hi"}}}  # fmt: skip
    fill = {"condition": {"test": "datum.sure", "value": COLOURS["network"]}, "value": "transparent"}
    point = {"mark": {"type": "point", "size": 90, "strokeWidth": 2, "stroke": COLOURS["network"], "filled": True},
             "encoding": {"x": x | {"field": "shrunk"}, "fill": fill, "tooltip": tip}}  # fmt: skip
    zero = _ZERO | {"encoding": {"x": {"field": "zero", "type": "quantitative"}}}
    return {
        "data": {"values": values},
        "layer": [zero, {"encoding": {"y": y}, "layer": [line, point]}],
        "height": {"step": 24},
    }


def history(frame: pd.DataFrame, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return one level's effect by day with its interval (columns start, shrunk, lo, hi); `labels` has time, effect."""
    values = [
        {"start": str(row["start"]), **{name: row[name] for name in ("shrunk", "lo", "hi")}} for row in rows(frame)
    ]
    x = {"field": "start", "type": "temporal", "title": None, "axis": {"format": "%m-%d"}}
    y = {"type": "quantitative", "title": None}
    tip = [{"field": "start", "type": "temporal", "title": labels["time"]},
           *({"field": name, "type": "quantitative", "format": "+.2f"} for name in ("shrunk", "lo", "hi"))]  # fmt: skip
    band = {"mark": {"type": "area", "opacity": 0.25, "color": COLOURS["network"]},
            "encoding": {"x": x, "y": y | {"field": "lo"}, "y2": {"field": "hi"}}}  # fmt: skip
    line = {"mark": {"type": "line", "point": True, "color": COLOURS["network"]},
            "encoding": {"x": x, "y": y | {"field": "shrunk"}, "tooltip": tip}}  # fmt: skip
    zero = _ZERO | {"encoding": {"y": {"field": "zero", "type": "quantitative"}}}
    return {"title": labels["effect"], "data": {"values": values}, "layer": [band, line, zero], "height": 220}
