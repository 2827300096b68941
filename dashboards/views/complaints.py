"""Complaints: what they are about, what explains them, what nothing explains, and surges of these."""

import streamlit as st

from dashboards import complaints_table, filters, local_days
from dashboards.page import link, looked, looked_at_list, moment, read, read_persons, share, t, word
from store import complaint_views, screens

_LISTED = 500
_EVERY = "every"


def main() -> None:
    """Draw the list, or the complaint that the URL names (`?complaint=ID`, `&source=NAME`)."""
    wanted = st.query_params.get("complaint")
    if wanted is None:
        _list()
    else:
        _complaint(wanted, st.query_params.get("source"))


def _list() -> None:
    st.title(t("complaints.title"))
    st.subheader(t("complaints.surges"))
    st.caption(t("complaints.surges_help"))
    complaints_table.surges(read(complaint_views.surges, None, None))
    st.subheader(t("complaints.list"))
    left, middle, right = st.columns(3)
    with left:
        back = filters.span()
    with middle:
        scope = filters.buttons(
            t("clusters.show"), ("all", "unexplained"), key="scope", named=lambda name: t(f"complaints.{name}")
        )
    with right:
        topic = filters.listed(
            t("complaints.topics"), (_EVERY, *read(complaint_views.topics)), key="topic", named=_topic
        )
    st.caption(t("complaints.pick"))
    wanted = None if topic == _EVERY else topic
    newest = read(screens.newest)
    since = None if newest is None or back is None else newest - back
    frame = read_persons(complaint_views.complaints, since, None, scope == "unexplained", _LISTED, wanted)
    looked_at_list("complaints", frame)
    picked = complaints_table.show(frame, select=True)
    if picked is not None:
        st.query_params["complaint"], st.query_params["source"] = picked["complaint_id"], picked["source"]
        st.rerun()


def _topic(name: str) -> str:
    return t("complaints.every_topic") if name == _EVERY else word("topic", name)


def _complaint(complaint_id: str, source: str | None) -> None:
    if st.button(t("complaints.back"), icon=":material/arrow_back:"):
        for name in ("complaint", "source"):
            st.query_params.pop(name, None)
        st.rerun()
    found = read_persons(complaint_views.complaint, complaint_id, source)
    if not found:
        st.warning(t("complaints.unknown", id=complaint_id))
        return
    one = found[0]
    if one["customer_key"] is not None:
        looked(one["customer_key"], "complaint")
    st.title(t("complaints.one", id=complaint_id))
    st.caption(moment(one["created_at"]))
    if one["customer_key"] is not None:
        day = local_days.name_of(one["created_at"])
        link("customer", t("complaints.customer"), customer=str(one["customer_key"]), day=day)
    figures = {
        t("column.topic"): t("app.none") if one["topic"] is None else word("topic", one["topic"]),
        t("column.confidence"): share(one["confidence"]),
        t("column.unexplained"): share(one["unexplained"]),
        t("column.channel"): t("app.none") if one["channel"] is None else word("channel", one["channel"]),
        t("column.status"): t("app.none") if one["status"] is None else word("status", one["status"]),
    }
    for column, (name, value) in zip(st.columns([2, 1, 1, 1, 1]), figures.items(), strict=True):
        column.metric(name, value, border=True)
    if one["text"]:
        st.text(one["text"])
    st.subheader(t("complaints.causes"))
    links = read(complaint_views.links, one["source"], complaint_id)
    complaints_table.competing(links, one["unexplained"])
    complaints_table.causes(links)


main()
