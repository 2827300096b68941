"""Degraded-experience clusters: a map and a ranked list, and one cluster with all that is known of it."""

import streamlit as st

from dashboards import cluster_actions, cluster_evidence, cluster_map, cluster_page, exports, filters
from dashboards.page import read, t
from store import cluster_screens, screens

_LISTED = 200


def main() -> None:
    """Draw the map and list, or the cluster that the URL names (`?cluster=ID`)."""
    wanted = st.query_params.get("cluster")
    if wanted is None:
        _list()
    else:
        _cluster(wanted)


def _list() -> None:
    st.title(t("clusters.title"))
    scope = filters.buttons(t("clusters.show"), ("all", "open"), key="scope", named=lambda name: t(f"clusters.{name}"))
    bounds = (None, None) if scope == "open" else screens.EVER
    frame = read(screens.clusters, *bounds)[:_LISTED]
    if frame.empty:
        st.info(t("clusters.empty"))
    else:
        cluster_map.show(frame.reset_index(drop=True))
    answers, confirmed = read(cluster_screens.verdict_counts)
    st.caption(t("clusters.agreed", confirmed=confirmed, answers=answers) if answers else t("clusters.no_answers"))


def _cluster(cluster_id: str) -> None:
    if st.button(t("clusters.back"), icon=":material/arrow_back:"):
        filters.put("cluster", None)
        filters.put("mark", cluster_id)
        st.rerun()
    found = read(screens.cluster, cluster_id)
    if found is None:
        st.warning(t("clusters.unknown", id=cluster_id))
        return
    cluster_page.head(found)
    cluster_actions.bar(found)
    exports.cluster_report(cluster_id)
    cluster_page.verdict(found)
    cluster_page.timeline(found)
    cluster_evidence.show(found)
    left, right = st.columns(2)
    with left:
        cluster_page.hurt(cluster_id, found["silent_users"])
        cluster_page.life(cluster_id)
    with right:
        cluster_page.complaints(cluster_id)


main()
