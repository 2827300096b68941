"""Why a customer's day was as it was: whose fault each session is, and what cost most."""

import pandas as pd
import streamlit as st

from cemaphore.explaining import Explanation, Session
from cemaphore.wording import sentence, summed
from dashboards import charts
from dashboards.page import language, t

SEGMENTS = ("device", "radio", "transport_core", "server_app", "unexplained")
MOST_REASONS = 3  # of a session, in a table's cell


def summary(found: Explanation) -> None:
    """Draw the mean points lost by segment and the reasons that cost the day most."""
    if not found.sessions:
        st.info(t("explain.gone"))
    else:
        _bar(found)
    if found.reasons:
        st.markdown(f"**{t('explain.top')}**")
        st.markdown("\n".join(f"- {summed(language(), reason)}" for reason in found.reasons))


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


def reasons(one: Session) -> str:
    """Return the costliest reasons of a session as sentences."""
    return " · ".join(sentence(language(), reason) for reason in one.reasons[:MOST_REASONS])


def limiting(one: Session) -> str:
    """Return the segment that cost a session most, in words; nothing where it lost less than a point."""
    worst = max(SEGMENTS, key=lambda name: 0.0 if pd.isna(one.points[name]) else one.points[name])
    lost = one.points[worst]
    return "" if pd.isna(lost) or lost < 1.0 else f"{t(f'segment.{worst}')} (−{lost:.0f})"
