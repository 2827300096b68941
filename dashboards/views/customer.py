"""One customer: how their service was and why, what to tell them, and all that is on record; found by pseudonym."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import (
    customer_record,
    customer_replay,
    customer_search,
    customer_trend,
    explained_number,
    filters,
    local_days,
)
from dashboards.messages import LANGUAGES
from dashboards.page import language, look, t
from dashboards.plain_words import Day, Disturbance, told
from store import care, numbers, screens

Found = Mapping[str, Any]

_DAYS = 60  # shown of a customer (own): two months of daily points are read at a glance
_UNMEASURED: Found = {"n": 0, "bad": 0, "overall": None, "lo": None, "hi": None, "limiting": None}
_LOOK_BACK = timedelta(days=7)  # clusters that ended longer before the day are not told (own)


def main() -> None:
    """Draw the customer whom the URL names (`?customer=KEY`, `&day=2026-03-09`), or a way to choose one."""
    st.title(t("customer.title"))
    key = customer_search.chosen()
    if key is None:
        st.info(t("customer.enter"))
        return
    days = look(care.days, key, _DAYS)
    who = look(care.profile, key)
    _who(who)
    customer_search.reveal(key)
    start = _day(days)
    end = local_days.end_of(start)
    day = look(numbers.customer_day, key, start) or {"start": start, **_UNMEASURED}
    measured = days["n"].notna().any()
    clusters = look(care.clusters, key, start - _LOOK_BACK)
    clusters = clusters[pd.to_datetime(clusters["started_at"], utc=True) < end]
    _now(day)
    left, right = st.columns(2)
    with left:
        _tell(clusters, day)
    with right:
        customer_trend.why(clusters)
    if measured:
        customer_trend.show(days, look(care.clusters, key, days["start"].iloc[0]))
    else:
        st.info(t("customer.never_measured", days=_DAYS))
    periods = look(screens.customer_periods, key)
    customer_trend.expected(day, None if periods.empty else periods.iloc[-1], who)
    _record(key, start, end, clusters, periods)


def _who(who: dict[str, Any] | None) -> None:
    if who is None:
        st.caption(t("customer.no_profile"))
        return
    known = {name: t("app.none") if pd.isna(value) else value for name, value in who.items()}
    st.caption(t("customer.profile", **known))


def _day(days: pd.DataFrame) -> datetime:
    """The day to look at: of the URL, measured or not, else the newest that the customer was seen on."""
    seen: dict[str, datetime] = {local_days.name_of(start): start for start in days.dropna(subset=["n"])["start"]}
    asked = local_days.start_of(st.query_params.get("day", ""))
    if asked is not None:
        seen.setdefault(local_days.name_of(asked), asked)
    if not seen:
        newest: datetime = local_days.today() if days.empty else days["start"].iloc[-1]
        return newest
    names = sorted(seen, reverse=True)
    return seen[filters.listed(t("customer.day"), names, key="day", always=True)]


def _now(day: Found) -> None:
    if not day["n"]:
        st.warning(t("customer.unmeasured", day=local_days.name_of(day["start"])))
        return
    names = ("overall", *customer_trend.DIMENSIONS)
    for column, name in zip(st.columns(len(names)), names, strict=True):
        with column:
            explained_number.show(t(f"dimension.{name}"), explained_number.customer(day, name), key=name)
    limiting = t("app.none") if day["limiting"] is None else t(f"dimension.{day['limiting']}")
    st.markdown(t("customer.in_short", limiting=limiting, bad=int(day["bad"]), n=int(day["n"])))


def _tell(clusters: pd.DataFrame, day: Found) -> None:
    """What to tell the customer, first in the reader's language, and in the other one beside it."""
    st.subheader(t("tell.title"))
    disturbances = [
        Disturbance(
            domain=one["domain"],
            certainty=1.0 if one["confirmed"] else None if pd.isna(one["certainty"]) else one["certainty"],
            started_at=one["started_at"],
            ended_at=None if pd.isna(one["ended_at"]) else one["ended_at"],
            bad=one["bad"],
            taken=one["taken"],
        )
        for one in clusters.to_dict("records")
    ]
    seen = Day(start=day["start"], n=int(day["n"]), bad=int(day["bad"]), limiting=day["limiting"])
    languages = sorted(LANGUAGES, key=lambda name: name != language())
    for tab, name in zip(st.tabs([LANGUAGES[name] for name in languages]), languages, strict=True):
        tab.code(told(name, disturbances, seen, local_days.zone()), language=None, wrap_lines=True)
    st.caption(t("tell.help"))


def _record(key: int, start: datetime, end: datetime, clusters: pd.DataFrame, periods: pd.DataFrame) -> None:
    st.subheader(t("customer.record"))
    names = ("sessions", "complaints", "touchpoints", "answers", "bad_days")
    tabs = dict(zip(names, st.tabs([t(f"customer.{name}") for name in names]), strict=True))
    with tabs["sessions"]:
        customer_replay.show(key, start, end, clusters)
    with tabs["complaints"]:
        customer_record.complaints(key)
    with tabs["touchpoints"]:
        customer_record.touchpoints(key, start - _LOOK_BACK, end)
    with tabs["answers"]:
        customer_record.answers(key)
    with tabs["bad_days"]:
        customer_record.bad_days(periods)


main()
