"""The parts of one cluster's page: what it is, its windows, whom it hurts, what they say, and its life."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboards import charts, cluster_actions
from dashboards.cluster_words import where
from dashboards.complaints_table import of_cluster
from dashboards.page import count, language, link, moment, on_the_clock, read, share, t, total, word
from store import cluster_screens, screens

Found = dict[str, Any]


def head(found: Found) -> None:
    """Show where it is, since when, its figures with how they are made, and the recommended next step."""
    st.title(where(found["selector"]))
    start = moment(found["started_at"])
    ended = found["ended_at"]
    st.caption(
        t("cluster.open_since", start=start) if ended is None else t("cluster.from_to", start=start, end=moment(ended))
    )
    figures = {
        t("column.domain"): word("domain", found["domain"]),
        t("column.severity"): share(found["severity"]),
        t("cluster.users_hurt"): count(found["users_hurt"]),
        t("cluster.records_hurt"): f"{total(found['sessions_hurt'])} / {total(found['sessions'])}",
        t("column.bad_ratio"): share(found["bad_ratio"]),
        t("column.expected_ratio"): share(found["expected_ratio"]),
    }
    # Two rows: in one, long names of domains and counts would be cut.
    cells = [*st.columns(len(figures) // 2), *st.columns(len(figures) // 2)]
    for cell, (name, value) in zip(cells, figures.items(), strict=True):
        cell.metric(name, value, border=True)
    with st.popover(t("cluster.how"), type="tertiary"):
        st.markdown(t("cluster.formula", bad=share(found["bad_ratio"]), expected=share(found["expected_ratio"])))
        st.markdown(t("cluster.tested", p=f"{found['p_value']:.1e}", q=f"{found['q_value']:.1e}"))
        versions = {"model": found["model_version"], "catalogue": found["catalogue_version"]}
        st.markdown(t("cluster.versions", **versions, baseline=found["baseline_id"], n=total(found["sessions"])))
    advice = found[f"advice_{language()}"]
    if advice is not None:
        st.info(f"**{t('cluster.next_step')}.** {advice}")


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


def hurt(cluster_id: str, silent_users: int | None) -> None:
    """Show who is hurt by value tier and by segment, and how many suffer and say nothing."""
    st.subheader(t("cluster.hurt"))
    frame = read(cluster_screens.cluster_parts, cluster_id)
    for attribute in ("vip_level", "segment"):
        mine = frame[frame["attribute"] == attribute]
        if mine.empty:
            continue
        shown = pd.DataFrame(
            {
                t(f"attribute.{attribute}"): [_part(attribute, value) for value in mine["value"].fillna("")],
                t("cluster.users_hurt"): mine["users_hurt"].map(count),
                t("column.users"): mine["users"].map(count),
            }
        )
        st.dataframe(shown, hide_index=True, alt=t(f"cluster.by_{attribute}"))
    st.write(t("cluster.silent", n=count(silent_users)))
    link("customer", t("customer.pick"), cluster=cluster_id)


def _part(attribute: str, value: str) -> str:
    if attribute == "vip_level":
        return word("tier", value or "none")
    return value or t("app.none")


def complaints(cluster_id: str) -> None:
    """Show the linked complaints, each a click away."""
    st.subheader(t("cluster.complaints"))
    of_cluster(cluster_id)


def life(cluster_id: str) -> None:
    """List the turns of the cluster's life and what people did about it, the newest last."""
    st.subheader(t("cluster.life"))
    turns = [
        {
            "at": row["at"],
            "what": word("change", row["kind"]),
            "who": "",
            "more": row["other_id"] or "",
        }
        for row in screens.rows(read(cluster_screens.cluster_changes, cluster_id))
    ]
    acts = screens.rows(read(cluster_screens.cluster_acts, cluster_id))
    turns += [
        {"at": row["at"], "what": cluster_actions.told(row), "who": row["actor"], "more": row["comment"] or ""}
        for row in acts
    ]
    frame = pd.DataFrame(turns, columns=["at", "what", "who", "more"]).sort_values("at", kind="stable")
    shown = pd.DataFrame(
        {
            t("column.time"): frame["at"].map(moment),
            t("column.change"): frame["what"],
            t("column.who"): frame["who"],
            t("column.comment"): frame["more"],
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("cluster.life"))
