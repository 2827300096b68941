"""Why a customer's day was as it was: who cost how much, what cost most, each session with place and reasons."""

import pandas as pd
import streamlit as st

from cemaphore.explaining import Explanation, Session
from cemaphore.wording import sentence, summed
from dashboards import charts
from dashboards.page import explained, language, moment, score, t, word

SEGMENTS = ("device", "radio", "transport_core", "server_app", "unexplained")
MOST_REASONS = 3  # of a session, in a table's cell


def show(key: int) -> None:
    """Draw the explanation of the customer's newest day, once it is asked for: it reads raw sessions again."""
    st.subheader(t("explain.title"))
    if not st.toggle(t("explain.ask"), key="explain"):
        return
    found = explained(key)
    if not found.sessions:
        st.info(t("explain.gone"))
    else:
        _bar(found)
    if found.reasons:
        st.markdown(f"**{t('explain.top')}**")
        st.markdown("\n".join(f"- {summed(language(), reason)}" for reason in found.reasons))
    if found.sessions:
        _timeline(found)


def _bar(found: Explanation) -> None:
    """Mean points lost by segment, against a healthy network and against what is usual."""
    rows = {t("explain.healthy"): found.mean}
    beside = [one.usual for one in found.sessions if one.usual is not None and not pd.isna(one.quality)]
    if beside:
        rows[t("explain.usual")] = {name: sum(one[name] for one in beside) / len(beside) for name in SEGMENTS}
    names = {name: t(f"segment.{name}") for name in SEGMENTS}
    shown = {label: points for label, points in rows.items() if points is not None}
    st.altair_chart(charts.stacked(shown, names, title=t("explain.bar")), alt=t("explain.bar_alt"))
    st.caption(t("explain.sessions", n=len(found.sessions)))


def _timeline(found: Explanation) -> None:
    st.dataframe(pd.DataFrame([_row(one) for one in found.sessions]), hide_index=True)


def _row(one: Session) -> dict[str, object]:
    reasons = [sentence(language(), reason) for reason in one.reasons[:MOST_REASONS]]
    return {
        t("column.time"): moment(one.listed["start_time"]),
        t("column.service"): word("service", one.listed["service"]),
        t("column.app"): one.listed["app"] or "",
        t("column.cell"): one.listed["cell"] or "",
        t("column.site"): one.places["site"] or "",
        t("column.quality"): score(one.quality),
        t("column.why"): " · ".join(reasons),
    }
