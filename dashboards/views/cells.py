"""One cell: its KPIs with their limits, its users' experience, its alarms and the clusters that touched it."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import streamlit as st

from dashboards import cell_page, filters
from dashboards.page import read, settings, t
from store import places, screens

SPANS = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=28)}
_MATCHES = 50


def main() -> None:
    """Draw the cell that the URL names (`?cell=ID`), or a way to find one."""
    st.title(t("cells.title"))
    cells = read(places.cells)
    newest = read(screens.newest)
    if cells.empty or newest is None:
        st.info(t("cells.none"))
        return
    cell = _chosen(cells)
    if cell is None:
        return
    found = cells[cells["cell_id"] == cell].iloc[0]
    cell_page.head(found)
    span = filters.buttons(t("cells.span"), list(SPANS), key="span", named=lambda name: t(f"cells.{name}"))
    start = newest - SPANS[span]
    _draw(found, start, newest, span)


def _chosen(cells: pd.DataFrame) -> str | None:
    """The cell of the URL, or one that fits what is typed: a part of the name of a cell, site, region or object."""
    asked = st.query_params.get("cell")
    known = asked in set(cells["cell_id"])
    if asked is not None and not known:
        st.warning(t("cells.unknown", cell=asked))
    typed = st.text_input(t("cells.search"), help=t("cells.search_help"), key="q", bind="query-params")
    fit = _fitting(cells, typed.strip()) if typed.strip() else cells
    if fit.empty:
        st.warning(t("cells.no_match", typed=typed))
        return asked if known else None
    ids = fit["cell_id"].tolist()
    shown = ids[:_MATCHES] if not known or asked in ids[:_MATCHES] else [str(asked), *ids[:_MATCHES]]
    if len(ids) > _MATCHES:
        st.caption(t("cells.more", shown=_MATCHES, n=len(ids)))
    return filters.listed(t("column.cell"), shown, key="cell", always=True)


def _fitting(cells: pd.DataFrame, typed: str) -> pd.DataFrame:
    columns = ("cell_id", "site_id", "region", "object_id")
    held = (cells[name].fillna("").str.contains(typed, case=False, regex=False) for name in columns)
    return cells[np.logical_or.reduce(list(held))]


def _draw(found: pd.Series, start: datetime, end: datetime, span: str) -> None:
    cell_page.kpis(found, start, end, span)
    left, right = st.columns(2)
    with left:
        cell_page.experience(found, start, end)
    with right:
        cell_page.clusters(found)
        cell_page.alarms(found, start, end)
    st.caption(t("cells.k_note", k=settings().k_anonymity))


main()
