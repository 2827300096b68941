"""Experience now: the indices against what is usual, who is hurt, what is open, and how fresh all of it is."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from dashboards import charts, explained_number, exports, filters, local_days, situation
from dashboards.page import age, link, moment, on_the_clock, read, score, settings, share, t, word, zone
from store import experience, screens

ATTRIBUTES = ("region", "site", "cell", "model", "app", "server", "core_node", "plan", "segment", "vip_level")
GRAINS = {"15m": timedelta(days=1), "hour": timedelta(days=4), "day": timedelta(days=60)}
REFRESH_S = 60


def main() -> None:
    """Draw the screen; what is now draws itself again every minute."""
    st.title(t("overview.title"))
    newest = read(screens.newest)
    if newest is None:
        st.info(t("app.no_data"))
        return
    _now()
    _trend(newest)
    _worst()
    exports.week_report()
    with st.expander(t("overview.formula")):
        st.write(t("overview.formula_text"))


@st.fragment(run_every=REFRESH_S)
def _now() -> None:
    newest, now = read(screens.newest), read(experience.now)
    if newest is None or now is None:
        return
    st.caption(t("app.as_of", time=moment(newest), zone=zone().key, age=age(newest, datetime.now(UTC))))
    situation.headline(now)
    situation.indices(now)
    left, right = st.columns([3, 2])
    with left:
        situation.clusters(newest)
    with right:
        situation.hurt()
        situation.complaints(newest)
        situation.alerts()
        situation.freshness()


def _trend(newest: datetime) -> None:
    st.subheader(t("overview.trend"))
    chosen = filters.buttons(
        t("overview.grain"), list(GRAINS), key="grain", named=lambda name: word("grain", name), default="hour"
    )
    frame = read(screens.trend, chosen, newest - GRAINS[chosen])
    names = {name: t(f"dimension.{name}") for name in experience.INDICES}
    clocked = local_days.on_the_clock(frame) if chosen == "day" else on_the_clock(frame)
    st.altair_chart(charts.lines(clocked, names, time=t("column.time"), value="0-100"), alt=t("overview.trend_alt"))


def _worst() -> None:
    st.subheader(t("overview.worst"))
    attribute = filters.attribute(t("overview.group_by"), ATTRIBUTES, key="by")
    st.caption(t("overview.worst_help", k=settings().k_anonymity))
    frame = read(screens.worst, attribute, 15)
    shown = pd.DataFrame(
        {
            t("column.value"): frame["value"],
            t("dimension.overall"): frame["overall"].map(explained_number.marked),
            t("column.interval"): [
                f"{score(lo)} - {score(hi)}" for lo, hi in zip(frame["lo"], frame["hi"], strict=True)
            ],
            **{t(f"dimension.{name}"): frame[name].map(score) for name in experience.INDICES[1:]},
            t("column.bad_ratio"): frame["bad_ratio"].map(share),
            t("column.expected_ratio"): frame["expected_ratio"].map(share),
            t("column.users"): frame["n_users"],
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("overview.worst"))
    exports.offer(frame, f"worst-{attribute}", key="worst")
    if attribute == "cell" and len(frame):
        link("cells", t("overview.look_at", value=frame["value"].iloc[0]), cell=str(frame["value"].iloc[0]))


main()
