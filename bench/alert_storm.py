"""A storm: every cell of a region drops at once, in a database of its own, judged as `cem run` judges."""

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time

from bench.cities import SERVER
from cemaphore import privatedb
from cemaphore.pipeline.alerting import alert
from cemaphore.settings import load_settings
from records.windows import QUARTER
from store.connection import Connection, connect

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
_DAYS, _USERS = 6, 60
_BEFORE, _DURING, _AFTER = 4, 4, 5  # windows

_CELLS = """
WITH source AS (INSERT INTO cem.source (name) VALUES ('storm') RETURNING source_id),
label AS (INSERT INTO cem.label (kind, value) SELECT 'cell', 'cell-' || n FROM generate_series(1, %(cells)s) n
          UNION ALL VALUES ('region', 'north') RETURNING label_id, kind)
INSERT INTO cem.cell (cell_id, source_id, batch_id, arrived_at, region)
SELECT l.label_id, s.source_id, 1, now(), (SELECT label_id FROM label WHERE kind = 'region')
FROM label l CROSS JOIN source s WHERE l.kind = 'cell'
"""
# Users differ by 15 points; a window's mean moves as that makes it. The whole is as usual: other regions are larger.
_WINDOW = """
INSERT INTO cem.group_index (grain, attribute, start, value, n_users, bad_users, n, bad, expected_bad, version_id,
    network_n, network_sum, network_sq, device_n, device_sum, device_sq, app_n, app_sum, app_sq,
    service_n, service_sum, service_sq, overall_n, overall_sum, overall_sq, overall)
SELECT '15m', g.attribute, w.start, g.value, %(users)s, 0, %(users)s, 0, 0, 1,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, %(users)s, %(users)s * m.mean, %(users)s * (m.mean ^ 2 + 225), m.mean
FROM unnest(%(starts)s::timestamptz[]) AS w (start)
CROSS JOIN (SELECT 'cell' AS attribute, cell_id AS value, %(level)s::float8 AS level FROM cem.cell
            UNION ALL VALUES ('all', 0, 80::float8)) g
CROSS JOIN LATERAL (SELECT g.level + 3 * (random() + random() + random() + random() - 2) AS mean) m
"""


@dataclass(frozen=True, kw_only=True)
class Storm:
    """Messages that said a storm fires, those that it is over, the parts it listed, and processor seconds a window."""

    cells: int
    firing: int
    resolved: int
    parts: int
    window_s: float

    @property
    def met(self) -> bool:
        """One message with every cell inside, and one that it is over."""
        return (self.firing, self.resolved, self.parts) == (1, 1, self.cells)


def storm(cells: int) -> Storm:
    """Let so many cells of one region drop together and recover."""
    with tempfile.TemporaryDirectory(prefix="cemaphore-storm-") as home:
        settings = load_settings(home=Path(home) / "home", database_url=None, time_zone="UTC", demo=True)
        try:
            privatedb.start(settings, extra=SERVER)
            dsn = privatedb.database_url(settings)
            with connect(dsn, autocommit=True) as connection:
                _write(connection, cells)
                began = process_time()
                alert(dsn, settings, now=NOON + timedelta(days=1))
                spent = process_time() - began
                return _told(connection, cells, spent)
        finally:
            privatedb.remove(settings)


def _write(connection: Connection, cells: int) -> None:
    connection.execute(_CELLS, {"cells": cells})
    days = [NOON - timedelta(days=day) for day in range(1, _DAYS + 1)]
    calm = [day + place * QUARTER for day in days for place in range(-_BEFORE, _DURING + _AFTER)]
    calm += [NOON + place * QUARTER for place in range(-_BEFORE, 0)]
    calm += [NOON + place * QUARTER for place in range(_DURING, _DURING + _AFTER)]
    bad = [NOON + place * QUARTER for place in range(_DURING)]
    for starts, level in ((calm, 80.0), (bad, 50.0)):
        connection.execute(_WINDOW, {"starts": starts, "level": level, "users": _USERS})
    last = NOON + (_DURING + _AFTER - 1) * QUARTER
    connection.execute("INSERT INTO cem.detection VALUES ('sessions', %s, 0, 0, now())", [last])
    first = NOON - (_BEFORE + 1) * QUARTER
    connection.execute("INSERT INTO cem.detection VALUES ('alerts', %s, 0, 0, now())", [first])


def _told(connection: Connection, cells: int, spent: float) -> Storm:
    rows = connection.execute(
        "SELECT body ->> 'state', (body ->> 'children_count')::integer FROM cem.delivery ORDER BY delivery_id"
    ).fetchall()
    newest = connection.execute(
        "SELECT count(*) FROM cem.alert WHERE parent_id IN (SELECT alert_id FROM cem.delivery)"
    ).fetchone()
    return Storm(
        cells=cells,
        firing=sum(state == "firing" for state, _ in rows),
        resolved=sum(state == "resolved" for state, _ in rows),
        parts=newest[0] if newest else 0,
        window_s=spent / (_BEFORE + _DURING + _AFTER),
    )
