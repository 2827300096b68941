"""One customer's days: the four dimensions with the clusters that hit them, and experience beside expectation."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from dashboards import care_charts, local_days
from dashboards.explained_number import marked
from dashboards.page import link, moment, read, score, share, t, word
from store import care

DIMENSIONS = ("network", "device", "app", "service")


def show(days: pd.DataFrame, clusters: pd.DataFrame) -> None:
    """Draw the indices by the operator's days; days without a figure are gaps, windows of clusters are shaded."""
    st.subheader(t("customer.trend"))
    names = {name: t(f"dimension.{name}") for name in ("overall", *DIMENSIONS)}
    noon = local_days.on_the_clock(days).assign(start=lambda rows: rows["start"] + timedelta(hours=12))
    st.altair_chart(
        care_charts.days(
            noon,
            names,
            spans(clusters, local_days.zone()),
            time=t("column.time"),
            label="0-100",
            shaded=t("customer.shaded"),
        ),
        alt=t("customer.trend_alt"),
    )
    st.caption(t("customer.trend_help"))


def spans(
    clusters: pd.DataFrame, on: ZoneInfo, start: datetime | None = None, end: datetime | None = None
) -> pd.DataFrame:
    """Return the windows of clusters on the clock of that zone as `start`, `end`, `what`, cut to [start, end)."""
    ended = clusters["ended_at"].fillna(pd.Timestamp(datetime.now(UTC)))
    frame = pd.DataFrame(
        {
            "start": pd.to_datetime(clusters["started_at"], utc=True),
            "end": pd.to_datetime(ended, utc=True),
            "what": clusters["domain"].map(lambda name: word("domain", name)),
        }
    )
    if start is not None and end is not None:
        frame = frame[(frame["start"] < end) & (frame["end"] > start)]
        frame = frame.assign(
            start=frame["start"].where(frame["start"] > start, start), end=frame["end"].where(frame["end"] < end, end)
        )
    return frame.assign(start=local_days.clock(frame["start"], on), end=local_days.clock(frame["end"], on))


def expected(day: Mapping[str, Any], period: pd.Series | None, who: dict[str, Any] | None) -> None:
    """Show the day beside what is usual for this customer, and beside others like them on the same day."""
    st.subheader(t("customer.expected"))
    rows = [(t("customer.this_day", day=local_days.name_of(day["start"])), day["overall"], day["lo"], day["hi"], None)]
    if period is not None:
        name = t("customer.own_usual", days=period["days"])
        rows.append((name, period["overall"], period["lo"], period["hi"], None))
    known = tuple((name, who[name]) for name in ("plan", "segment", "vip_level") if who and who[name])
    peers = read(care.peers, day["start"], known)
    for one in peers.to_dict("records"):
        name = (
            t("customer.all_others")
            if one["attribute"] == "all"
            else f"{word('attribute', one['attribute'])}: {one['value']}"
        )
        rows.append((name, one["overall"], one["lo"], one["hi"], one["n_users"]))
    shown = pd.DataFrame(
        {
            t("customer.compared"): [row[0] for row in rows],
            t("dimension.overall"): [marked(row[1]) for row in rows],
            t("column.interval"): ["" if pd.isna(row[2]) else f"{score(row[2])} - {score(row[3])}" for row in rows],
            t("column.users"): ["" if row[4] is None else f"{row[4]:,}" for row in rows],
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("customer.expected"))
    st.caption(_verdict(day, period))


def _verdict(day: Mapping[str, Any], period: pd.Series | None) -> str:
    if period is None or pd.isna(day["overall"]) or pd.isna(period["overall"]):
        return t("customer.no_usual")
    if day["hi"] < period["lo"]:
        return t("customer.below_usual")
    return t("customer.above_usual") if day["lo"] > period["hi"] else t("customer.as_usual")


def why(clusters: pd.DataFrame) -> None:
    """List the clusters that hit the customer: what, since when, how often they were hurt."""
    st.subheader(t("customer.clusters"))
    if clusters.empty:
        st.write(t("customer.no_clusters"))
        return
    for one in clusters.to_dict("records"):
        link("clusters", f"**{word('domain', one['domain'])}** {_window(one)}", cluster=one["cluster_id"])
        sure = (
            t("customer.not_sure") if pd.isna(one["certainty"]) else t("customer.sure", share=share(one["certainty"]))
        )
        st.caption(f"{t('customer.hit', bad=one['bad'], n=one['n'])} {sure}")
    st.caption(t("customer.clusters_help"))


def _window(one: dict[Any, Any]) -> str:
    start = moment(one["started_at"])
    if pd.isna(one["ended_at"]):
        return t("customer.since", start=start)
    end = moment(one["ended_at"])
    return f"{start} - {end.removeprefix(start[:11])}"
