"""Data and sources: what was delivered, what was refused and why, and what ran."""

from datetime import datetime, timedelta

import pandas as pd
import streamlit as st

from dashboards import exports
from dashboards.page import moment, read, share, t, word
from store import gaps, screens

_SPAN = timedelta(days=7)
_GAPS = 100


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
    newest = read(screens.newest)
    if newest is not None:
        _quality(newest - _SPAN)
    st.subheader(t("data.quarantine"))
    refused = read(screens.quarantine_reasons)
    if refused.empty:
        st.info(t("data.no_quarantine"))
    else:
        _table(refused, {"source": "source", "kind": "kind", "code": "reason", "count": "count"})
    st.subheader(t("data.runs"))
    _table(read(screens.runs, 20), {"job": "job", "finished_at": "finished", "ok": "ok", "error": "reason"})


def _quality(since: datetime) -> None:
    """What came against what was expected, and when nothing did: such a window says nothing of the network."""
    st.subheader(t("data.deliveries"))
    frame = read(gaps.deliveries, since)
    if frame.empty:
        st.info(t("data.no_deliveries"))
        return
    late = frame["late"].astype(float) / frame["received"].astype(float).where(frame["received"] > 0)
    shown = frame.assign(
        share=[t("app.not_enough") if pd.isna(each) or not each else share(come / each) for come, each in
               zip(frame["received"].astype(float), frame["expected"].astype(float), strict=True)],
        late=late.map(share),
        lateness=frame["lateness_p95_s"].map(_seconds),
    )  # fmt: skip
    columns = {"source": "source", "kind": "kind", "received": "received", "share": "of_expected", "late": "late"}
    _table(shown, columns | {"lateness": "lateness", "duplicate": "duplicate"})
    st.subheader(t("data.gaps"))
    spans = read(gaps.gaps, since, _GAPS)
    if spans.empty:
        st.success(t("data.no_gaps"), icon=":material/check_circle:")
        return
    named = spans.assign(
        state=spans["state"].map(lambda name: word("source_state", name)), reason=spans["reason"].fillna("")
    )
    columns = {"source": "source", "kind": "kind", "state": "status", "start": "since", "end": "until"}
    _table(named, columns | {"reason": "reason"})


def _seconds(value: float) -> str:
    return "" if pd.isna(value) else t("unit.seconds", n=f"{value:,.0f}")


def _table(frame: pd.DataFrame, columns: dict[str, str]) -> None:
    shown = frame[list(columns)].copy()
    for name in shown.select_dtypes("datetimetz").columns:
        shown[name] = shown[name].map(moment)
    if "kind" in shown:
        shown["kind"] = shown["kind"].map(lambda name: word("kind", name))
    if "error" in shown:
        shown["error"] = shown["error"].fillna("")
    st.dataframe(shown.rename(columns={name: t(f"column.{label}") for name, label in columns.items()}), hide_index=True)


main()
