"""The cells that served one customer, by their own counters: evidence beside the network dimension, no part of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cemaphore import catalogues
from cemaphore.pipeline.effects import customer_parts
from cemaphore.settings import Settings
from kpi.scores import cell_scores, exposed
from store import serving
from store.connection import Connection

_WORST = 3


def serving_cells(
    connection: Connection, settings: Settings, customer_key: int, start: datetime, end: datetime
) -> dict[str, Any] | None:
    """Return scores 0..100 of the cells that served a customer in [start, end), weighted by its sessions in each.

    `score`, one figure a category, `coverage` (share of sessions in cells and windows with a score), `sessions`,
    `version`, and `worst`: the cells with the lowest scores, with the KPI that is lowest. None without sessions; NaN
    where nothing was counted.
    """
    rules = catalogues.kpi_scores(settings)
    sessions = serving.cells_of(connection, customer_key, start, end)
    if sessions.empty:
        return None
    scores = cell_scores(serving.kpis_of(connection, customer_key, start, end), rules)
    joined = sessions.merge(scores, on=["cell", "start"]).dropna(subset=["score"])
    joined["points"] = joined["score"] * joined["sessions"]
    by_cell = joined.groupby("cell")[["points", "sessions"]].sum()
    by_cell["score"] = by_cell["points"] / by_cell["sessions"]
    lowest = joined.sort_values("score").drop_duplicates("cell").set_index("cell")["lowest"]
    worst = by_cell.join(lowest).sort_values("score").head(_WORST).reset_index()
    return {
        **exposed(scores, sessions, rules),
        "sessions": int(sessions["sessions"].sum()),
        "version": rules.version,
        "worst": worst[["cell", "score", "sessions", "lowest"]].to_dict("records"),
    }


def evidence_of(
    connection: Connection, settings: Settings, customer_key: int, periods: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what lies beside a customer's indices of the week: `serving_cells`, and `whose_fault` by joint effects.

    `periods` are the customer's trailing ones; the week is the shortest of them. Both None without it.
    """
    week = min(periods, key=lambda period: int(period["days"]), default=None)
    if week is None:
        return {"serving_cells": None, "whose_fault": None}
    end = week["start"] + timedelta(days=1)
    start = end - timedelta(days=int(week["days"]))
    return {
        "serving_cells": serving_cells(connection, settings, customer_key, start, end),
        "whose_fault": customer_parts(connection, customer_key, start, end),
    }
