"""Index trends by segment and value tier: with intervals, the share of bad days, fairness and misleading mixes."""

from datetime import timedelta
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import care_charts, exports, filters, local_days
from dashboards.explained_number import Number, explain, marked
from dashboards.page import moment, on_the_clock, read, score, settings, share, t, word
from store import aggregation, care_groups, screens

_ATTRIBUTES = ("segment", "vip_level", "plan")
_MEASURES = ("overall", "network", "device", "app", "service")
_GRAINS = {"day": timedelta(days=60), "hour": timedelta(days=4)}
_DRAWN = len(care_charts.PALETTE)  # more lines cannot be told apart
_MOSTLY = 0.5


def main() -> None:
    """Draw the screen."""
    st.title(t("trends.title"))
    newest = read(screens.newest)
    if newest is None:
        st.info(t("app.no_data"))
        return
    left, middle, right = st.columns(3)
    with left:
        attribute = filters.attribute(t("overview.group_by"), _ATTRIBUTES, key="by")
    with middle:
        measure = filters.listed(
            t("trends.measure"), _MEASURES, key="index", named=lambda name: word("dimension", name)
        )
    with right:
        grain = filters.buttons(
            t("overview.grain"), tuple(_GRAINS), key="grain", named=lambda name: word("grain", name)
        )
    frame = read(care_groups.trend, attribute, measure, grain, newest - _GRAINS[grain])
    frame = frame.dropna(subset=["value"])
    if frame.empty:
        st.info(t("app.no_data"))
        return
    _lines(frame, measure, by_day=grain == "day")
    _newest(frame, measure, by_day=grain == "day")
    _cautions(attribute)


def _lines(frame: pd.DataFrame, measure: str, *, by_day: bool) -> None:
    largest = frame.groupby("value")["users"].max().nlargest(_DRAWN).index
    drawn = frame[frame["value"].isin(largest)]
    whole = pd.MultiIndex.from_product([drawn["start"].unique(), largest], names=["start", "value"])
    # A group that was hidden or had no figure in a window has a gap there.
    full = drawn.set_index(["start", "value"]).reindex(whole).reset_index()
    score_of = full[["score", "lo", "hi"]].set_axis(["value", "lo", "hi"], axis=1)
    # Of groups with few bad users their number is hidden; the share of bad sessions is told of all.
    bad = "bad_share" if full["bad_share"].notna().mean() >= _MOSTLY else "bad_ratio"
    percent = pd.DataFrame(dict.fromkeys(("value", "lo", "hi"), full[bad] * 100))
    clocked = local_days.on_the_clock(full) if by_day else on_the_clock(full)
    for label, unit, values in (
        (word("dimension", measure), "0-100", score_of),
        (t(f"trends.{bad}"), "%", percent),
    ):
        st.subheader(label)
        shown = clocked[["start", "value"]].rename(columns={"value": "group"}).join(values)
        st.altair_chart(care_charts.groups(shown, time=t("column.time"), label=unit), alt=t("trends.alt", name=label))
    st.caption(t("trends.help", k=settings().k_anonymity, most=_DRAWN))


def _newest(frame: pd.DataFrame, measure: str, *, by_day: bool) -> None:
    last = frame[frame["start"] == frame["start"].max()]
    start = last["start"].iloc[0]
    st.subheader(t("trends.newest", time=local_days.name_of(start) if by_day else moment(start)))
    shown = pd.DataFrame(
        {
            t("column.value"): last["value"],
            word("dimension", measure): last["score"].map(marked),
            t("column.interval"): [f"{score(a)} - {score(b)}" for a, b in zip(last["lo"], last["hi"], strict=True)],
            t("trends.bad_share"): last["bad_share"].map(_share_or_few),
            t("column.bad_ratio"): last["bad_ratio"].map(share),
            t("column.users"): last["n_users"],
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("trends.title"))
    exports.offer(last, "newest-groups")
    names = list(last["value"])
    one = last.iloc[names.index(filters.listed(t("trends.group"), names, key="group"))]
    with st.expander(t("number.open", name=f"{one['value']}, {word('dimension', measure)}")):
        explain(word("dimension", measure), _number(one))


def _share_or_few(value: float) -> str:
    return t("app.too_few", k=settings().k_anonymity) if pd.isna(value) else share(value)


def _number(one: pd.Series) -> Number:
    return Number(
        formula="group",
        value=one["score"],
        lo=one["lo"],
        hi=one["hi"],
        facts=(
            t("number.users", users=f"{one['users']:,}", all=f"{one['n_users']:,}"),
            t("number.observations", n=f"{one['n']:,}"),
        ),
        coverage=one["users"] / one["n_users"] if one["n_users"] else None,
        model_version=one["model_version"],
        catalogue_version=one["catalogue_version"],
        baseline_id=int(one["baseline_id"]),
    )


def _cautions(attribute: str) -> None:
    """Say how evenly groups fare inside, and which comparisons of them a mix misleads."""
    st.subheader(t("trends.cautions"))
    warnings = read(aggregation.warnings)
    mine = warnings[warnings["attribute"] == attribute]
    if mine.empty:
        st.caption(t("trends.no_caution"))
    for one in mine.to_dict("records"):
        st.warning(_caution(one), icon=":material/balance:")
    fairness = read(aggregation.fairness, "overall")
    even = fairness[(fairness["attribute"] == attribute) & (fairness["measure"] == "overall")]
    if even.empty:
        return
    shown = pd.DataFrame(
        {
            t("column.value"): even["value"],
            t("aggregation.fairness_f"): even["fairness"].map("{:.3f}".format),
            t("aggregation.sigma"): even["sigma"].map(score),
            t("aggregation.average"): even["mean"].map(score),
            t("column.users"): even["n_users"],
        }
    )
    st.dataframe(shown, hide_index=True, alt=t("aggregation.fairness"))
    st.caption(t("trends.fairness_help", day=local_days.name_of(even["start"].iloc[0])))


def _caution(one: dict[Any, Any]) -> str:
    return t(
        f"trends.{one['kind']}",
        group=one["value"],
        against=word("aggregation.with", one["compared_with"]),
        mix=word("attribute", one["mix"]),
        crude=f"{one['crude']:+.1%}",
        adjusted=f"{one['adjusted']:+.1%}",
    )


main()
