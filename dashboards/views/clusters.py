"""Degraded-experience clusters: the list, and one cluster with all that is known of it."""

import streamlit as st

from dashboards import cluster_page, filters
from dashboards.clusters_table import show, where
from dashboards.page import count, language, moment, read, share, t, word
from store import cluster_screens, screens


def main() -> None:
    """Draw the list, or the cluster that the URL names (`?cluster=ID`)."""
    wanted = st.query_params.get("cluster")
    if wanted is None:
        _list()
    else:
        _cluster(wanted)


def _list() -> None:
    st.title(t("clusters.title"))
    scope = filters.buttons(t("clusters.show"), ("all", "open"), key="scope", named=lambda name: t(f"clusters.{name}"))
    bounds = (None, None) if scope == "open" else screens.EVER
    st.caption(t("clusters.pick"))
    picked = show(read(screens.clusters, *bounds), empty=t("clusters.empty"), select=True)
    answers, confirmed = read(cluster_screens.verdict_counts)
    st.caption(t("clusters.agreed", confirmed=confirmed, answers=answers) if answers else t("clusters.no_answers"))
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
        t("cluster.users_hurt"): count(found["users_hurt"]),
        t("cluster.records_hurt"): f"{found['sessions_hurt']:,} / {found['sessions']:,}",
        t("column.bad_ratio"): share(found["bad_ratio"]),
        t("column.expected_ratio"): share(found["expected_ratio"]),
    }
    # Two rows: in one, long names of domains and counts would be cut.
    cells = [*st.columns(len(figures) // 2), *st.columns(len(figures) // 2)]
    for cell, (name, value) in zip(cells, figures.items(), strict=True):
        cell.metric(name, value, border=True)
    st.caption(t("cluster.tested", p=f"{found['p_value']:.1e}", q=f"{found['q_value']:.1e}"))
    advice = found[f"advice_{language()}"]
    if advice is not None:
        st.info(f"**{t('cluster.next_step')}.** {advice}")
    cluster_page.verdict(found)
    cluster_page.timeline(found)
    left, right = st.columns(2)
    with left:
        cluster_page.evidence(found)
        cluster_page.life(cluster_id)
    with right:
        cluster_page.tiers(cluster_id)
        cluster_page.complaints(cluster_id, found["silent_users"])


main()
