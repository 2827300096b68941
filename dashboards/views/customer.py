"""One customer: the four dimensions over time, what limits them, their sessions, complaints and clusters."""

import pandas as pd
import streamlit as st

from dashboards import charts, explained_number
from dashboards.clusters_table import show as show_clusters
from dashboards.explanation import show as show_explanation
from dashboards.page import look, moment, on_the_clock, read, score, share, t, word
from store import numbers, screens

DIMENSIONS = ("network", "device", "app", "service")


def main() -> None:
    """Draw the customer whom the URL names (`?customer=KEY`), or a way to choose one."""
    st.title(t("customer.title"))
    key = _chosen()
    if key is None:
        st.info(t("customer.enter"))
        return
    days = look(screens.customer_days, key)
    if days.empty:
        st.warning(t("customer.unknown", key=key))
        return
    last = days.iloc[-1]
    _now(key, last)
    left, right = st.columns([3, 2])
    with left:
        st.subheader(t("customer.trend"))
        names = {name: t(f"dimension.{name}") for name in ("overall", *DIMENSIONS)}
        st.altair_chart(
            charts.lines(on_the_clock(days), names, time=t("column.time"), value="0-100"), alt=t("customer.trend_alt")
        )
    with right:
        _contributions(last)
    _bad_days(key)
    _clusters_and_complaints(key)
    show_explanation(key)
    _sessions(key, last)


def _chosen() -> int | None:
    typed = st.text_input(t("customer.key"), help=t("customer.key_help"), key="customer", bind="query-params")
    if typed:
        if typed.isascii() and typed.isdigit() and int(typed) < 2**63:
            return int(typed)
        st.warning(t("customer.unknown", key=typed))
        st.stop()
    hurt = read(screens.hurt_customers, st.query_params.get("cluster"), 50)
    picked = st.selectbox(t("customer.pick"), hurt, index=None, placeholder=t("app.none"))
    return picked


def _now(key: int, last: pd.Series) -> None:
    found = look(numbers.customer_day, key, last["start"])
    assert found is not None  # `last` is one of these days
    for column, name in zip(st.columns(5), ("overall", *DIMENSIONS), strict=True):
        with column:
            explained_number.show(t(f"dimension.{name}"), explained_number.customer(found, name), key=name)
    limiting = t("app.none") if pd.isna(last["limiting"]) else t(f"dimension.{last['limiting']}")
    st.caption(f"**{t('customer.limiting')}: {limiting}.**")


def _contributions(last: pd.Series) -> None:
    st.subheader(t("customer.contributions"))
    values = {name: last[f"{name}_c"] for name in (*DIMENSIONS, "prior") if not pd.isna(last[f"{name}_c"])}
    if not values:
        st.write(t("app.not_enough"))
        return
    names = {name: t(f"dimension.{name}") for name in values}
    st.altair_chart(charts.bars(values, names, title=t("customer.points")), alt=t("customer.contributions_alt"))


def _bad_days(key: int) -> None:
    st.subheader(t("customer.bad_days"))
    frame = look(screens.customer_periods, key)
    shown = pd.DataFrame(
        {
            t("customer.period"): frame["days"],
            t("dimension.overall"): frame["overall"].map(score),
            t("customer.known_days"): frame["known_days"].astype("Int64"),
            t("customer.bad_days"): frame["bad_days"].astype("Int64"),
            t("customer.longest_bad_run"): frame["longest_bad_run"].astype("Int64"),
            t("customer.days_since_bad"): frame["days_since_bad"].map(
                lambda days: t("app.none") if pd.isna(days) else f"{int(days)}"
            ),
            t("customer.persistence"): frame["persistence"].map(share),
        }
    )
    st.dataframe(shown, hide_index=True)
    st.caption(t("customer.bad_days_help"))


def _clusters_and_complaints(key: int) -> None:
    left, right = st.columns(2)
    with left:
        st.subheader(t("customer.clusters"))
        show_clusters(look(screens.customer_clusters, key), empty=t("app.none"))
    with right:
        st.subheader(t("customer.complaints"))
        frame = look(screens.customer_complaints, key)
        shown = pd.DataFrame(
            {
                t("column.time"): frame["created_at"].map(moment),
                t("column.category"): frame["category"].fillna(""),
                t("column.text"): frame["text"].fillna(""),
                t("column.status"): frame["status"].fillna(""),
            }
        )
        st.dataframe(shown, hide_index=True)


def _sessions(key: int, last: pd.Series) -> None:
    st.subheader(t("customer.sessions"))
    frame = look(screens.customer_sessions, key, last["start"], what="timeline")
    shown = pd.DataFrame(
        {
            t("column.time"): frame["start_time"].map(moment),
            t("column.service"): frame["service"].map(lambda name: word("service", name)),
            t("column.app"): frame["app"].fillna(""),
            t("column.cell"): frame["cell_id"].fillna(""),
            t("column.success"): frame["success"],
            t("column.reason"): frame["failure_cause"].fillna(""),
        }
    )
    st.dataframe(shown, hide_index=True)


main()
