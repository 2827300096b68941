"""Data and sources: what was delivered, what was refused and why, and what ran."""

import pandas as pd
import streamlit as st

from dashboards import exports
from dashboards.page import moment, read, t, word
from store import screens


def main() -> None:
    """Draw the screen."""
    st.title(t("data.title"))
    st.subheader(t("data.sources"))
    sources = read(screens.sources)
    _table(
        sources,
        {
            "source": "source",
            "kind": "kind",
            "rows_stored": "rows",
            "rows_duplicate": "duplicate",
            "rows_quarantined": "quarantined",
            "newest": "newest",
        },
    )
    exports.offer(sources, "sources")
    st.subheader(t("data.freshness"))
    _table(
        read(screens.freshness),
        {
            "source": "source",
            "kind": "kind",
            "newest_event": "newest",
            "closed_until": "closed_until",
            "scored_event": "scored_event",
            "behind_s": "behind_s",
        },
    )
    st.subheader(t("data.quarantine"))
    refused = read(screens.quarantine_reasons)
    if refused.empty:
        st.info(t("data.no_quarantine"))
    else:
        _table(refused, {"source": "source", "kind": "kind", "code": "reason", "count": "count"})
    st.subheader(t("data.runs"))
    _table(read(screens.runs, 20), {"job": "job", "finished_at": "finished", "ok": "ok", "error": "reason"})


def _table(frame: pd.DataFrame, columns: dict[str, str]) -> None:
    shown = frame[list(columns)].copy()
    for name in shown.select_dtypes("datetimetz").columns:
        shown[name] = shown[name].map(moment)
    if "kind" in shown:
        shown["kind"] = shown["kind"].map(lambda name: word("kind", name))
    st.dataframe(shown.rename(columns={name: t(f"column.{label}") for name, label in columns.items()}), hide_index=True)


main()
