"""What the network said of cells while they were bad: positions, counters' KPIs and alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from store.connection import Connection
from store.copying import Arrays, copy_out

# A cell without an object name in the inventory is looked for under its own name.
_OBJECTS: LiteralString = (
    "WITH object AS (SELECT coalesce(c.object_id, o.label_id) AS object_id FROM cem.cell_now c "
    "JOIN cem.label n ON n.label_id = c.cell_id LEFT JOIN cem.label o ON o.kind = 'object' AND o.value = n.value "
    "WHERE c.cell_id = ANY(%(cells)s)) "
)
_KPIS: LiteralString = (
    "SELECT k.kpi, k.start, avg(k.value), count(*) FROM cem.kpi_value k WHERE k.kpi = ANY(%(kpis)s) "
    "AND k.start >= %(start)s AND k.start < %(end)s AND k.value <> 'NaN' "
    "AND k.object_id IN (SELECT object_id FROM object) GROUP BY 1, 2 ORDER BY 1, 2"
)
_ALARMS: LiteralString = (
    "SELECT a.time, o.value, a.alarm_id, coalesce(s.value, ''), a.cleared, coalesce(c.value, ''), "
    "coalesce(a.specific_problem, '') FROM cem.alarm a JOIN cem.label o ON o.label_id = a.object_id "
    "LEFT JOIN cem.label s ON s.label_id = a.severity LEFT JOIN cem.label c ON c.label_id = a.alarm_condition "
    "WHERE a.time >= %(start)s AND a.time < %(end)s AND (a.object_id IN (SELECT object_id FROM object) "
    "OR o.value IN (SELECT value FROM cem.label WHERE label_id = ANY(%(places)s))) ORDER BY a.time, o.value"
)
_POSITIONS: LiteralString = (
    "SELECT DISTINCT ON (cell_id) cell_id::bigint, coalesce(site_id, 0)::bigint, coalesce(lat, 'NaN')::float8, "
    "coalesce(lon, 'NaN')::float8 FROM cem.cell_now ORDER BY cell_id, valid_from DESC"
)


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One notification of a network element."""

    time: datetime
    object_name: str
    alarm_id: str
    severity: str
    cleared: bool
    condition: str
    problem: str


def positions(connection: Connection) -> Arrays:
    """Return the newest place of each cell: arrays cell, site (0: not known), lat, lon (degree, NaN: not known)."""
    return copy_out(connection, _POSITIONS, (("cell", "i8"), ("site", "i8"), ("lat", "f8"), ("lon", "f8")))


def kpi_series(
    connection: Connection, kpis: Sequence[str], cells: Sequence[int], start: datetime, end: datetime
) -> list[tuple[str, datetime, float, int]]:
    """Return (KPI, start, mean over these cells' objects, objects) of the periods that start in [start, end)."""
    given = {"kpis": list(kpis), "cells": list(cells), "start": start, "end": end}
    return connection.execute(_OBJECTS + _KPIS, given).fetchall()


def alarms(
    connection: Connection, cells: Sequence[int], sites: Sequence[int], start: datetime, end: datetime
) -> list[Alarm]:
    """Return alarms of [start, end) on these cells' objects or on one named as a cell or site, oldest first."""
    given = {"cells": list(cells), "places": [*cells, *sites], "start": start, "end": end}
    names = ("time", "object_name", "alarm_id", "severity", "cleared", "condition", "problem")
    rows = connection.execute(_OBJECTS + _ALARMS, given)
    return [Alarm(**dict(zip(names, row, strict=True))) for row in rows]
