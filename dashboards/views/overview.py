"""Experience now: the four dimensions over time, the worst groups, and the clusters that are open."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from dashboards import charts, filters
from dashboards.clusters_table import show as show_clusters
from dashboards.page import age, link, moment, on_the_clock, read, score, settings, share, t, word
from store import screens

INDICES = ("overall", "network", "device", "app", "service")
ATTRIBUTES = ("region", "site", "cell", "model", "app", "server", "core_node", "plan", "segment", "vip_level")
GRAINS = {"15m": timedelta(days=1), "hour": timedelta(days=4), "day": timedelta(days=60)}


def main() -> None:
    """Draw the screen."""
    st.title(t("overview.title"))
    newest = read(screens.newest)
    if newest is None:
        st.info(t("app.no_data"))
        return
    st.caption(t("app.as_of", time=moment(newest), zone=settings().time_zone, age=age(newest, datetime.now(UTC))))
    _now()
    _trend(newest)
    st.subheader(t("overview.open_clusters"))
    show_clusters(read(screens.clusters, None, None), empty=t("overview.no_clusters"))
    link("clusters", t("clusters.back"))
    _worst()
    with st.expander(t("overview.formula")):
        st.write(t("overview.formula_text"))


def _now() -> None:
    days = read(screens.trend, "day", None)
    if days.empty:
        return
    last, before = days.iloc[-1], days.iloc[-2] if len(days) > 1 else None
    for column, name in zip(st.columns(len(INDICES)), INDICES, strict=True):
        delta = None if before is None or pd.isna(before[name]) or pd.isna(last[name]) else last[name] - before[name]
        column.metric(
            t(f"dimension.{name}"), score(last[name]), None if delta is None else f"{delta:+.1f}", border=True
        )


def _trend(newest: datetime) -> None:
    st.subheader(t("overview.trend"))
    chosen = filters.buttons(
        t("overview.grain"), list(GRAINS), key="grain", named=lambda name: word("grain", name), default="hour"
    )
    frame = read(screens.trend, chosen, newest - GRAINS[chosen])
    names = {name: t(f"dimension.{name}") for name in INDICES}
    st.altair_chart(
        charts.lines(on_the_clock(frame), names, time=t("column.time"), value="0-100"), alt=t("overview.trend_alt")
    )


def _worst() -> None:
    st.subheader(t("overview.worst"))
    attribute = filters.attribute(t("overview.group_by"), ATTRIBUTES, key="by")
    st.caption(t("overview.worst_help", k=settings().k_anonymity))
    frame = read(screens.worst, attribute, 15)
    shown = pd.DataFrame(
        {
            t("column.value"): frame["value"],
            t("dimension.overall"): frame["overall"].map(score),
            t("column.interval"): [
                f"{score(lo)} - {score(hi)}" for lo, hi in zip(frame["lo"], frame["hi"], strict=True)
            ],
            **{t(f"dimension.{name}"): frame[name].map(score) for name in INDICES[1:]},
            t("column.bad_ratio"): frame["bad_ratio"].map(share),
            t("column.users"): frame["n_users"],
        }
    )
    st.dataframe(shown, hide_index=True)


main()
