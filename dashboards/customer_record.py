"""What else is on record of one customer: complaints with their links, touchpoints, answers to surveys, bad days."""

from datetime import datetime

import pandas as pd
import streamlit as st

from dashboards.explained_number import marked
from dashboards.page import address, look, moment, share, t, word
from store import care


def complaints(key: int) -> None:
    """List the customer's complaints, with class, likeliest cause and how much nothing explains."""
    frame = look(care.complaints, key)
    if frame.empty:
        st.write(t("customer.no_complaints"))
        return
    opened = [
        address("complaints", complaint=name, source=source)
        for name, source in zip(frame["complaint_id"], frame["source"], strict=True)
    ]
    shown = pd.DataFrame(
        {
            t("column.time"): frame["created_at"].map(moment),
            t("column.topic"): frame["topic"].map(lambda name: word("topic", name) if name else t("app.none")),
            t("column.text"): frame["text"].fillna(""),
            t("column.status"): frame["status"].map(lambda name: word("status", name) if name else ""),
            t("column.cause"): frame["cluster_id"].fillna(""),
            t("column.probability"): frame["probability"].map(lambda value: "" if pd.isna(value) else share(value)),
            t("column.unexplained"): frame["unexplained"].map(share),
            t("column.id"): opened,
        }
    )
    link = st.column_config.LinkColumn(display_text=r"complaint=([^&]+)")
    st.dataframe(shown, hide_index=True, column_config={t("column.id"): link}, alt=t("customer.complaints"))


def touchpoints(key: int, start: datetime, end: datetime) -> None:
    """List the customer's contacts with the operator in [start, end)."""
    frame = look(care.touchpoints, key, start, end)
    if frame.empty:
        st.write(t("customer.no_touchpoints"))
        return
    shown = pd.DataFrame(
        {
            t("column.time"): frame["time"].map(moment),
            t("column.channel"): frame["channel"].map(lambda name: word("channel", name) if name else ""),
            t("customer.activity"): frame["activity"].map(lambda name: word("activity", name) if name else ""),
            t("customer.wait"): frame["wait_s"].map(_seconds),
            t("customer.handled"): frame["handle_s"].map(_seconds),
            t("customer.settled"): frame["success"].map({True: t("app.yes"), False: t("app.no")}).fillna(""),
            t("customer.transfers"): frame["transfers"].map(_whole),
            t("customer.rating"): frame["rating"].map(_whole),
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("customer.touchpoints"))


def answers(key: int) -> None:
    """List the customer's answers to surveys: beside the indices, never part of them."""
    frame = look(care.answers, key)
    if frame.empty:
        st.write(t("customer.no_answers"))
        return
    shown = pd.DataFrame(
        {
            t("column.time"): frame["time"].map(moment),
            t("surveys.kind"): frame["kind"].map(lambda name: word("survey", name)),
            t("surveys.answer"): frame["score"].map(_whole),
            t("column.text"): frame["text"].fillna(""),
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("customer.answers"))
    st.caption(t("customer.answers_help"))


def bad_days(periods: pd.DataFrame) -> None:
    """Show how many of the trailing days were bad, how long in a row, and how lately."""
    if periods.empty:
        st.write(t("app.not_enough"))
        return
    shown = pd.DataFrame(
        {
            t("customer.period"): periods["days"],
            t("dimension.overall"): periods["overall"].map(marked),
            t("customer.known_days"): periods["known_days"].astype("Int64"),
            t("customer.bad_days"): periods["bad_days"].astype("Int64"),
            t("customer.longest_bad_run"): periods["longest_bad_run"].astype("Int64"),
            t("customer.days_since_bad"): periods["days_since_bad"].map(_whole_or_none),
            t("customer.persistence"): periods["persistence"].map(share),
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("customer.bad_days"))
    st.caption(t("customer.bad_days_help"))


def _whole(value: float | None) -> str:
    return "" if value is None or pd.isna(value) else f"{int(value)}"


def _whole_or_none(value: float | None) -> str:
    return _whole(value) or t("app.none")


def _seconds(value: float | None) -> str:
    return "" if value is None or pd.isna(value) else t("unit.seconds", n=f"{value:.0f}")
