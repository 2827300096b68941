"""The parts of an alert's page: what fell how far, whom it hurts, the likely cause, its parts and its turns."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboards.page import count, link, moment, read, share, t, word
from store import alert_screens, screens

_CHILDREN = 100
SIGNS = {"critical": "▲", "warning": "◆", "info": "●"}


def severity(name: str) -> str:
    """Return a severity in words with its sign: never a colour alone."""
    return f"{SIGNS.get(name, '●')} {word('severity', name)}"


def subject(name: str) -> str:
    """Return what an alert is about, such as "Region: north"; a subject is "attribute=value" or "all"."""
    attribute, _, value = name.partition("=")
    return f"{word('attribute', attribute)}: {value}" if value else word("attribute", attribute)


def figure(value: float | None) -> str:
    """Return a figure of an alert, which may be points or a ratio."""
    return t("app.not_enough") if value is None or pd.isna(value) else f"{value:,.4g}"


def users(value: float | None) -> str:
    """Return a number of users; nothing where an alert counts none."""
    return "" if value is None or pd.isna(value) else count(value)


def head(found: dict[str, Any]) -> None:
    """Show the alert with its figures, its likely cause, and the ways on."""
    detail = found["detail"] or {}
    st.title(subject(found["subject"]))
    state = word("alert_state", found["state"])
    st.caption(t("alerts.line", severity=severity(found["severity"]), state=state, rule=found["rule"]))
    figures = {
        t("column.value_now"): figure(found["value"]),
        t("column.expected"): figure(found["expected"]),
        t("column.users"): users(found["users"]) or t("app.none"),
    }
    times = {name: moment(found[f"{name}_at"]) for name in ("fired", "resolved")}
    st.caption(" · ".join(f"{t(f'alerts.{name}')}: {at}" for name, at in times.items()))
    for column, (name, value) in zip(st.columns(len(figures)), figures.items(), strict=True):
        column.metric(name, value, border=True)
    if detail.get("lo") is not None and detail.get("hi") is not None:
        st.caption(t("alerts.interval", lo=figure(detail["lo"]), hi=figure(detail["hi"])))
    if detail.get("domain"):
        sure = "" if detail.get("certainty") is None else f" ({share(detail['certainty'])})"
        st.info(t("alerts.cause", domain=word("domain", detail["domain"]) + sure))
    if found["acknowledged_by"]:
        given = {"actor": found["acknowledged_by"], "at": moment(found["acknowledged_at"])}
        st.success(t("act.acknowledged_by", **given) + f" {found['acknowledged_comment'] or ''}")
    _ways(found)


def _ways(found: dict[str, Any]) -> None:
    attribute, _, value = found["subject"].partition("=")
    if found["cluster_id"]:
        link("clusters", t("clusters.open_one"), cluster=found["cluster_id"])
    if attribute == "cell":
        link("cells", t("map.cell", cell=value), cell=value)
    if attribute in ("model", "app", "server", "core_node"):
        link("rankings", t("overview.look_at", value=value), **{attribute: value})
    if found["parent_id"]:
        link("alerts", t("alerts.parent"), alert=found["parent_id"])


def children(alert_id: str) -> None:
    """List the alerts that are part of this one."""
    st.subheader(t("alerts.children"))
    frame = read(alert_screens.children, alert_id, _CHILDREN)
    if frame.empty:
        st.write(t("alerts.no_children"))
        return
    shown = pd.DataFrame(
        {
            t("alerts.subject"): frame["subject"].map(subject),
            t("column.severity"): frame["severity"].map(severity),
            t("column.status"): frame["state"].map(lambda name: word("alert_state", name)),
            t("column.value_now"): frame["value"].map(figure),
            t("column.expected"): frame["expected"].map(figure),
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("alerts.children"))


def turns(alert_id: str) -> None:
    """List the turns of the alert: who or what did what, when, and whether it was told."""
    st.subheader(t("alerts.turns"))
    turned = screens.rows(read(alert_screens.changes, alert_id))
    shown = pd.DataFrame(
        {
            t("column.time"): [moment(row["at"]) for row in turned],
            t("column.status"): [word("alert_state", row["state"]) for row in turned],
            t("column.severity"): ["" if not row["severity"] else severity(row["severity"]) for row in turned],
            t("column.who"): [row["actor"] for row in turned],
            t("column.comment"): [row["comment"] or "" for row in turned],
            t("alerts.told"): [t("app.yes") if row["told"] else t("app.no") for row in turned],
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("alerts.turns"))
