"""Alerts: what fires and what was, and one with its figures, its parts, its turns and what can be done about it."""

import pandas as pd
import streamlit as st

from dashboards import alert_actions, alert_page, exports, filters
from dashboards.page import moment, read, t, word
from store import alert_screens

SCOPES = ("open", "resolved", "all")
_LISTED = 300
REFRESH_S = 60


def main() -> None:
    """Draw the list, or the alert that the URL names (`?alert=ID`)."""
    wanted = st.query_params.get("alert")
    if wanted is None:
        st.title(t("alerts.title"))
        _list()
        alert_actions.silences()
    else:
        _one(wanted)


@st.fragment(run_every=REFRESH_S)
def _list() -> None:
    scope = filters.buttons(t("clusters.show"), SCOPES, key="scope", named=lambda name: t(f"alerts.scope.{name}"))
    frame = read(alert_screens.alerts, scope, _LISTED)
    if frame.empty:
        (st.success if scope == "open" else st.info)(t(f"alerts.none_{scope}"))
        return
    shown = pd.DataFrame(
        {
            t("column.severity"): frame["severity"].map(alert_page.severity),
            t("column.status"): frame["state"].map(lambda name: word("alert_state", name)),
            t("alerts.subject"): frame["subject"].map(alert_page.subject),
            t("alerts.rule"): frame["rule"],
            t("column.value_now"): frame["value"].map(alert_page.figure),
            t("column.expected"): frame["expected"].map(alert_page.figure),
            t("column.users"): frame["users"].map(alert_page.users),
            t("alerts.children"): frame["children"],
            t("alerts.owner"): frame["owner"].fillna(""),
            t("alerts.fired"): frame["fired_at"].map(moment),
            t("alerts.resolved"): frame["resolved_at"].map(moment),
        }
    )
    ids = frame["alert_id"].tolist()
    st.caption(t("alerts.pick"))
    event = st.dataframe(
        shown, hide_index=True, on_select="rerun", selection_mode="single-row", key="alerts", alt=t("alerts.title")
    )
    exports.offer(frame, "alerts")
    rows = event["selection"]["rows"]
    if rows and rows[0] < len(ids):
        filters.put("alert", ids[rows[0]])
        st.rerun()


def _one(alert_id: str) -> None:
    if st.button(t("alerts.back"), icon=":material/arrow_back:"):
        filters.put("alert", None)
        st.rerun()
    found = read(alert_screens.alert, alert_id)
    if found is None:
        st.warning(t("alerts.unknown", id=alert_id))
        return
    alert_page.head(found)
    alert_actions.bar(found)
    left, right = st.columns(2)
    with left:
        alert_page.children(alert_id)
    with right:
        alert_page.turns(alert_id)


main()
