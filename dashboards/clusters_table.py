"""The table of clusters, as the overview and the cluster list show it."""

import pandas as pd
import streamlit as st

from dashboards import exports
from dashboards.page import count, moment, share, t, word


def where(selector: dict[str, list[str]]) -> str:
    """Return a selector in words, such as "Site: s1, s2"."""
    return "; ".join(f"{word('attribute', name)}: {', '.join(values)}" for name, values in selector.items())


def show(frame: pd.DataFrame, *, empty: str) -> None:
    """Show the clusters, worst first."""
    if frame.empty:
        st.info(empty)
        return
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
    st.dataframe(shown, hide_index=True)
    exports.offer(frame, "clusters")
