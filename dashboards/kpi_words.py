"""Titles, units and limits of network KPIs, from the catalogues in force."""

from typing import Any

import streamlit as st

from cemaphore import catalogues
from dashboards.page import settings


@st.cache_resource
def catalogue() -> Any:
    """Return the KPI catalogue in force (`kpi.catalogue.Catalogue`)."""
    return catalogues.kpis(settings())


@st.cache_resource
def anchors() -> Any:
    """Return from where to where a KPI is good and bad (`kpi.scores.ScoreRules`)."""
    return catalogues.kpi_scores(settings())


def title(name: str, language: str) -> str:
    """Return a KPI's title in a language; its name when no catalogue holds it."""
    kpi = catalogue().kpis.get(name)
    if kpi is None:
        return name
    return str(kpi.title_zh if language == "zh" else kpi.title_en)


def unit(name: str) -> str:
    """Return a KPI's unit; nothing when no catalogue holds it or it has none."""
    kpi = catalogue().kpis.get(name)
    return "" if kpi is None or kpi.unit == "1" else str(kpi.unit)
