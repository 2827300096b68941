"""Charts as Altair specifications: colour-blind-safe, drawn without any request to the outside."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st
from altair.utils import schemapi

# Channels are given as objects (`alt.Y2("hi:Q")`): for a bare string altair searches all of its schema.
# Each chart would be held to Vega-Lite's schema at every run, a sixth of a page's time; these are written here, and
# what the browser thinks of them is tested.
schemapi.disable_debug_mode()

# Okabe and Ito's palette; the overall index in the ground's opposite, so that it is told apart without colour too.
COLOURS = {
    "overall": "#000000",
    "network": "#0072B2",
    "device": "#E69F00",
    "app": "#009E73",
    "service": "#CC79A7",
    "prior": "#999999",
    "bad": "#D55E00",
    "expected": "#0072B2",
    "radio": "#0072B2",
    "transport_core": "#56B4E9",
    "server_app": "#009E73",
    "unexplained": "#999999",
}

_ON_DARK = {"overall": "#ffffff"}
_INK = {"light": "#3c4753", "dark": "#c8d1da"}  # 9 to 1 and more on the grounds of .streamlit/config.toml
_LEGEND = alt.Legend(title=None, orient="top")
_LINES = alt.Legend(title=None, orient="top", symbolType="stroke", symbolSize=400)  # also where points are drawn
_MOMENTS = "%m-%d %H:%M"  # names of months and days would be English in every language


def dark() -> bool:
    """Whether the reader's page has a dark ground."""
    return st.context.theme.type == "dark"


def colour(name: str) -> str:
    """Return the colour of a series on the reader's ground."""
    return (_ON_DARK if dark() else {}).get(name) or COLOURS[name]


def times(title: str | None) -> alt.Axis:
    """Return an axis of moments whose labels need no language."""
    return alt.Axis(title=title, format=_MOMENTS, labelOverlap="greedy", labelSeparation=12, labelFlush=False)


def themed(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a ready specification with the ink of `finished`, and moments that need no language."""
    ink = _INK["dark" if dark() else "light"]
    axis = {"labelColor": ink, "titleColor": ink}
    moments = {"format": _MOMENTS, "labelOverlap": "greedy", "labelSeparation": 12}
    words = {"labelColor": ink, "titleColor": ink}
    text = {"color": ink}
    return {**spec, "config": {"axis": axis, "axisTemporal": moments, "header": words, "legend": words, "text": text}}


def finished(chart: alt.Chart) -> alt.Chart:
    """Return the chart with its words in an ink that is read well on the reader's ground."""
    ink = _INK["dark" if dark() else "light"]
    chart.config = alt.Config(
        axis=alt.AxisConfig(labelColor=ink, titleColor=ink), legend=alt.LegendConfig(labelColor=ink)
    )
    return chart


def lines(
    frame: pd.DataFrame, names: dict[str, str], *, time: str, value: str, unit_domain: tuple[float, float] | None = None
) -> alt.Chart:
    """Return a line chart of the columns in `names` (column to label) over the column `start` (wall-clock times)."""
    long = frame.melt("start", list(names), "series", "value").dropna()
    long["series"] = long["series"].map(names)
    scale = alt.Scale(domain=list(unit_domain), clamp=True) if unit_domain else alt.Scale(zero=False)
    chart: alt.Chart = (
        alt.Chart(long)
        .mark_line(point=len(frame) < 40, strokeWidth=2)
        .encode(
            x=alt.X("start:T", axis=times(time)),
            y=alt.Y("value:Q", title=value, scale=scale),
            color=alt.Color("series:N", scale=_scale(names), legend=_LINES),
            strokeDash=alt.StrokeDash("series:N", scale=alt.Scale(domain=list(names.values())), legend=_LINES),
            tooltip=[
                alt.Tooltip("start:T", title=time, format=_MOMENTS),
                alt.Tooltip("series:N"),
                alt.Tooltip("value:Q", format=".3f"),
            ],
        )
        .properties(height=320)
    )
    return finished(chart)


def stacked(rows: dict[str, Mapping[str, float]], names: dict[str, str], *, title: str) -> alt.Chart:
    """Return one horizontal bar per row, stacked of one value per name."""
    parts = [
        {"row": label, "series": shown, "value": values[name], "order": place}
        for label, values in rows.items()
        for place, (name, shown) in enumerate(names.items())
    ]
    chart: alt.Chart = (
        alt.Chart(pd.DataFrame(parts))
        .mark_bar()
        .encode(
            x=alt.X("value:Q", title=title, stack="zero"),
            y=alt.Y("row:N", title=None, sort=None, axis=alt.Axis(labelLimit=320)),
            color=alt.Color("series:N", scale=_scale(names), legend=_LEGEND),
            order=alt.Order("order:Q"),
            tooltip=[alt.Tooltip("row:N"), alt.Tooltip("series:N"), alt.Tooltip("value:Q", format=".1f")],
        )
        .properties(height=60 * len(rows) + 100)
    )
    return finished(chart)


def spans(frame: pd.DataFrame, names: dict[str, str], *, title: str) -> alt.Chart:
    """Return one line from `p10` to `p90` for each `setting`, with a point at `p50`; `names` are their labels."""
    rows = alt.Chart(frame).encode(y=alt.Y("setting:N", title=None, sort=None, axis=alt.Axis(labelLimit=0)))
    tooltip = [
        alt.Tooltip("setting:N"),
        *(alt.Tooltip(f"{column}:Q", title=label, format=".1f") for column, label in names.items()),
    ]
    line = rows.mark_rule(strokeWidth=3, color=colour("network")).encode(
        x=alt.X("p10:Q", title=title, scale=alt.Scale(zero=False)), x2=alt.X2("p90:Q"), tooltip=tooltip
    )
    point = rows.mark_point(size=90, filled=True, color=colour("overall")).encode(x=alt.X("p50:Q"), tooltip=tooltip)
    chart: alt.Chart = (line + point).properties(height=36 * len(frame) + 40)
    return finished(chart)


def _scale(names: dict[str, str]) -> alt.Scale:
    return alt.Scale(domain=list(names.values()), range=[colour(key) for key in names])
