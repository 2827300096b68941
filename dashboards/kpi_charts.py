"""One KPI over time as a ready Vega-Lite specification: line, interval, and the limits as dashed and dotted rules."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboards.charts import COLOURS
from dashboards.small_charts import GREY, TIME
from store.screens import rows


def series(
    frame: pd.DataFrame, limits: tuple[float, float] | None, title: str, labels: Mapping[str, str]
) -> dict[str, Any]:
    """Return the chart of columns start, value, lo, hi; `limits` are the best and the worst value that count.

    `labels` has time, best and worst.
    """
    values = [
        {
            "start": row["start"].isoformat(),
            "value": row["value"],
            "lo": None if pd.isna(row["lo"]) else row["lo"],
            "hi": None if pd.isna(row["hi"]) else row["hi"],
        }
        for row in rows(frame)
    ]
    x = {"field": "start", "type": "temporal", "title": None, "axis": {"format": TIME}}
    y = {"field": "value", "type": "quantitative", "title": title, "scale": {"zero": False}}
    tip = [
        {"field": "start", "type": "temporal", "title": labels["time"], "format": TIME},
        {"field": "value", "type": "quantitative", "title": title, "format": ".5~g"},
        {"field": "lo", "type": "quantitative", "format": ".5~g"},
        {"field": "hi", "type": "quantitative", "format": ".5~g"},
    ]
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "area", "opacity": 0.25, "color": COLOURS["network"]},
            "encoding": {"x": x, "y": y | {"field": "lo"}, "y2": {"field": "hi"}},
        },
        {
            "mark": {"type": "line", "strokeWidth": 2, "color": COLOURS["network"], "point": len(values) < 40},
            "encoding": {"x": x, "y": y},
        },
        {"mark": {"type": "point", "opacity": 0, "size": 80}, "encoding": {"x": x, "y": y, "tooltip": tip}},
    ]
    for key, limit, dash in (("best", limits[0], [8, 4]), ("worst", limits[1], [2, 3])) if limits else ():
        at = {"data": {"values": [{"limit": limit, "label": labels[key]}]}}
        rule = {"type": "rule", "strokeDash": dash, "color": COLOURS["bad" if key == "worst" else "app"]}
        place = {"y": {"field": "limit", "type": "quantitative"}}
        layers.append(at | {"mark": rule, "encoding": place})
        text = {"type": "text", "align": "left", "dx": 4, "dy": -6, "x": 0, "color": GREY}
        layers.append(at | {"mark": text, "encoding": place | {"text": {"field": "label"}}})
    return {"data": {"values": values}, "layer": layers, "height": 300}
