"""What changed with a cluster: evidence before and during, in small charts and a table, and KPIs over time."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import charts, small_charts
from dashboards.access import database_role
from dashboards.kpi_words import title
from dashboards.page import language, moment, on_the_clock, read, t, word
from dashboards.scene import cells_of
from store import places

Found = Mapping[str, Any]
Piece = dict[str, Any]

_NAMED_BY = {"demarcation": "segment", "conditions": "attribute"}  # kind of evidence to prefix of its messages
_CHARTS = 8  # pieces that are drawn, those that changed most; the table has all
_KPIS = 4
_OBJECTS = 300  # network objects whose mean is drawn
_BEFORE, _AFTER = timedelta(hours=6), timedelta(hours=3)
_LONGEST = timedelta(days=2)  # a longer cluster is drawn by hour


def show(found: Found) -> None:
    """Draw what changed, the network's KPIs around it, and behind a click all evidence with what it speaks for."""
    st.subheader(t("cluster.changed"))
    pieces = [piece for piece in found["evidence"] if "metric" in piece]
    if not pieces:
        st.write(t("cluster.no_evidence"))
        return
    drawn = [piece for piece in pieces if piece.get("kind") in ("measurement", "kpi") and _both(piece)]
    drawn = sorted(drawn, key=lambda piece: -abs(piece["effect"] or 0.0))[:_CHARTS]
    if drawn:
        rows = [(_named(piece), piece["before"], piece["during"]) for piece in drawn]
        labels = (t("column.before"), t("column.during"))
        st.vega_lite_chart(charts.themed(small_charts.before_and_during(rows, labels)), alt=t("cluster.changed_alt"))
    _kpis(found, pieces)
    with st.expander(t("cluster.evidence")):
        _table(pieces)


def _both(piece: Piece) -> bool:
    return piece.get("before") is not None and piece.get("during") is not None


def _named(piece: Piece) -> str:
    bare = piece["unit"] in ("1", "ratio", None)
    return _metric(piece) if bare else f"{_metric(piece)} ({_unit(piece)})"


def _unit(piece: Piece) -> str:
    return word("evidence_unit", str(piece.get("unit") or ""))


def _metric(piece: Piece) -> str:
    name = str(piece["metric"])
    if piece.get("kind") == "kpi":
        return title(name, language())
    if piece.get("kind") == "joint":
        return word("dimension", word("domain", name))
    return word(_NAMED_BY.get(str(piece.get("kind")), "measure"), name)


def _kpis(found: Found, pieces: list[Piece]) -> None:
    """The KPIs that changed most, over time, as means over the cells of the cluster."""
    names = [str(piece["metric"]) for piece in pieces if piece.get("kind") == "kpi"][:_KPIS]
    if not names or database_role() == "cem_care":  # customer care reads the evidence, and no object's KPIs
        return
    objects = cells_of(found["selector"], read(places.cells))["object_id"].tolist()[:_OBJECTS]
    start: datetime = found["started_at"]
    end: datetime = found["ended_at"] or found["updated_at"]
    step = timedelta(minutes=15) if end - start <= _LONGEST else timedelta(hours=1)
    frame = read(places.mean_kpis, tuple(objects), tuple(names), start - _BEFORE, end + _AFTER, step)
    if frame.empty:
        return
    st.markdown(f"**{t('cluster.kpis', n=len(objects))}**")
    shown = on_the_clock(frame).assign(kpi=frame["kpi"].map(lambda name: title(name, language())))
    span = on_the_clock(pd.DataFrame({"start": [start, end]}))["start"]
    order = [title(name, language()) for name in names]
    chart = small_charts.series(shown, order, (span.iloc[0], span.iloc[1]), time=t("column.time"))
    st.vega_lite_chart(charts.themed(chart), alt=t("cluster.kpis_alt"))


def _table(pieces: list[Piece]) -> None:
    rows = [
        {
            t("column.kind"): word("evidence", str(piece.get("kind", "complaints"))),
            t("column.metric"): _metric(piece),
            **{t(f"column.{name}"): piece.get(name) for name in ("before", "during", "effect")},
            t("column.unit"): _unit(piece),
            t("column.changed"): _changed(piece),
            t("column.speaks"): _speaks(piece),
        }
        for piece in pieces
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt=t("cluster.evidence"))


def _changed(piece: Piece) -> str:
    if not piece.get("changed"):
        return ""
    at = moment(datetime.fromisoformat(piece["changed"]))
    return at if piece.get("timely") is None else t("cluster.timely" if piece["timely"] else "cluster.untimely", at=at)


def _speaks(piece: Piece) -> str:
    said = piece.get("speaks") or {}
    return ", ".join(f"{word('domain', domain)} {weight:+.1f}" for domain, weight in said.items())
