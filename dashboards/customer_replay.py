"""One customer's day replayed: sessions on a timeline by place, on a small map, and in a list with their reasons."""

from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import care_charts, explanation, local_days
from dashboards.customer_trend import spans
from dashboards.explained_number import SYMBOLS, marked, state
from dashboards.page import explained, look, moment, t, word, zone
from store import care

_STATES = ("bad", "middling", "good", "unknown")


def show(key: int, start: datetime, end: datetime, clusters: pd.DataFrame) -> None:
    """Draw the sessions of [start, end); rated and explained once that is asked for, as it reads the hours again."""
    sessions = look(care.replay, key, start, end)
    if sessions.empty:
        st.info(t("customer.no_sessions"))
        return
    asked = st.toggle(t("explain.ask"), key="explain", bind="query-params", help=t("explain.help"))
    rated = {}
    if asked:
        found = explained(key, start)
        explanation.summary(found)
        rated = {(one.listed["source"], one.listed["session_id"]): one for one in found.sessions}
    frame = _frame(sessions, rated)
    states = _states(rated=bool(rated))
    left, right = st.columns([3, 1])
    with left:
        chart = care_charts.replay(
            frame,
            states,
            spans(clusters, zone(), start, end),
            time=t("column.time"),
            place=t("customer.place"),
            told={"service": t("column.service"), "app": t("column.app"), "said": t("column.quality")},
        )
        st.altair_chart(chart, alt=t("customer.replay_alt"))
    with right:
        _map(frame, states)
    st.caption(t("customer.replay_help"))
    _list(frame, rated=bool(rated))


def _states(*, rated: bool) -> dict[str, str]:
    """Labels of states; sessions that are not rated here only failed or came through."""
    if rated:
        return {name: f"{SYMBOLS[name]} {t(f'number.{name}')}" for name in _STATES}
    return {"bad": f"{SYMBOLS['bad']} {t('customer.failed')}", "unknown": f"{SYMBOLS['unknown']} {t('customer.came')}"}


def _frame(sessions: pd.DataFrame, rated: dict[tuple[str, str], Any]) -> pd.DataFrame:
    ones = [rated.get(name) for name in zip(sessions["source"], sessions["session_id"], strict=True)]
    failed = ~sessions["success"].astype(bool) | sessions["dropped"].fillna(False).astype(bool)
    qualities = [None if one is None else one.quality for one in ones]
    if rated:
        states = [state(quality) for quality in qualities]
        said = [marked(quality) for quality in qualities]
    else:
        states = ["bad" if each else "unknown" for each in failed]
        said = [t("customer.failed" if each else "customer.came") for each in failed]
    site = sessions["site"].fillna("")
    return pd.DataFrame(
        {
            "start": local_days.clock(sessions["start_time"], zone()),
            "at": sessions["start_time"],
            "order": range(len(sessions)),
            "place": [f"{a} / {b}" if a and b else b or a or t("app.none") for a, b in
                      zip(site, sessions["cell_id"].fillna(""), strict=True)],
            "site": site,
            "lat": sessions["lat"],
            "lon": sessions["lon"],
            "service": sessions["service"].map(lambda name: word("service", name)),
            "app": sessions["app"].fillna(""),
            "state": states,
            "said": said,
            "failure": sessions["failure_cause"].fillna(""),
            "limiting": ["" if one is None else explanation.limiting(one) for one in ones],
            "why": ["" if one is None else explanation.reasons(one) for one in ones],
        }
    )  # fmt: skip


def _map(frame: pd.DataFrame, states: dict[str, str]) -> None:
    known = frame.dropna(subset=["lat", "lon"])
    if known.empty:
        st.write(t("customer.no_places"))
        return
    told = {"site": t("column.site"), "start": t("column.time"), "said": t("column.quality")}
    chart = care_charts.places(known[["lat", "lon", "site", "state", "order", "start", "said"]], states, told=told)
    st.altair_chart(chart, alt=t("customer.map_alt"))


def _list(frame: pd.DataFrame, *, rated: bool) -> None:
    """The twin of chart and map in words."""
    shown = {
        t("column.time"): frame["at"].map(moment),
        t("column.service"): frame["service"],
        t("column.app"): frame["app"],
        t("customer.place"): frame["place"],
        t("column.quality"): frame["said"],
    }
    if rated:
        shown |= {t("customer.segment"): frame["limiting"], t("column.why"): frame["why"]}
    else:
        shown |= {t("column.reason"): frame["failure"]}
    st.dataframe(pd.DataFrame(shown), hide_index=True, alt=t("customer.sessions"))
