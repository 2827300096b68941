"""Degraded-experience clusters: the list, and one cluster with its evidence and complaints."""

import pandas as pd
import streamlit as st

from dashboards import charts
from dashboards.clusters_table import show, where
from dashboards.page import count, known, link, moment, on_the_clock, read, share, t, word
from store import screens


def main() -> None:
    """Draw the list, or the cluster that the URL names (`?cluster=ID`)."""
    wanted = st.query_params.get("cluster")
    if wanted is None:
        _list()
    else:
        _cluster(wanted)


def _list() -> None:
    st.title(t("clusters.title"))
    scope = st.segmented_control(
        t("clusters.show"),
        ["open", "all"],
        default="all",
        format_func=lambda name: t(f"clusters.{name}"),
        key="scope",
        bind="query-params",
    )
    bounds = (None, None) if scope == "open" else screens.EVER
    st.caption(t("clusters.pick"))
    picked = show(read(screens.clusters, *bounds), empty=t("clusters.empty"), select=True)
    if picked is not None:
        st.query_params["cluster"] = picked
        st.rerun()


def _cluster(cluster_id: str) -> None:
    if st.button(t("clusters.back"), icon=":material/arrow_back:"):
        del st.query_params["cluster"]
        st.rerun()
    found = read(screens.cluster, cluster_id)
    if found is None:
        st.warning(t("clusters.unknown", id=cluster_id))
        return
    st.title(where(found["selector"]))
    start = moment(found["started_at"])
    st.caption(
        t("cluster.open_since", start=start)
        if found["ended_at"] is None
        else t("cluster.from_to", start=start, end=moment(found["ended_at"]))
    )
    figures = {
        t("column.domain"): word("domain", found["domain"]),
        t("column.severity"): share(found["severity"]),
        t("cluster.users_hurt"): count(found["users"]),
        word("over", found["over_kind"]): f"{found['sessions']:,}",
        t("column.bad_ratio"): share(found["bad_ratio"]),
        t("column.expected_ratio"): share(found["expected_ratio"]),
    }
    for column, (name, value) in zip(st.columns(len(figures)), figures.items(), strict=True):
        column.metric(name, value, border=True)
    st.caption(t("cluster.tested", p=f"{found['p_value']:.1e}", q=f"{found['q_value']:.1e}"))
    st.info(f"**{t('cluster.next_step')}.** {known(found['recommendation'])}")
    _timeline(cluster_id)
    left, right = st.columns(2)
    with left:
        _evidence(found["evidence"])
    with right:
        _complaints(cluster_id, found["silent_users"])


def _timeline(cluster_id: str) -> None:
    st.subheader(t("cluster.timeline"))
    frame = read(screens.cluster_windows, cluster_id)
    names = {"bad": t("cluster.bad"), "expected": t("cluster.expected")}
    chart = charts.lines(on_the_clock(frame), names, time=t("column.time"), value="0-1", unit_domain=(0, 1))
    st.altair_chart(chart, alt=t("cluster.timeline_alt"))


def _evidence(evidence: list[dict[str, object]]) -> None:
    st.subheader(t("cluster.evidence"))
    measured = [piece for piece in evidence if "metric" in piece]
    if not measured:
        st.write(t("cluster.no_evidence"))
        return
    columns = {"metric": "metric", "before": "before", "during": "during", "effect": "effect", "unit": "unit"}
    rows = [{t(f"column.{name}"): piece.get(key) for name, key in columns.items()} for piece in measured]
    st.dataframe(pd.DataFrame(rows), hide_index=True)


def _complaints(cluster_id: str, silent_users: int | None) -> None:
    st.subheader(t("cluster.complaints"))
    frame = read(screens.cluster_complaints, cluster_id)
    if frame.empty:
        st.write(t("cluster.no_complaints"))
    else:
        shown = pd.DataFrame(
            {
                t("column.time"): frame["created_at"].map(moment),
                t("column.probability"): frame["probability"].map(share),
                t("column.category"): frame["category"].fillna(""),
                t("column.text"): frame["text"].fillna(""),
            }
        )
        st.dataframe(shown, hide_index=True)
    st.write(t("cluster.silent", n=count(silent_users)))
    link("customer", t("customer.pick"), cluster=cluster_id)


main()
