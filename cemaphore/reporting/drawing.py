"""A report's charts: Vega-Lite specifications drawn as SVG here, without a browser and without any request."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import vl_convert

_FONT = "Noto Sans, Noto Sans CJK SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, DejaVu Sans, sans-serif"
_INK = "#0b141d"
_WIDTH, _HEIGHT = 660, 200


def lines(frame: pd.DataFrame, names: Mapping[str, str], colours: Mapping[str, str], *, title: str, span: bool) -> str:
    """Return a line chart of the columns in `names` over `start` (wall-clock times); `span`: from 0 to 1.

    Lines are told apart by their dashes too, for readers and printers without colours.
    """
    long = frame.melt("start", list(names), "series", "value").dropna()
    values = [
        {"start": start.isoformat(), "series": names[series], "value": float(value)}
        for start, series, value in long[["start", "series", "value"]].itertuples(index=False)
    ]
    labels = list(names.values())
    legend = {"title": None, "orient": "top"}
    spec: dict[str, Any] = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": _WIDTH,
        "height": _HEIGHT,
        "data": {"values": values},
        "mark": {"type": "line", "strokeWidth": 1.6},
        "encoding": {
            "x": {
                "field": "start",
                "type": "temporal",
                "axis": {"title": None, "format": "%m-%d %H:%M", "labelOverlap": "greedy", "labelSeparation": 12},
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": title,
                "scale": {"domain": [0, 1]} if span else {"zero": False},
            },
            "color": {
                "field": "series",
                "type": "nominal",
                "scale": {"domain": labels, "range": [colours[name] for name in names]},
                "legend": legend,
            },
            "strokeDash": {"field": "series", "type": "nominal", "scale": {"domain": labels}, "legend": legend},
        },
        "config": {
            "font": _FONT,
            "axis": {"labelColor": _INK, "titleColor": _INK, "gridColor": "#e3e8ed"},
            "legend": {"labelColor": _INK},
            "view": {"stroke": None},
        },
    }
    return str(vl_convert.vegalite_to_svg(spec, vl_version="5.20", allowed_base_urls=[]))
