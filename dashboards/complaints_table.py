"""Tables of complaints as screens show them: the list, what may have caused one, surges, and those of a cluster."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboards import care_charts, exports
from dashboards.cluster_words import where
from dashboards.page import count, link, looked_at_list, moment, read, read_persons, share, t, times, word
from store import complaint_views, screens

_LINKED = 8  # complaints of a cluster that are a click away; a table holds the others
_WORDS = 140  # characters of a complaint beside its link
_MARKUP = "\\`*_{}[]()<>#+-.!|$~:"


def show(frame: pd.DataFrame, *, select: bool = False) -> dict[str, Any] | None:
    """Show complaints with class, confidence and likeliest cause; returns the row that the reader selected."""
    if frame.empty:
        st.info(t("complaints.empty"))
        return None
    shown = pd.DataFrame(
        {
            t("column.time"): frame["created_at"].map(moment),
            t("column.topic"): frame["topic"].map(_topic),
            t("column.confidence"): frame["confidence"].map(share),
            t("column.unexplained"): frame["unexplained"].map(share),
            t("column.cause"): frame["cluster_id"].fillna(""),
            t("column.probability"): frame["probability"].map(lambda value: "" if pd.isna(value) else share(value)),
            t("column.app"): frame["app"].fillna(""),
            t("column.cell"): frame["cell_id"].fillna(""),
            t("column.text"): frame["text"].fillna(""),
            t("column.id"): frame["complaint_id"],
        }
    )
    if not select:
        st.dataframe(shown, hide_index=True)
        return None
    event = st.dataframe(shown, hide_index=True, on_select="rerun", selection_mode="single-row")
    exports.offer(frame, "complaints")
    rows = event["selection"]["rows"]
    return {str(name): value for name, value in frame.iloc[rows[0]].items()} if rows else None


def causes(frame: pd.DataFrame) -> None:
    """Show each cluster that may have caused a complaint, the likeliest first, with the reasons in words."""
    if frame.empty:
        st.info(t("complaints.no_cause"))
        return
    for one in frame.to_dict("records"):
        said = f"**{share(one['probability'])}** {word('domain', one['domain'])}: {where(one['selector'])}"
        link("clusters", said, cluster=one["cluster_id"])
        lead = t("unit.hours", n=f"{one['lead_h']:.1f}")
        st.caption(t("complaints.cause", since=moment(one["started_at"]), lead=lead))
        st.markdown("\n".join(f"- {reason(each)}" for each in one["reasons"]))


def competing(frame: pd.DataFrame, unexplained: float | None) -> None:
    """Draw what may have caused a complaint beside what nothing explains; only where it was looked at."""
    if unexplained is None or pd.isna(unexplained):
        st.info(t("complaints.not_linked"))
        return
    said = frame.to_dict("records")
    rows = [(f"{word('domain', one['domain'])} {one['cluster_id']}", one["probability"]) for one in said]
    shown = pd.DataFrame([*rows, (t("complaints.nothing_known"), unexplained)], columns=["cause", "probability"])
    chart = care_charts.causes(shown, title=t("column.probability"), nothing=t("complaints.nothing_known"))
    st.altair_chart(chart, alt=t("complaints.competing_alt"))
    st.caption(t("complaints.competing"))


def reason(each: dict[str, Any]) -> str:
    """One reason of a link in the reader's language."""
    if each["code"] == "topic":
        return t("link.topic", topic=_topic(each["topic"]), share=share(each["share"]))
    if each["code"] == "same_customer":
        return t("link.same_customer", bad=each["bad"], hours=each["lag_h"])
    if each["code"] == "relative_risk":
        return t("link.relative_risk", risk=times(each["relative_risk"]))
    if each["code"] == "surge":
        return t("link.surge", complaints=each["complaints"], expected=each["expected"])
    return t("link.same_place") if each["code"] == "same_place" else t("link.other_place")


def surges(frame: pd.DataFrame) -> None:
    """Show surges of complaints that nothing explains."""
    if frame.empty:
        st.info(t("complaints.no_surge"))
        return
    shown = pd.DataFrame(
        {
            t("column.what"): frame["selector"].map(where),
            t("column.since"): frame["started_at"].map(moment),
            t("column.until"): frame["ended_at"].map(moment),
            t("column.complaints"): frame["complaints"].map(lambda value: f"{value:.1f}"),
            t("column.expected"): frame["expected"].map(lambda value: f"{value:.1f}"),
            t("column.customers"): frame["customers"].map(count),
            t("column.cluster"): frame["cluster_id"].fillna(""),
        }
    )
    st.dataframe(shown, hide_index=True)


def of_cluster(cluster_id: str) -> None:
    """Show what a cluster explains, how much likelier those whom it hurts complain, and its complaints by class."""
    found = read(complaint_views.explained, cluster_id)
    if found["share"] is not None:
        st.caption(t("complaints.explains", n=f"{found['complaints']:.1f}", share=share(found["share"])))
    if found["median_lead_h"] is not None:
        st.caption(t("complaints.lead", hours=f"{found['median_lead_h']:.1f}", n=found["after_detection"]))
    frame = read_persons(screens.cluster_complaints, cluster_id)
    looked_at_list(f"complaints of cluster {cluster_id}", frame)
    if frame.empty:
        st.write(t("cluster.no_complaints"))
        return
    classes = read(complaint_views.cluster_topics, cluster_id)
    shown = frame.assign(topic=frame["complaint_id"].map(classes).map(_topic))
    for row in screens.rows(shown[:_LINKED]):
        label = f"{moment(row['created_at'])} · {row['topic']} · {share(row['probability'])}"
        link("complaints", label, complaint=row["complaint_id"], source=row["source"])
        if row["text"]:
            st.caption(_shortened(row["text"]))
    if len(shown) > _LINKED:
        with st.expander(t("cluster.all_complaints", n=len(shown))):
            _all_of_cluster(shown)
    _risks(cluster_id)


def _all_of_cluster(frame: pd.DataFrame) -> None:
    shown = pd.DataFrame(
        {
            t("column.time"): frame["created_at"].map(moment),
            t("column.probability"): frame["probability"].map(share),
            t("column.topic"): frame["topic"],
            t("column.text"): frame["text"].fillna(""),
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("cluster.complaints"))


def _shortened(text: str) -> str:
    """The first words of a complaint, none of them taken for markup."""
    plain = "".join(f"\\{sign}" if sign in _MARKUP else sign for sign in " ".join(text.split()))
    return plain if len(plain) <= _WORDS else plain[:_WORDS].rstrip("\\") + "…"


def _risks(cluster_id: str) -> None:
    frame = read(complaint_views.risks, cluster_id)
    if frame.empty:
        return
    lines = {
        t("column.topic"): frame["topic"].map(lambda name: _topic(name) if name else t("clusters.all")),
        t("column.relative_risk"): frame["relative_risk"].map(times),
        t("column.interval"): [f"{times(lo)} - {times(hi)}" for lo, hi in zip(frame["lo"], frame["hi"], strict=True)],
        t("column.attributable"): frame["attributable"].map(share),
    }
    st.dataframe(pd.DataFrame(lines), hide_index=True)


def _topic(name: str | None) -> str:
    return t("app.none") if name is None or pd.isna(name) else word("topic", name)
