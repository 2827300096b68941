"""A score that opens to how it was made: formula, what it lost to what, observations, coverage, interval, versions.

`customer` and `group` make a `Number` of what `store.numbers` reads; `show` draws it as a card with a way to open it.
No score, a bad one and a good one differ in symbol and word, never in colour alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from dashboards.page import score, settings, share, t

DIMENSIONS = ("network", "device", "app", "service")
BAD_BELOW = 50.0  # the catalogue's limit of a bad session
# MOS 3.6 of 1 to 4.5: from R = 70 on only some users are dissatisfied (G.107 Annex B); own for indices.
GOOD_FROM = 75.0
SYMBOLS = {"unknown": "◌", "bad": "▼", "middling": "◆", "good": "▲"}


@dataclass(frozen=True, kw_only=True)
class Number:
    """One score with what it was made of; a missing `value` is "not enough data", which is no figure at all.

    `formula` is the end of a message key (`number.formula.*`). `lost` are points below 100 by message key: they sum to
    100 - value. `facts` are further figures, ready to be read. `coverage` is a ratio of what `formula` needs.
    """

    formula: str
    value: float | None
    lo: float | None = None
    hi: float | None = None
    lost: Mapping[str, float] = field(default_factory=dict)
    facts: tuple[str, ...] = ()
    coverage: float | None = None
    model_version: str | None = None
    catalogue_version: str | None = None
    baseline_id: int | None = None


def state(value: float | None) -> str:
    """Return `unknown`, `bad`, `middling` or `good`."""
    if _missing(value):
        return "unknown"
    assert value is not None
    return "bad" if value < BAD_BELOW else "good" if value >= GOOD_FROM else "middling"


def marked(value: float | None) -> str:
    """Return a score for a table's cell with its symbol, such as "▼ 41.2", or that there is not enough data."""
    return f"{SYMBOLS[state(value)]} {score(value)}"


def customer(row: Mapping[str, Any], name: str) -> Number:
    """Make a number of a customer's day or period: `overall` or a dimension.

    A row of `store.numbers.customer_day` also tells what a dimension's observations alone come to.
    """
    if name == "overall":
        lost = {f"dimension.{part}": row[f"{part}_c"] for part in (*DIMENSIONS, "prior")}
        if row.get("persistence_c"):
            lost["customer.persistence"] = row["persistence_c"]
        return Number(
            formula="overall",
            value=row["overall"],
            lo=row["lo"],
            hi=row["hi"],
            lost={key: points for key, points in lost.items() if not _missing(points)},
            facts=(t("number.observations", n=f"{row['n']:,}"),),
            coverage=row["coverage"],
            **_versions(row),
        )
    facts: tuple[str, ...] = ()
    if not _missing(row.get(f"{name}_alone")):
        parts = {key: score(row[f"{name}_{key}"]) for key in ("alone", "prior")}
        facts = (t("number.alone", n=f"{row[f'{name}_n']:,}", **parts),)
    formula = "service" if name == "service" else "dimension"
    return Number(formula=formula, value=row[name], facts=facts, **_versions(row))


def group(found: Mapping[str, Mapping[str, Any]], name: str) -> Number:
    """Make a number of a group's index out of what `store.numbers.group` returned."""
    row = found.get(name)
    if row is None:
        return Number(formula="group", value=None)
    return Number(
        formula="group",
        value=row["score"],
        lo=row["lo"],
        hi=row["hi"],
        facts=(
            t("number.users", users=f"{row['users']:,}", all=f"{row['n_users']:,}"),
            t("number.observations", n=f"{row['n']:,}"),
        ),
        coverage=row["users"] / row["n_users"] if row["n_users"] else None,
        **_versions(row),
    )


def show(label: str, number: Number, *, change: float | None = None, key: str) -> None:
    """Draw the score as a card that opens to how it was made; `change` against a comparable score before."""
    mark = state(number.value)
    with st.container(border=True, gap="xsmall"):
        shown = "—" if mark == "unknown" else score(number.value)
        st.metric(label, shown, None if _missing(change) else f"{change:+.1f}")
        st.markdown(f"{SYMBOLS[mark]} {t(f'number.{mark}')}")
        with st.popover(t("number.open", name=label), type="tertiary", key=f"number-{key}"):
            explain(label, number)


def explain(label: str, number: Number) -> None:
    """Write how a score was made, in plain words; for cards, expanders and panels."""
    if _missing(number.value):
        st.markdown(f"**{SYMBOLS['unknown']} {t('number.unknown')}.** {t('number.why_unknown')}")
    st.markdown(t(f"number.formula.{number.formula}", k=settings().k_anonymity))
    if number.lost and not _missing(number.value):
        st.markdown(_sum(label, number))
    lines = list(number.facts)
    if not _missing(number.lo) and not _missing(number.hi):
        lines.append(t("number.interval", lo=score(number.lo), hi=score(number.hi)))
    if not _missing(number.coverage):
        lines.append(t(f"number.coverage.{number.formula}", share=share(number.coverage)))
    if number.model_version is not None:
        lines.append(t("number.versions", model=number.model_version, catalogue=number.catalogue_version))
        lines.append(t("number.baseline", id=number.baseline_id) if number.baseline_id else t("number.no_baseline"))
    st.markdown("\n".join(f"- {line}" for line in lines))


def _sum(label: str, number: Number) -> str:
    """The sum from 100 down to the score, as a table."""
    rows = [f"| {t('number.best')} | 100.0 |"]
    rows += [f"| {t(key)} | −{points:.1f} |" for key, points in rounded(number.lost).items()]
    rows.append(f"| **{label}** | **{score(number.value)}** |")
    return "\n".join([f"| {t('number.part')} | {t('number.points')} |", "|:--|--:|", *rows])


def rounded(lost: Mapping[str, float]) -> dict[str, float]:
    """Return points lost to one digit, so that 100 less the ones shown is the score as it is shown."""
    shown, left = {}, 100.0
    for key, points in lost.items():
        shown[key] = round(round(left, 1) - round(left - points, 1), 1)
        left -= points
    return shown


def _versions(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("model_version", "catalogue_version", "baseline_id")}


def _missing(value: float | None) -> bool:
    return value is None or bool(pd.isna(value))
