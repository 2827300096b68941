"""The parts of one cluster's page: its windows, its evidence, its life, whom it hurts and what they say."""

from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import charts
from dashboards.complaints_table import of_cluster
from dashboards.page import count, link, moment, on_the_clock, read, share, t, word
from store import cluster_screens, screens

Found = dict[str, Any]


def verdict(found: Found) -> None:
    """Say how sure the domain is, and what people answered on it."""
    if found["certainty"] is not None:
        st.caption(t("cluster.certainty", share=share(found["certainty"])))
    if found["said_domain"] is None:
        st.caption(t("cluster.no_verdict", id=found["cluster_id"]))
        return
    key = "cluster.confirmed" if found["said_domain"] == found["domain"] else "cluster.corrected"
    said = word("domain", found["said_domain"])
    st.success(t(key, actor=found["said_by"], domain=said, at=moment(found["said_at"])))
    if found["said_cause"]:
        st.write(found["said_cause"])


def timeline(found: Found) -> None:
    """Draw bad and expected ratio by window, with the start and the interval that it may lie in."""
    st.subheader(t("cluster.timeline"))
    frame = read(screens.cluster_windows, found["cluster_id"])
    names = {"bad": t("cluster.bad"), "expected": t("cluster.expected")}
    chart = charts.lines(on_the_clock(frame), names, time=t("column.time"), value="0-1", unit_domain=(0, 1))
    st.altair_chart(chart, alt=t("cluster.timeline_alt"))
    if found["onset_lo"] is not None:
        between = {name: moment(found[f"onset_{name}"]) for name in ("lo", "hi")}
        st.caption(t("cluster.start", start=moment(found["started_at"]), **between))


def evidence(found: Found) -> None:
    """Show each piece of evidence with its figures, its change-point and what it speaks for."""
    st.subheader(t("cluster.evidence"))
    pieces = [piece for piece in found["evidence"] if "metric" in piece]
    if not pieces:
        st.write(t("cluster.no_evidence"))
        return
    columns = {"metric": "metric", "before": "before", "during": "during", "effect": "effect", "unit": "unit"}
    rows = [
        {
            t("column.kind"): word("evidence", str(piece.get("kind", "complaints"))),
            **{t(f"column.{name}"): piece.get(key) for name, key in columns.items()},
            t("column.changed"): _changed(piece),
            t("column.speaks"): _speaks(piece),
        }
        for piece in pieces
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)


def _changed(piece: dict[str, Any]) -> str:
    if not piece.get("changed"):
        return ""
    at = moment(datetime.fromisoformat(piece["changed"]))
    return at if piece.get("timely") is None else t("cluster.timely" if piece["timely"] else "cluster.untimely", at=at)


def _speaks(piece: dict[str, Any]) -> str:
    said = piece.get("speaks") or {}
    return ", ".join(f"{word('domain', domain)} {weight:+.1f}" for domain, weight in said.items())


def life(cluster_id: str) -> None:
    """List the turns of the cluster's life."""
    st.subheader(t("cluster.life"))
    frame = read(cluster_screens.cluster_changes, cluster_id)
    shown = pd.DataFrame(
        {
            t("column.time"): frame["at"].map(moment),
            t("column.change"): frame["kind"].map(lambda kind: word("change", kind)),
            t("column.id"): frame["other_id"].fillna(""),
        }
    )
    st.dataframe(shown, hide_index=True)


def tiers(cluster_id: str) -> None:
    """Show who is hurt, by value tier."""
    st.subheader(t("cluster.tiers"))
    frame = read(cluster_screens.cluster_tiers, cluster_id)
    shown = pd.DataFrame(
        {
            t("column.tier"): frame["tier"].fillna(t("app.none")),
            t("cluster.users_hurt"): frame["users_hurt"].map(count),
            t("column.users"): frame["users"].map(count),
        }
    )
    st.dataframe(shown, hide_index=True)


def complaints(cluster_id: str, silent_users: int | None) -> None:
    """Show the linked complaints, and how many suffer alike and say nothing."""
    st.subheader(t("cluster.complaints"))
    of_cluster(cluster_id)
    st.write(t("cluster.silent", n=count(silent_users)))
    link("customer", t("customer.pick"), cluster=cluster_id)
