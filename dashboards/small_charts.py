"""Small charts side by side, as ready Vega-Lite specifications: before and during, and series around a span."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from dashboards.charts import COLOURS
from store.screens import rows

Spec = dict[str, Any]

GREY = "#7f7f7f"  # of text inside charts: read on light and on dark
TIME = "%m-%d %H:%M"
_COLUMNS = 3


def before_and_during(pairs: Sequence[tuple[str, float, float]], labels: tuple[str, str]) -> Spec:
    """Return a pair of bars for each of (name, before, during), each on a scale of its own."""
    values = [
        {"name": name, "label": label, "value": value, "shown": _figure(value)}
        for name, *pair in pairs
        for label, value in zip(labels, pair, strict=True)
    ]
    colour = {"domain": list(labels), "range": [COLOURS["expected"], COLOURS["bad"]]}
    common = {"y": {"field": "label", "type": "nominal", "sort": list(labels), "title": None}}
    x = {"field": "value", "type": "quantitative", "title": None, "axis": None}
    bar = {"mark": {"type": "bar"}, "encoding": {"color": {"field": "label", "scale": colour, "legend": None}}}
    text = {
        "mark": {"type": "text", "align": "left", "dx": 4, "color": GREY},
        "encoding": {"text": {"field": "shown"}},
    }
    return {
        "data": {"values": values},
        "facet": {"field": "name", "type": "nominal", "sort": [name for name, *_ in pairs], "title": None,
                  "header": {"labelLimit": 260, "labelAnchor": "start", "labelOrient": "top"}},
        "columns": _COLUMNS,
        "spacing": {"row": 12, "column": 60},
        "spec": {"width": 210, "height": 48, "encoding": common | {"x": x}, "layer": [bar, text]},
        "resolve": {"scale": {"x": "independent"}},
    }  # fmt: skip


def _figure(value: float) -> str:
    """A figure as people read it: three digits, or whole thousands."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def series(frame: pd.DataFrame, order: Sequence[str], span: tuple[datetime, datetime], *, time: str) -> Spec:
    """Return a line for each `kpi` of the frame (columns kpi, start, value); `span` is shaded in all of them."""
    values = [{"kpi": row["kpi"], "start": row["start"].isoformat(), "value": row["value"]} for row in rows(frame)]
    shade = {"start": span[0].isoformat(), "end": span[1].isoformat()}
    x = {"field": "start", "type": "temporal", "title": None, "axis": {"tickCount": 4, "format": TIME}}
    y = {"field": "value", "type": "quantitative", "title": None, "scale": {"zero": False}}
    tip = [{"field": "start", "type": "temporal", "title": time, "format": TIME},
           {"field": "value", "type": "quantitative", "format": ".4~g"}]  # fmt: skip
    line = {"mark": {"type": "line", "color": COLOURS["network"], "strokeWidth": 2}, "encoding": {"y": y}}
    points = {
        "mark": {"type": "point", "opacity": 0, "size": 60},
        "encoding": {"y": y, "tooltip": tip},
    }
    around = {
        "data": {"values": [shade]},
        "mark": {"type": "rect", "color": COLOURS["bad"], "opacity": 0.18},
        "encoding": {"x": {"field": "start", "type": "temporal"}, "x2": {"field": "end"}},
    }
    return {
        "data": {"values": values},
        "facet": {"field": "kpi", "type": "nominal", "sort": list(order), "title": None,
                  "header": {"labelLimit": 320, "labelAnchor": "start", "labelOrient": "top"}},
        "columns": 2,
        "spacing": {"row": 12, "column": 32},
        "spec": {"width": 420, "height": 120, "encoding": {"x": x}, "layer": [around, line, points]},
        "resolve": {"scale": {"y": "independent"}, "axis": {"y": "independent"}},
    }  # fmt: skip
