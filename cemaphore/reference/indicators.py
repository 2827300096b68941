"""The pages of network KPIs and service KQIs, from their catalogues."""

import kqi.catalogue
from cemaphore.catalogues import kpis, packaged
from cemaphore.reference.markdown import cell, code, facts, number, page
from kpi.catalogue import CHOICES, Kpi
from kqi.catalogue import Indicator
from records.kinds import SERVICES


def kpi_page() -> str:
    """Every KPI of the shipped catalogue, by category."""
    catalogue = kpis()
    intro = (
        f"Catalogue {code(catalogue.version)}, {len(catalogue.kpis)} KPIs. The language of the formulas and how to add "
        "a KPI of your own: [Network KPIs](../kpi.md).\n"
    )
    sections = [intro]
    for category in CHOICES["category"]:
        found = [entry for entry in catalogue.kpis.values() if entry.category == category]
        sections += [f"## {category.capitalize()}\n"] if found else []
        sections += [_kpi(entry) for entry in found]
    return page("KPI catalogue", *sections)


def _kpi(entry: Kpi) -> str:
    limits = ", ".join(
        f"{name} {'below' if entry.direction == 'higher' else 'above'} {number(limit)} {entry.unit}"
        for name, limit in (("warn", entry.warn), ("bad", entry.bad))
        if limit is not None
    )
    reason = f" ({entry.threshold_source}; {entry.threshold_grounding})" if limits else ""
    title = f"{cell(entry.title_en)} · {cell(entry.title_zh)}"
    return f"### {code(entry.name)}\n\n" + facts(
        [
            ("formula", code(entry.formula)),
            ("unit", f"{cell(entry.unit)}, {entry.direction} is better"),
            ("technology, kind", f"{entry.technology}, {entry.kind}"),
            ("limits", cell(limits + reason)),
            ("clause", cell(entry.clause)),
            ("source", f"{cell(entry.source)} ({entry.grounding})"),
            ("note", cell(entry.note or "")),
        ],
        title,
    )


def kqi_page() -> str:
    """Every KQI of the shipped catalogue, by service."""
    catalogue = kqi.catalogue.parse(packaged("kqi"))
    intro = (
        f"Catalogue {code(catalogue.version)}, {len(catalogue.indicators)} KQIs. A KQI is the sum of its numerator "
        "over the sum of its denominator, over the rows that it counts and in which both are known. How to add one of "
        "your own: [Quality](../models.md#kqis).\n"
    )
    sections = [intro]
    for title, found in _by_service(tuple(catalogue.indicators.values())):
        sections += [f"## {title}\n", *(_kqi(entry) for entry in found)]
    return page("KQI catalogue", *sections)


def _by_service(entries: tuple[Indicator, ...]) -> list[tuple[str, list[Indicator]]]:
    groups = [("All services", "sessions", "")]
    groups += [(name.capitalize(), "sessions", name) for name in SERVICES]
    groups += [("Touchpoints", "touchpoints", "")]
    return [
        (title, [entry for entry in entries if (entry.over, entry.service) == (over, service)])
        for title, over, service in groups
    ]


def _kqi(entry: Indicator) -> str:
    bins = entry.bins
    percentiles = f"yes, bins from {number(bins.lo)} to {number(bins.hi)} {entry.unit}" if bins else ""
    title = f"{cell(entry.title['en'])} · {cell(entry.title['zh'])}"
    return f"### {code(entry.name)}\n\n" + facts(
        [
            ("rows counted", code(entry.where.text) if entry.where.text != "1" else "all"),
            ("numerator", code(entry.numerator.text)),
            ("denominator", code(entry.denominator.text) if entry.denominator.text != "1" else "rows"),
            ("factor", number(entry.factor) if entry.factor != 1 else ""),
            ("unit", f"{cell(entry.unit)}, {'higher' if entry.direction > 0 else 'lower'} is better"),
            ("percentiles", cell(percentiles)),
            ("clause", f"{cell(entry.clause)} ({entry.grounding})"),
        ],
        title,
    )
