"""The parts of "experience now": one sentence, indices, open clusters, who is hurt, complaints, alerts, freshness."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from dashboards import alert_page, explained_number
from dashboards.cluster_words import where
from dashboards.page import age, count, link, moment, read, score, share, t, word, zone
from store import alert_screens, experience, numbers, screens
from store.experience import Measure, Now

_CLUSTERS_SHOWN = 8
_RECENTLY = timedelta(hours=24)
_ALERTS_SHOWN = 5
_STALE_S = 2 * 3600.0  # scores so far behind what was delivered are said in the headline (own)


def headline(now: Now) -> None:
    """Say in one sentence whether experience is as usual, and which indices are not."""
    low = [each for each in now.measures if _below(each)]
    span = {"start": moment(now.start), "users": f"{now.users:,}"}
    if now.bad_ratio is None or now.expected_ratio is None:
        st.info(t("now.unknown", **span), icon=":material/help:")
        return
    given = {**span, "bad": share(now.bad_ratio), "expected": share(now.expected_ratio)}
    error = (now.expected_ratio * (1 - now.expected_ratio) / max(now.sessions, 1)) ** 0.5
    if now.bad_ratio - now.expected_ratio > experience.STANDARD_ERRORS * error:
        st.error(t("now.worse", **given), icon=":material/trending_down:")
    elif low:
        names = ", ".join(t(f"dimension.{each.name}") for each in low)
        st.warning(t("now.low", names=names, **given), icon=":material/trending_down:")
    else:
        st.success(t("now.usual", **given), icon=":material/check_circle:")


def _below(each: Measure) -> bool:
    """Whether an index surely lies below what is usual at this time of day."""
    return each.hi is not None and each.usual_lo is not None and each.hi < each.usual_lo


def indices(now: Now) -> None:
    """Show each index now with its change against the usual one; each opens to how it was made."""
    made = read(numbers.group, "hour", "all", None, now.start)
    for column, each in zip(st.columns(len(now.measures)), now.measures, strict=True):
        with column:
            explained_number.show(
                t(f"dimension.{each.name}"),
                explained_number.group(made, each.name),
                change=_change(each),
                key=f"now-{each.name}",
            )
            st.caption(_usual(each))


def _change(each: Measure) -> float | None:
    """Points from what is usual; None where that lies in the interval of what is now, which is no change."""
    if each.now is None or each.usual is None:
        return None
    inside = each.lo is not None and each.hi is not None and each.lo <= each.usual <= each.hi
    return None if inside else each.now - each.usual


def _usual(each: Measure) -> str:
    if each.usual is None:
        return t("now.no_usual")
    shown = {"lo": score(each.usual_lo), "hi": score(each.usual_hi), "usual": score(each.usual)}
    return t("now.against", **shown, days=each.days)


def clusters(newest: datetime) -> None:
    """List what is open, worst first, and what ended within a day; each is one click away."""
    st.subheader(t("overview.open_clusters"))
    frame = read(experience.recent_clusters, newest - _RECENTLY)
    opened = frame[frame["ended_at"].isna()]
    if opened.empty:
        st.success(t("overview.no_clusters"), icon=":material/check_circle:")
    _ranked(opened[:_CLUSTERS_SHOWN])
    ended = frame[frame["ended_at"].notna()][: max(_CLUSTERS_SHOWN - len(opened), 0)]
    if len(ended):
        st.markdown(f"**{t('now.ended')}**")
        _ranked(ended)
    link("clusters", t("now.all_clusters"))


def _ranked(frame: pd.DataFrame) -> None:
    for row in screens.rows(frame):
        with st.container(border=True, gap="xxsmall"):
            link("clusters", f"**{where(row['selector'])}**", cluster=row["cluster_id"])
            shown = {
                "domain": word("domain", row["domain"]),
                "severity": share(row["severity"]),
                "users": count(row["users_hurt"]),
                "complaints": row["complaints"],
                "since": moment(row["started_at"]),
            }
            ended = row["ended_at"]
            st.caption(t("map.card", **shown) + ("" if pd.isna(ended) else " " + t("now.until", time=moment(ended))))


def hurt() -> None:
    """Show the tiers, segments, plans and regions with more bad sessions than expected."""
    st.subheader(t("now.hurt"))
    frame = read(experience.hurt, 6)
    if frame.empty:
        st.success(t("now.nobody"), icon=":material/check_circle:")
        return
    shown = pd.DataFrame(
        {
            t("column.value"): [
                f"{word('attribute', row['attribute'])}: {row['value']}" for row in screens.rows(frame)
            ],
            t("column.bad_ratio"): frame["bad_ratio"].map(share),
            t("column.expected_ratio"): frame["expected_ratio"].map(share),
            t("column.users"): frame["n_users"],
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("now.hurt"))


def complaints(newest: datetime) -> None:
    """Show today's complaints against the same span of the days before."""
    local = newest.astimezone(zone()) - timedelta(microseconds=1)  # midnight closes the day before it
    day = local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    today, usual = read(experience.complaints_today, day, newest)
    with st.container(border=True, gap="xxsmall"):
        change = None if usual is None else f"{today - usual:+.0f}"
        st.metric(t("now.complaints"), f"{today:,}", change, delta_color="inverse")
        st.caption(t("now.no_usual") if usual is None else t("now.complaints_usual", n=f"{usual:.0f}"))
        link("complaints", t("now.to_complaints"))


def alerts() -> None:
    """List the alerts that fire."""
    frame = read(alert_screens.firing, _ALERTS_SHOWN + 1)
    st.subheader(t("now.alerts"))
    if frame.empty:
        st.success(t("now.no_alerts"), icon=":material/check_circle:")
    for row in screens.rows(frame[:_ALERTS_SHOWN]):
        label = t("now.alert", severity=word("severity", row["severity"]), subject=alert_page.subject(row["subject"]))
        link("alerts", label, alert=row["alert_id"])
    if len(frame) > _ALERTS_SHOWN:
        link("alerts", t("now.more_alerts"))


def freshness() -> None:
    """Say of each kind of records how far scores are, and whether they are behind."""
    frame = read(screens.freshness)
    late = frame[frame["behind_s"] > _STALE_S]
    if frame.empty:
        return
    newest = frame["scored_event"].max()
    given = {"n": len(frame), "age": t("app.none") if pd.isna(newest) else age(newest, datetime.now(UTC))}
    if late.empty:
        st.caption(t("now.fresh", **given))
    else:
        st.warning(t("now.behind", names=", ".join(late["source"]), **given), icon=":material/schedule:")
    link("data", t("nav.data"))
