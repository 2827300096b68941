"""Devices, apps, servers, core nodes and cells ranked by what they themselves add to experience, with its error."""

from datetime import timedelta

import pandas as pd
import streamlit as st

from dashboards import charts, explained_number, exports, filters, ranking_charts
from dashboards.page import link, read, score, settings, share, t, word
from store import rankings

ATTRIBUTES = ("model", "app", "server", "core_node", "cell")
OUTCOMES = ("quality", "failure")
_DRAWN = 30
_LISTED = 300
_HISTORY = timedelta(days=60)


def main() -> None:
    """Draw the screen; `?of=` is the attribute, and `?model=` or `?app=` and so on the one that is looked at."""
    st.title(t("rankings.title"))
    asked = next((name for name in ATTRIBUTES if name in st.query_params), "")
    attribute = filters.buttons(
        t("rankings.of"), ATTRIBUTES, key="of", named=lambda name: word("attribute", name), default=asked
    )
    outcome = filters.buttons(t("rankings.outcome"), OUTCOMES, key="outcome", named=lambda name: t(f"rankings.{name}"))
    frame = read(rankings.ranking, attribute, outcome)
    if frame.empty:
        st.info(t("rankings.none"))
        return
    first = frame.iloc[0]
    st.caption(t("rankings.as_of", day=first["day"], version=first["version"], k=settings().k_anonymity))
    wanted = st.query_params.get(attribute)
    if wanted is not None:
        _one(frame, attribute, wanted, outcome)
    labels = {"value": word("attribute", attribute), "effect": t(f"rankings.{outcome}_axis"), "n": t("column.sessions")}
    st.vega_lite_chart(charts.themed(ranking_charts.effects(frame[:_DRAWN], labels)), alt=t("rankings.chart_alt"))
    _table(frame[:_LISTED], attribute)
    with st.expander(t("rankings.how")):
        st.markdown(t("rankings.how_text"))


def _one(frame: pd.DataFrame, attribute: str, wanted: str, outcome: str) -> None:
    found = frame[frame["value"] == wanted]
    if found.empty:
        st.warning(t("rankings.unknown", value=wanted, k=settings().k_anonymity))
        return
    one = found.iloc[0]
    with st.container(border=True):
        st.subheader(f"{word('attribute', attribute)}: {wanted}")
        figures = {
            t("rankings.effect"): f"{one['shrunk']:+.2f}",
            t("rankings.verdict"): _verdict(one["verdict"]),
            t("column.sessions"): f"{one['n']:,.0f}",
            t("dimension.overall"): score(one["overall"]),
        }
        for column, (name, value) in zip(st.columns(len(figures)), figures.items(), strict=True):
            column.metric(name, value)
        raw = {"raw": f"{one['effect']:+.2f}", "se": f"{one['se']:.2f}"}
        interval = t("rankings.interval", lo=f"{one['lo']:+.2f}", hi=f"{one['hi']:+.2f}", **raw)
        st.caption(" ".join([interval, t("rankings.not_network")] if one["not_network"] else [interval]))
        past = read(rankings.history, attribute, wanted, outcome, one["day"] - _HISTORY)
        axis = {"time": t("column.time"), "effect": t(f"rankings.{outcome}_axis")}
        chart = charts.themed(ranking_charts.history(past, axis))
        st.vega_lite_chart(chart, alt=t("rankings.history_alt", value=wanted))
        if attribute == "cell":
            link("cells", t("map.cell", cell=wanted), cell=wanted)


def _table(frame: pd.DataFrame, attribute: str) -> None:
    shown = pd.DataFrame(
        {
            "#": range(1, len(frame) + 1),
            word("attribute", attribute): frame["value"],
            t("rankings.effect"): frame["shrunk"].map("{:+.2f}".format),
            t("column.interval"): [f"{lo:+.2f} … {hi:+.2f}" for lo, hi in zip(frame["lo"], frame["hi"], strict=True)],
            t("rankings.raw"): [f"{raw:+.2f} ± {se:.2f}" for raw, se in zip(frame["effect"], frame["se"], strict=True)],
            t("rankings.verdict"): frame["verdict"].map(_verdict),
            t("dimension.overall"): frame["overall"].map(explained_number.marked),
            t("column.bad_ratio"): frame["bad_ratio"].map(share),
            t("column.sessions"): frame["n"].round().astype("Int64"),
            t("column.users"): frame["users"],
        }
    )
    values = frame["value"].tolist()
    # Another choice in the URL is another table: it holds no older click.
    key = f"ranking-{attribute}-{st.query_params.get(attribute)}"
    st.dataframe(
        shown,
        hide_index=True,
        key=key,
        on_select=lambda: _picked(key, attribute, values),
        selection_mode="single-row",
        alt=t("rankings.title"),
    )
    st.caption(t("rankings.pick"))
    exports.offer(frame, f"effects-{attribute}", key="effects")


def _picked(key: str, attribute: str, values: list[str]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows:
        filters.put("of", attribute)
        filters.put(attribute, values[rows[0]])


def _verdict(name: str | None) -> str:
    return t("app.not_enough") if name is None or pd.isna(name) else word("verdict", name)


main()
