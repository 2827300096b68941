"""What people can do about a cluster: acknowledge it, give it to somebody, comment, confirm or correct its cause."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from dashboards.access import database_role
from dashboards.acting import MAY_ACT, MOST_TEXT, done, form
from dashboards.page import moment, read, t, word
from store import cluster_screens, screens
from store.masking import mask

Found = Mapping[str, Any]

DOMAINS = (
    *("ran_coverage", "ran_capacity", "ran_interference", "transport", "core", "device", "app", "server"),
    *("service_touchpoint", "unknown"),
)


def bar(found: Found) -> None:
    """Say in whose hands the cluster is and show the buttons, to those who may act."""
    cluster_id = found["cluster_id"]
    _hands(cluster_id)
    if database_role() not in MAY_ACT:
        return
    with st.container(horizontal=True):
        with form("acknowledge", t("act.acknowledge"), ":material/check:"):
            _acknowledge(cluster_id)
        with form("assign", t("act.assign"), ":material/person_add:"):
            _assign(cluster_id)
        with form("comment", t("act.comment"), ":material/comment:"):
            _comment(cluster_id)
        with form("judge", t("act.judge"), ":material/gavel:"):
            _judge(found)


def _hands(cluster_id: str) -> None:
    hands = {row["kind"]: row for row in screens.rows(read(cluster_screens.cluster_hands, cluster_id))}
    said = []
    if "acknowledged" in hands:
        row = hands["acknowledged"]
        said.append(t("act.acknowledged_by", actor=row["actor"], at=moment(row["at"])))
    if "assigned" in hands:
        row = hands["assigned"]
        said.append(t("act.assigned_to", assignee=row["assignee"], actor=row["actor"], at=moment(row["at"])))
    if said:
        st.success(" ".join(said), icon=":material/handshake:")
    else:
        st.warning(t("act.nobody"), icon=":material/front_hand:")


def _acknowledge(cluster_id: str) -> None:
    with st.form("acknowledge", border=False, clear_on_submit=True):
        note = st.text_input(t("act.note"), max_chars=MOST_TEXT)
        if st.form_submit_button(t("act.acknowledge"), type="primary"):
            done("acknowledge_cluster", cluster_id, mask(note))


def _assign(cluster_id: str) -> None:
    with st.form("assign", border=False, clear_on_submit=True):
        assignee = st.text_input(t("act.assignee"), max_chars=100)
        note = st.text_input(t("act.note"), max_chars=MOST_TEXT)
        if st.form_submit_button(t("act.assign"), type="primary"):
            done("assign_cluster", cluster_id, assignee.strip(), mask(note), said=assignee)


def _comment(cluster_id: str) -> None:
    with st.form("comment", border=False, clear_on_submit=True):
        text = st.text_area(t("act.text"), max_chars=MOST_TEXT)
        if st.form_submit_button(t("act.comment"), type="primary"):
            done("comment_cluster", cluster_id, mask(text), said=text)


def _judge(found: Found) -> None:
    with st.form("judge", border=False):
        st.caption(t("act.judge_help", domain=word("domain", found["domain"])))
        said = st.selectbox(
            t("act.cause"),
            DOMAINS,
            index=DOMAINS.index(found["said_domain"] or found["domain"]),
            format_func=lambda name: word("domain", name),
        )
        cause = st.text_area(t("act.cause_text"), max_chars=MOST_TEXT)
        if st.form_submit_button(t("act.judge"), type="primary"):
            done("judge_cluster", found["cluster_id"], said, mask(cause))


def told(row: Mapping[str, Any]) -> str:
    """Return what somebody did, in words: a row of `store.cluster_screens.cluster_acts`."""
    said: dict[str, Callable[[], str]] = {
        "assigned": lambda: t("act.did_assign", assignee=row["assignee"]),
        "confirmed": lambda: t("act.did_confirm", domain=word("domain", row["domain"])),
        "corrected": lambda: t("act.did_correct", domain=word("domain", row["domain"])),
    }
    return said.get(row["kind"], lambda: t(f"act.did_{row['kind']}"))()
