"""Charts of the care entrance: one customer's days and sessions, groups with intervals, surveys beside indices.

Where there is no figure a line has a gap. Times are the operator's clock, as `page.on_the_clock` gives them.
"""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from dashboards.charts import colour as colour_of
from dashboards.charts import finished

MARKS = {"bad": "triangle-down", "middling": "diamond", "good": "triangle-up", "unknown": "circle"}
# Okabe and Ito's palette: vermillion, yellow-brown and blue differ for every kind of colour vision.
STATE_COLOURS = {"bad": "#D55E00", "middling": "#E69F00", "good": "#0072B2", "unknown": "#999999"}
# For groups, in this order; more than these are not drawn together.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999")
_LEGEND = alt.Legend(title=None, orient="top", labelLimit=0, symbolOpacity=1)
_LINES = alt.Legend(title=None, orient="top", labelLimit=0, symbolOpacity=1, symbolType="stroke", symbolSize=400)
_SHADE = "#999999"
_AROUND = 110  # pixels of legend, axis and title: the height of a chart holds them as well


def days(
    frame: pd.DataFrame, names: Mapping[str, str], spans: pd.DataFrame, *, time: str, label: str, shaded: str
) -> alt.Chart:
    """Return a customer's indices by day with the overall one's interval and spans shaded behind them.

    `frame` has `start`, `lo`, `hi` and the columns in `names` (column to label); a row without figures is a gap.
    `spans` has `start`, `end` and `what`.
    """
    long = frame.melt("start", list(names), "series", "value").assign(series=lambda rows: rows["series"].map(names))
    x = _days(time)
    y = alt.Y("value:Q", title=label, scale=alt.Scale(domain=[0, 100]))
    colour = alt.Color(
        "series:N",
        scale=alt.Scale(domain=list(names.values()), range=[colour_of(name) for name in names]),
        legend=_LINES,
    )
    line = alt.Chart(long).mark_line(point=True, strokeWidth=2, invalid="break-paths-show-domains")
    shown = line.encode(
        x=x,
        y=y,
        color=colour,
        strokeDash=alt.StrokeDash("series:N", scale=alt.Scale(domain=list(names.values())), legend=_LINES),
        tooltip=[alt.Tooltip("start:T"), alt.Tooltip("series:N"), alt.Tooltip("value:Q", format=".1f")],
    )
    # An area of one day between two gaps would not be seen; a rule a day is.
    interval = (
        alt.Chart(frame[["start", "lo", "hi"]].dropna())
        .mark_rule(strokeWidth=6, opacity=0.25, color=_SHADE)
        .encode(x=alt.X("start:T"), y=alt.Y("lo:Q"), y2=alt.Y2("hi:Q"))
    )
    shade = (
        alt.Chart(spans)
        .mark_rect(opacity=0.35, color=colour_of("bad"))
        .encode(
            x=alt.X("start:T"),
            x2=alt.X2("end:T"),
            tooltip=[alt.Tooltip("what:N", title=shaded), alt.Tooltip("start:T"), alt.Tooltip("end:T")],
        )
    )
    chart: alt.Chart = (shade + interval + shown).properties(height=300)
    return finished(chart)


def groups(frame: pd.DataFrame, *, time: str, label: str) -> alt.Chart:
    """Return one line a group with its interval as a band; `frame` has `start`, `group`, `value`, `lo`, `hi`."""
    named = sorted(frame["group"].unique())
    scale = alt.Scale(domain=named, range=list(PALETTE[: len(named)]))
    base = alt.Chart(frame).encode(x=_days(time), color=alt.Color("group:N", scale=scale, legend=_LINES))
    band = base.mark_area(opacity=0.12).encode(y=alt.Y("lo:Q"), y2=alt.Y2("hi:Q"))
    line = base.mark_line(point=True, strokeWidth=2, invalid="break-paths-show-domains").encode(
        y=alt.Y("value:Q", title=label, scale=alt.Scale(zero=False)),
        strokeDash=alt.StrokeDash("group:N", scale=alt.Scale(domain=named), legend=_LINES),
        tooltip=[
            alt.Tooltip("start:T"),
            alt.Tooltip("group:N"),
            alt.Tooltip("value:Q", format=".1f"),
            alt.Tooltip("lo:Q", format=".1f"),
            alt.Tooltip("hi:Q", format=".1f"),
        ],
    )
    chart: alt.Chart = (band + line).properties(height=320)
    return finished(chart)


def replay(
    frame: pd.DataFrame,
    states: Mapping[str, str],
    spans: pd.DataFrame,
    *,
    time: str,
    place: str,
    told: Mapping[str, str],
) -> alt.Chart:
    """Return a day's sessions on a timeline, a row a place; `states` are labels of `frame.state`, by its words.

    `frame` has `start`, `place`, `state` and the columns of `told` (column to label) for the tooltip; `spans` as in
    `days`, behind them.
    """
    shown = frame.assign(state=frame["state"].map(states))
    scale = {
        "color": alt.Scale(domain=list(states.values()), range=[STATE_COLOURS[name] for name in states]),
        "shape": alt.Scale(domain=list(states.values()), range=[MARKS[name] for name in states]),
    }
    points = (
        alt.Chart(shown)
        .mark_point(size=110, filled=True, opacity=0.9)
        .encode(
            x=alt.X("start:T", title=time, axis=alt.Axis(format="%H:%M")),
            y=alt.Y("place:N", title=place, sort=list(frame["place"].unique()), axis=alt.Axis(labelLimit=0)),
            color=alt.Color("state:N", scale=scale["color"], legend=_LEGEND),
            shape=alt.Shape("state:N", scale=scale["shape"], legend=_LEGEND),
            tooltip=[alt.Tooltip("start:T"), *(alt.Tooltip(name, title=label) for name, label in told.items())],
        )
    )
    shade = (
        alt.Chart(spans).mark_rect(opacity=0.2, color=colour_of("bad")).encode(x=alt.X("start:T"), x2=alt.X2("end:T"))
    )
    chart: alt.Chart = (shade + points).properties(height=_AROUND + 36 * shown["place"].nunique())
    return finished(chart)


def places(frame: pd.DataFrame, states: Mapping[str, str], *, told: Mapping[str, str]) -> alt.Chart:
    """Return a small map of the sites of a day, joined in the order of the visits; nothing is asked of the outside.

    `frame` has `lat`, `lon`, `site`, `state`, `order` and the columns of `told`, one row a visit.
    """
    shown = frame.assign(state=frame["state"].map(states))
    # A single site has no extent that a projection could be fitted to: a street's length around it has.
    around = pd.DataFrame(
        {
            "lat": [shown["lat"].min() - 0.005, shown["lat"].max() + 0.005],
            "lon": [shown["lon"].min() - 0.005, shown["lon"].max() + 0.005],
        }
    )
    where = {"longitude": alt.Longitude("lon:Q"), "latitude": alt.Latitude("lat:Q")}
    frame_around = alt.Chart(around).mark_circle(opacity=0).encode(**where)
    path = alt.Chart(shown).mark_line(color=_SHADE, strokeDash=[3, 3]).encode(**where, order=alt.Order("order:Q"))
    site = (
        alt.Chart(shown)
        .mark_point(size=140, filled=True)
        .encode(
            **where,
            color=alt.Color(
                "state:N",
                scale=alt.Scale(domain=list(states.values()), range=[STATE_COLOURS[name] for name in states]),
                legend=None,
            ),
            shape=alt.Shape(
                "state:N",
                scale=alt.Scale(domain=list(states.values()), range=[MARKS[name] for name in states]),
                legend=None,
            ),
            tooltip=[alt.Tooltip(name, title=label) for name, label in told.items()],
        )
    )
    name = alt.Chart(shown).mark_text(dy=-14, color=_SHADE).encode(**where, text=alt.Text("site:N"))
    chart: alt.Chart = (frame_around + path + site + name).project("mercator").properties(height=260)
    return finished(chart)


def weekly(frame: pd.DataFrame, *, time: str, label: str, colour: str) -> alt.Chart:
    """Return one value a week with its interval; `frame` has `week` (a date in words), `value`, `lo`, `hi`."""
    base = alt.Chart(frame).encode(x=alt.X("week:O", title=time, axis=alt.Axis(labelAngle=0, labelOverlap=True)))
    rule = base.mark_rule(color=colour_of(colour), strokeWidth=4, opacity=0.4).encode(
        y=alt.Y("lo:Q"), y2=alt.Y2("hi:Q")
    )
    line = base.mark_line(
        color=colour_of(colour), point={"color": colour_of(colour), "size": 60}, invalid="break-paths-show-domains"
    ).encode(
        y=alt.Y("value:Q", title=label, scale=alt.Scale(zero=False)),
        tooltip=[alt.Tooltip("week:O"), *(alt.Tooltip(f"{name}:Q", format=".1f") for name in ("value", "lo", "hi"))],
    )
    chart: alt.Chart = (rule + line).properties(height=240)
    return finished(chart)


def causes(frame: pd.DataFrame, *, title: str, nothing: str) -> alt.Chart:
    """Return a bar of probability for each `cause`, that of `nothing` known in grey."""
    chart: alt.Chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("probability:Q", title=title, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")),
            y=alt.Y("cause:N", title=None, sort=None, axis=alt.Axis(labelLimit=0)),
            color=alt.condition(
                alt.datum.cause == nothing, alt.value(colour_of("unexplained")), alt.value(colour_of("network"))
            ),
            tooltip=[alt.Tooltip("cause:N"), alt.Tooltip("probability:Q", format=".1%")],
        )
        .properties(height=_AROUND + 36 * len(frame))
    )
    return finished(chart)


def _days(title: str) -> alt.X:
    """An axis of days that reads alike in every language."""
    return alt.X("start:T", title=title, axis=alt.Axis(format="%m-%d", tickCount="day", labelOverlap=True))
