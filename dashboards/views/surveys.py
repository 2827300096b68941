"""Surveys beside indices: what customers answered, and the index that the same ones had that day; never merged."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboards import care_charts, exports, filters, local_days
from dashboards.explained_number import marked
from dashboards.page import read, score, settings, t, word
from store import surveys

_ATTRIBUTES = ("all", "segment", "vip_level", "plan")
_WEEKS = 26
SMALL = 30  # below so many answers a mean moves by more than most changes worth seeing (own)


def main() -> None:
    """Draw the screen."""
    st.title(t("surveys.title"))
    kinds = read(surveys.kinds)
    if not kinds:
        st.info(t("surveys.none", k=settings().k_anonymity))
        return
    left, right = st.columns(2)
    with left:
        kind = filters.buttons(t("surveys.kind"), kinds, key="kind", named=lambda name: word("survey", name))
    with right:
        attribute = filters.attribute(t("overview.group_by"), _ATTRIBUTES, key="by")
    st.caption(t("surveys.beside"))
    frame = read(surveys.weeks, attribute, kind, _WEEKS)
    if frame.empty:
        st.info(t("surveys.none", k=settings().k_anonymity))
        return
    answer = "balance" if kind == "nps" else "mean"
    if attribute == "all":
        _charts(frame, kind, answer)
    _table(frame, kind, answer, grouped=attribute != "all")
    if (frame["answers"] < SMALL).any():
        st.warning(t("surveys.small", n=SMALL))
    if (frame["versions"] > 1).any():
        st.warning(t("surveys.versions"))
    st.caption(t(f"surveys.{kind}_help"))
    st.caption(t("surveys.index_help", k=settings().k_anonymity))


def _charts(frame: pd.DataFrame, kind: str, answer: str) -> None:
    """One above the other over the same weeks, each with a scale of its own: they are never merged."""
    weeks = frame["start"].map(local_days.name_of)
    for column, label, colour in ((answer, word("survey", kind), "service"), ("index", t("surveys.index"), "network")):
        half = frame[f"{column}_half"].fillna(0)
        value = frame[column]
        shown = pd.DataFrame({"week": weeks, "value": value, "lo": value - half, "hi": value + half}).iloc[::-1]
        st.subheader(label)
        chart = care_charts.weekly(shown, time=t("surveys.week"), label="", colour=colour)
        st.altair_chart(chart, alt=t("surveys.alt", name=label))


def _table(frame: pd.DataFrame, kind: str, answer: str, *, grouped: bool) -> None:
    week = {t("surveys.week"): frame["start"].map(local_days.name_of)}
    group = {t("column.value"): frame["value"]} if grouped else {}
    digits = "{:+.0f}" if kind == "nps" else "{:.1f}"
    shown = pd.DataFrame(
        {
            **week,
            **group,
            word("survey", kind): [_within(row, answer, digits) for row in frame.to_dict("records")],
            t("surveys.answers"): [_answers(number) for number in frame["answers"]],
            t("surveys.index"): frame["index"].map(marked),
            t("column.interval"): [_interval(row) for row in frame.to_dict("records")],
            t("surveys.indexed"): frame["indexed"].map(lambda n: t("app.not_enough") if pd.isna(n) else f"{int(n):,}"),
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("surveys.title"))
    exports.offer(frame, f"surveys-{kind}", key="surveys")


def _within(row: dict[Any, Any], answer: str, digits: str) -> str:
    value, half = row[answer], row[f"{answer}_half"]
    return digits.format(value) if pd.isna(half) else f"{digits.format(value)} ± {digits.format(half).lstrip('+')}"


def _answers(number: int) -> str:
    return f"{number:,}" if number >= SMALL else t("surveys.few", n=number)


def _interval(row: dict[Any, Any]) -> str:
    if pd.isna(row["index"]) or pd.isna(row["index_half"]):
        return ""
    return f"{score(row['index'] - row['index_half'])} - {score(min(row['index'] + row['index_half'], 100.0))}"


main()
