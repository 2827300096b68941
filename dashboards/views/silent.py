"""Silent sufferers: whom clusters hurt like those who complain, how likely they still complain, and who they are."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboards import exports, filters
from dashboards.access import allowed
from dashboards.cluster_words import where
from dashboards.page import address, count, link, looked_at_list, moment, read, read_persons, share, t, times, word
from store import care_groups, complaint_views, screens

_LISTED = 200


def main() -> None:
    """Draw the clusters by how many they leave unheard, or the one that the URL names (`?cluster=ID`)."""
    st.title(t("silent.title"))
    wanted = st.query_params.get("cluster")
    if wanted is not None:
        _cluster(wanted)
        return
    newest = read(screens.newest)
    back = filters.span()
    frame = read(care_groups.unheard, None if newest is None or back is None else newest - back)
    if frame.empty:
        st.info(t("clusters.empty"))
        return
    known = frame["silent_users"].dropna()
    left, right = st.columns(2)
    left.metric(t("silent.together"), count(known.max() if len(known) else None), border=True, help=t("silent.largest"))
    right.metric(t("silent.complaints"), f"{frame['complaints'].sum():.1f}", border=True)
    st.caption(t("silent.help"))
    picked = _table(frame)
    if picked is not None:
        st.query_params["cluster"] = picked
        st.rerun()


def _table(frame: pd.DataFrame) -> str | None:
    shown = pd.DataFrame(
        {
            t("column.domain"): frame["domain"].map(lambda name: word("domain", name)),
            t("column.what"): frame["selector"].map(where),
            t("column.since"): frame["started_at"].map(moment),
            t("column.silent"): frame["silent_users"].map(count),
            t("silent.hurt"): frame["users_hurt"].map(count),
            t("silent.complaints"): frame["complaints"].map("{:.1f}".format),
            t("column.relative_risk"): [_risk(row) for row in frame.to_dict("records")],
            t("column.id"): frame["cluster_id"],
        }
    )
    event = st.dataframe(
        shown, hide_index=True, on_select="rerun", selection_mode="single-row", alt=t("silent.title"), key="unheard"
    )
    rows = event["selection"]["rows"]
    return str(frame["cluster_id"].iloc[rows[0]]) if rows else None


def _risk(row: dict[Any, Any]) -> str:
    if pd.isna(row["relative_risk"]):
        return t("app.not_enough")
    return f"{times(row['relative_risk'])} ({times(row['lo'])} - {times(row['hi'])})"


def _cluster(cluster_id: str) -> None:
    if st.button(t("silent.back"), icon=":material/arrow_back:"):
        del st.query_params["cluster"]
        st.rerun()
    found = read(screens.cluster, cluster_id)
    if found is None:
        st.warning(t("clusters.unknown", id=cluster_id))
        return
    st.header(f"{word('domain', found['domain'])}: {where(found['selector'])}")
    columns = st.columns(3)
    columns[0].metric(t("column.silent"), count(found["silent_users"]), border=True)
    columns[1].metric(t("silent.hurt"), count(found["users_hurt"]), border=True)
    explained = read(complaint_views.explained, cluster_id)
    columns[2].metric(t("silent.complaints"), f"{explained['complaints']:.1f}", border=True)
    link("clusters", t("silent.evidence"), cluster=cluster_id)
    st.subheader(t("silent.risks"))
    _risks(cluster_id)
    st.subheader(t("silent.who"))
    if allowed("customer"):
        _who(cluster_id)
    else:
        st.info(t("silent.counts_only"))


def _risks(cluster_id: str) -> None:
    frame = read(complaint_views.risks, cluster_id)
    if frame.empty:
        st.write(t("app.not_enough"))
        return
    shown = pd.DataFrame(
        {
            t("column.topic"): frame["topic"].map(lambda name: word("topic", name) if name else t("clusters.all")),
            t("column.relative_risk"): [_risk(row) for row in frame.to_dict("records")],
            t("column.attributable"): frame["attributable"].map(share),
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("silent.risks"))
    st.caption(t("silent.risks_help"))


def _who(cluster_id: str) -> None:
    frame = read_persons(complaint_views.silent, cluster_id, _LISTED)
    looked_at_list(f"silent sufferers of cluster {cluster_id}", frame)
    if frame.empty:
        st.write(t("app.none"))
        return
    # The hardest to read off a long number is which row it was: the link says it and opens the page.
    opened = [address("customer", customer=str(key)) for key in frame["customer_key"]]
    shown = pd.DataFrame(
        {
            t("customer.key"): opened,
            t("silent.risk"): frame["risk"].map(share),
            t("silent.bad"): frame["bad"],
        }
    )
    column = st.column_config.LinkColumn(display_text=r"customer=(\d+)")
    st.dataframe(shown, hide_index=True, column_config={t("customer.key"): column}, alt=t("silent.who"))
    st.caption(t("silent.who_help", n=_LISTED))
    exports.offer(frame, f"silent-{cluster_id}", key="silent")


main()
