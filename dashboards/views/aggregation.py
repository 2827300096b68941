"""Aggregation: what other means and caps would do to the index, how fair groups are, and comparisons that mislead."""

import pandas as pd
import streamlit as st

from dashboards import charts, filters
from dashboards.page import moment, read, score, settings, share, t, word
from store import aggregation as stored

CHOICES = ("mean", "caps")
ATTRIBUTES = ("segment", "plan", "vip_level")
AREAS = ("segment", "plan", "vip_level", "region", "site")


def main() -> None:
    """Draw the screen."""
    st.title(t("aggregation.title"))
    choices = read(stored.choices)
    if choices.empty:
        st.info(t("aggregation.none"))
        return
    first = choices.iloc[0]
    st.caption(t("aggregation.as_of", time=moment(first["start"]), catalogue=first["catalogue_version"]))
    _choices(choices)
    _fairness(read(stored.fairness, "overall"))
    _warnings(read(stored.warnings))
    with st.expander(t("overview.formula")):
        st.write(t("aggregation.formula_text"))


def _choices(choices: pd.DataFrame) -> None:
    chosen = filters.buttons(
        t("aggregation.choice"), CHOICES, key="choice", named=lambda name: word("aggregation.choice", name)
    )
    picked = choices[choices["choice"] == chosen].assign(setting=lambda frame: _settings(frame))
    st.caption(t(f"aggregation.{chosen}_help"))
    whole = picked[picked["attribute"] == "all"]
    if whole.empty:
        st.write(t("app.not_enough"))
        return
    labels = {"p10": t("aggregation.p10"), "p50": t("aggregation.p50"), "p90": t("aggregation.p90")}
    st.altair_chart(charts.spans(whole, labels, title="0-100"), alt=t("aggregation.spans_alt"))
    st.dataframe(_shown(whole), hide_index=True)
    st.subheader(t("aggregation.by_group"))
    attribute = filters.attribute(t("overview.group_by"), ATTRIBUTES, key="by")
    groups = picked[picked["attribute"] == attribute]
    table = groups.pivot_table(index="value", columns="setting", values="mean", sort=False)
    st.dataframe(table.rename_axis(index=word("attribute", attribute), columns=None).map(score))


def _settings(choices: pd.DataFrame) -> pd.Series:
    names = choices["setting"].map(lambda name: word("aggregation.mean", name))
    return names.where(~choices["in_force"], names.map(lambda name: t("aggregation.in_force", name=name)))


def _shown(choices: pd.DataFrame) -> pd.DataFrame:
    scores = {"mean": "aggregation.average", **{name: f"aggregation.{name}" for name in ("p10", "p50", "p90")}}
    shares = {"low_share": "aggregation.low", "up_share": "aggregation.up", "down_share": "aggregation.down"}
    return pd.DataFrame(
        {
            t("aggregation.setting"): choices["setting"],
            **{t(key): choices[name].map(score) for name, key in scores.items()},
            **{t(key): choices[name].map(share) for name, key in shares.items()},
            t("column.users"): choices["n_users"],
        }
    )


def _fairness(fairness: pd.DataFrame) -> None:
    st.subheader(t("aggregation.fairness"))
    st.caption(t("aggregation.fairness_help"))
    attribute = filters.attribute(t("aggregation.area"), AREAS, key="area")
    groups = fairness[(fairness["attribute"] == attribute) & (fairness["measure"] == "overall")]
    shown = pd.DataFrame(
        {
            t("column.value"): groups["value"],
            t("aggregation.fairness_f"): groups["fairness"].map("{:.3f}".format),
            t("aggregation.sigma"): groups["sigma"].map(score),
            t("aggregation.average"): groups["mean"].map(score),
            t("column.users"): groups["n_users"],
        }
    )
    st.dataframe(shown, hide_index=True)


def _warnings(warnings: pd.DataFrame) -> None:
    st.subheader(t("aggregation.warnings"))
    st.caption(t("aggregation.warnings_help", k=settings().k_anonymity))
    if warnings.empty:
        st.info(t("aggregation.no_warnings"))
        return
    shown = pd.DataFrame(
        {
            t("aggregation.group"): [
                f"{word('attribute', attribute)}: {value}"
                for attribute, value in zip(warnings["attribute"], warnings["value"], strict=True)
            ],
            t("aggregation.compared_with"): warnings["compared_with"].map(lambda name: word("aggregation.with", name)),
            t("aggregation.mix"): warnings["mix"].map(lambda name: word("attribute", name)),
            t("aggregation.kind"): warnings["kind"].map(lambda name: word("aggregation.kind", name)),
            t("aggregation.crude"): warnings["crude"].map("{:+.1%}".format),
            t("aggregation.adjusted"): warnings["adjusted"].map("{:+.1%}".format),
            t("column.users"): warnings["n_users"],
        }
    )
    st.dataframe(shown, hide_index=True)


main()
