"""The table of clusters, as the overview and the cluster list show it."""

import pandas as pd
import streamlit as st

from dashboards.page import count, moment, share, t, word


def where(selector: dict[str, list[str]]) -> str:
    """Return a selector in words, such as "Site: s1, s2"."""
    return "; ".join(f"{word('attribute', name)}: {', '.join(values)}" for name, values in selector.items())


def show(frame: pd.DataFrame, *, empty: str, select: bool = False) -> str | None:
    """Show the clusters, worst first; returns the id of the row that the reader selected."""
    if frame.empty:
        st.info(empty)
        return None
    shown = pd.DataFrame(
        {
            t("column.what"): frame["selector"].map(where),
            t("column.domain"): frame["domain"].map(lambda name: word("domain", name)),
            t("column.severity"): frame["severity"].map(share),
            t("column.users"): frame["users"].map(count),
            t("column.complaints"): frame["complaints"],
            t("column.since"): frame["started_at"].map(moment),
            t("column.until"): frame["ended_at"].map(moment),
            t("column.id"): frame["cluster_id"],
        }
    )
    if not select:
        st.dataframe(shown, hide_index=True)
        return None
    event = st.dataframe(shown, hide_index=True, on_select="rerun", selection_mode="single-row")
    rows = event["selection"]["rows"]
    return str(frame["cluster_id"].iloc[rows[0]]) if rows else None
