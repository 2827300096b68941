"""What people can do about an alert: acknowledge it, silence what is like it, declare it over."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from dashboards.access import database_role
from dashboards.acting import MAY_ACT, MOST_TEXT, done, form
from dashboards.page import moment, read, t
from store import alert_screens, screens
from store.masking import mask

Found = Mapping[str, Any]

HOURS = (1, 4, 12, 24, 72, 168)
ALIKE = ("subject", "rule")  # what a silence goes by


def bar(found: Found) -> None:
    """Show the buttons, to those who may act, as far as the alert's state allows."""
    if database_role() not in MAY_ACT or found["state"] == "resolved":
        return
    with st.container(horizontal=True):
        if found["state"] in ("firing", "silenced"):
            with form("acknowledge", t("act.acknowledge"), ":material/check:"):
                _acknowledge(found)
        if found["state"] == "acknowledged":
            with form("unacknowledge", t("act.unacknowledge"), ":material/undo:"):
                _simple("unacknowledge_alert", "act.unacknowledge", found)
        with form("silence", t("act.silence"), ":material/notifications_off:"):
            _silence(found)
        with form("resolve", t("act.resolve"), ":material/done_all:"):
            _simple("resolve_alert", "act.resolve", found)


def _acknowledge(found: Found) -> None:
    with st.form("acknowledge", border=False):
        comment = st.text_input(t("act.text"), max_chars=MOST_TEXT)
        hours = st.selectbox(t("act.until"), (None, *HOURS), format_func=_for)
        if st.form_submit_button(t("act.acknowledge"), type="primary"):
            until = None if hours is None else datetime.now(UTC) + timedelta(hours=hours)
            done("acknowledge_alert", found["alert_id"], mask(comment), until, said=comment)


def _simple(function: str, key: str, found: Found) -> None:
    with st.form(function, border=False):
        comment = st.text_input(t("act.text"), max_chars=MOST_TEXT)
        if st.form_submit_button(t(key), type="primary"):
            done(function, found["alert_id"], mask(comment), said=comment)


def _silence(found: Found) -> None:
    with st.form("silence", border=False):
        alike = st.selectbox(t("act.alike"), ALIKE, format_func=lambda name: t(f"act.alike_{name}", value=found[name]))
        hours = st.selectbox(t("act.until"), HOURS, index=HOURS.index(4), format_func=_for)
        comment = st.text_input(t("act.text"), max_chars=MOST_TEXT)
        if st.form_submit_button(t("act.silence"), type="primary"):
            now = datetime.now(UTC)
            matchers = json.dumps({alike: found[alike]})
            done("silence_alerts", matchers, now, now + timedelta(hours=hours), mask(comment), said=comment)


def _for(hours: int | None) -> str:
    return t("act.without_end") if hours is None else t("act.for_hours", n=hours)


def silences() -> None:
    """List the silences that go on, each with a button that ends it."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)  # by the minute: readings are remembered by what is asked
    found = screens.rows(read(alert_screens.silences, now))
    if not found:
        return
    st.subheader(t("alerts.silences"))
    for row in found:
        fits = ", ".join(f"{name} = {value}" for name, value in row["matchers"].items())
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            said = {"actor": row["actor"], "end": moment(row["ends_at"]), "comment": row["comment"]}
            st.text(t("alerts.silence", fits=fits, **said))
            if database_role() in MAY_ACT and st.button(t("act.end_silence"), key=f"_silence-{row['silence_id']}"):
                done("end_silence", row["silence_id"], t("act.end_silence"))
