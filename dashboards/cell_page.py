"""The parts of a cell's page: what it is, its KPIs against their limits, experience on it, clusters and alarms."""

from datetime import datetime, timedelta

import pandas as pd
import streamlit as st

from dashboards import charts, exports, filters, kpi_charts
from dashboards.cluster_words import where
from dashboards.kpi_words import anchors, title, unit
from dashboards.page import language, link, moment, on_the_clock, read, share, t, word
from store import places, screens

_STEPS = {"day": timedelta(minutes=15), "week": timedelta(hours=1), "month": timedelta(hours=4)}
_CLUSTERS_SHOWN = 10


def head(found: pd.Series) -> None:
    """Say what the inventory knows of the cell."""
    facts = {
        "column.site": found["site_id"],
        "attribute.access": found["rat"],
        "column.band": found["band"],
        "column.vendor": found["vendor"],
        "column.region": found["region"],
        "column.azimuth": None if pd.isna(found["azimuth_deg"]) else f"{found['azimuth_deg']:.0f}°",
    }
    st.caption(" · ".join(f"{t(key)}: {value}" for key, value in facts.items() if value is not None))


def kpis(found: pd.Series, start: datetime, end: datetime, span: str) -> None:
    """Show the chosen KPI over time with interval, coverage and limits, and all KPIs of the newest hour as a table."""
    st.subheader(t("cells.kpis"))
    frame = read(places.mean_kpis, (found["object_id"], found["cell_id"]), None, start, end, _STEPS[span])
    if frame.empty:
        st.info(t("cells.no_kpis"))
        return
    names = _ordered(frame)
    name = filters.listed(t("cells.kpi"), names, key="kpi", named=lambda each: title(each, language()), always=True)
    _one(frame[frame["kpi"] == name], name)
    _newest(frame, names)
    exports.offer(frame, f"kpis-{found['cell_id']}", key="kpis")


def _ordered(frame: pd.DataFrame) -> list[str]:
    """KPIs with limits first, those furthest on the bad side leading."""
    points = {str(name): _points(str(name), each["value"].iloc[-1]) for name, each in frame.groupby("kpi")}
    return sorted(points, key=lambda name: (points[name] is None, points[name] or 0.0, name))


def _points(name: str, value: float) -> float | None:
    """How far on the good side the value lies, 0 to 1 between its limits; None without limits."""
    anchor = anchors().anchors.get(name)
    if anchor is None or pd.isna(value):
        return None
    return (value - float(anchor.worst)) / (float(anchor.best) - float(anchor.worst))


def _newest(frame: pd.DataFrame, names: list[str]) -> None:
    last = {row["kpi"]: row for row in screens.rows(frame)}  # in order of time: the newest stays
    rules = anchors().anchors
    shown = pd.DataFrame(
        {
            t("cells.kpi"): [title(name, language()) for name in names],
            t("column.value_now"): [_figure(last[name]["value"], name) for name in names],
            t("cells.state"): [_state(name, last[name]["value"]) for name in names],
            t("cells.good_from"): [_figure(rules[name].best, name) if name in rules else "" for name in names],
            t("cells.bad_from"): [_figure(rules[name].worst, name) if name in rules else "" for name in names],
            t("column.coverage"): [share(last[name]["coverage"]) for name in names],
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("cells.kpis"))
    st.caption(t("cells.limits", version=anchors().version))


def _state(name: str, value: float) -> str:
    """A word and a sign, never a colour: good, between, bad, or no limits."""
    points = _points(name, value)
    if points is None:
        return t("app.not_enough") if pd.isna(value) else t("cells.no_limits")
    return t("cells.good") if points >= 1 else t("cells.bad") if points <= 0 else t("cells.between")


def _figure(value: float, name: str) -> str:
    return t("app.not_enough") if pd.isna(value) else f"{value:,.5g} {unit(name)}".strip()


def _one(frame: pd.DataFrame, name: str) -> None:
    anchor = anchors().anchors.get(name)
    limits = None if anchor is None else (float(anchor.best), float(anchor.worst))
    labels = {"time": t("column.time"), "best": t("cells.good_from"), "worst": t("cells.bad_from")}
    spec = kpi_charts.series(on_the_clock(frame), limits, unit(name) or title(name, language()), labels)
    st.vega_lite_chart(charts.themed(spec), alt=t("cells.kpi_alt", kpi=title(name, language())))
    st.caption(t("cells.coverage", share=share(frame["coverage"].mean()), n=int(frame["n"].sum())))


def experience(found: pd.Series, start: datetime, end: datetime) -> None:
    """Draw the bad share of the cell's users against the expected one, and their network index."""
    st.subheader(t("cells.experience"))
    frame = read(places.trend, "cell", found["cell_id"], "hour", start, end)
    if frame.empty:
        st.info(t("cells.no_experience"))
        return
    names = {"bad": t("cluster.bad"), "expected": t("cluster.expected")}
    clocked = on_the_clock(frame).rename(columns={"bad_ratio": "bad", "expected_ratio": "expected"})
    chart = charts.lines(clocked, names, time=t("column.time"), value="0-1", unit_domain=(0, 1))
    st.altair_chart(chart, alt=t("cells.experience_alt"))
    last = frame.iloc[-1]
    given = {
        "n": f"{int(frame['n'].sum()):,}",
        "bad": share(last["bad_ratio"]),
        "expected": share(last["expected_ratio"]),
    }
    st.caption(t("cells.experience_help", **given, at=moment(last["start"])))


def clusters(found: pd.Series) -> None:
    """List the clusters that touched the cell, each a click away."""
    st.subheader(t("cells.clusters"))
    frame = read(places.clusters_at, found["cell_id"], found["site_id"], found["region"])
    if frame.empty:
        st.write(t("cells.no_clusters"))
    for row in screens.rows(frame[:_CLUSTERS_SHOWN]):
        label = f"{moment(row['started_at'])} · {where(row['selector'])} · {word('domain', row['domain'])}"
        link("clusters", label, cluster=row["cluster_id"])


def alarms(found: pd.Series, start: datetime, end: datetime) -> None:
    """List the alarms of the cell, its object and its site."""
    st.subheader(t("cells.alarms"))
    names = tuple(name for name in (found["cell_id"], found["object_id"], found["site_id"]) if name)
    frame = read(places.alarms, names, start, end)
    if frame.empty:
        st.write(t("cells.no_alarms"))
        return
    shown = pd.DataFrame(
        {
            t("column.time"): frame["time"].map(moment),
            t("column.object"): frame["object_id"],
            t("column.alarm"): frame["alarm_condition"].fillna(""),
            t("column.severity"): frame["severity"].map(lambda name: word("severity", str(name).lower())),
            t("column.problem"): frame["specific_problem"].fillna(""),
            t("column.status"): frame["cleared"].map(lambda over: t("cells.cleared") if over else t("cells.raised")),
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("cells.alarms"))
