"""Complaints: what they are about, what explains them, what nothing explains, and surges of these."""

import streamlit as st

from dashboards import complaints_table, filters
from dashboards.page import link, looked, moment, read, share, t, word
from store import complaint_views

_LISTED = 500


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
    scope = filters.buttons(
        t("clusters.show"), ("all", "unexplained"), key="scope", named=lambda name: t(f"complaints.{name}")
    )
    st.caption(t("complaints.pick"))
    frame = read(complaint_views.complaints, None, None, scope == "unexplained", _LISTED)
    picked = complaints_table.show(frame, select=True)
    if picked is not None:
        st.query_params["complaint"], st.query_params["source"] = picked["complaint_id"], picked["source"]
        st.rerun()


def _complaint(complaint_id: str, source: str | None) -> None:
    if st.button(t("complaints.back"), icon=":material/arrow_back:"):
        for name in ("complaint", "source"):
            st.query_params.pop(name, None)
        st.rerun()
    found = read(complaint_views.complaint, complaint_id, source)
    if not found:
        st.warning(t("complaints.unknown", id=complaint_id))
        return
    one = found[0]
    if one["customer_key"] is not None:
        looked(one["customer_key"], "complaint")
    st.title(t("complaints.one", id=complaint_id))
    st.caption(moment(one["created_at"]))
    figures = {
        t("column.topic"): t("app.none") if one["topic"] is None else word("topic", one["topic"]),
        t("column.confidence"): share(one["confidence"]),
        t("column.unexplained"): share(one["unexplained"]),
        t("column.channel"): one["channel"] or t("app.none"),
        t("column.status"): one["status"] or t("app.none"),
    }
    for column, (name, value) in zip(st.columns(len(figures)), figures.items(), strict=True):
        column.metric(name, value, border=True)
    if one["text"]:
        st.text(one["text"])
    st.subheader(t("complaints.causes"))
    complaints_table.causes(read(complaint_views.links, one["source"], complaint_id))
    if one["customer_key"] is not None:
        link("customer", t("complaints.customer"), customer=str(one["customer_key"]))


main()
