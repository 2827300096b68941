"""Hours of web sessions for the tests of scoring, and what scoring makes of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from store.connection import Connection
from tests.records import add_cells, add_devices, add_sessions

DAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = DAY + timedelta(hours=8)


def add_web(connection: Connection, hour: datetime, users: int = 24, *, batch: int = 1, load_ms: float = 900.0) -> None:
    """Insert three web sessions each of some users, spread over an hour, and mark it."""
    rng = np.random.default_rng(batch)
    rows = users * 3
    add_sessions(
        connection,
        {
            "subscriber_key": [1000 + row % users for row in range(rows)],
            "start_time": [hour + timedelta(seconds=int(s)) for s in rng.integers(0, 3600, rows)],
            "service": ["web"] * rows,
            "access": ["lte"] * rows,
            "success": [row % 5 != 0 for row in range(rows)],
            "failure_cause": ["rrc_fail" if row % 5 == 0 else None for row in range(rows)],
            "page_load_ms": [load_ms + 2 * row for row in range(rows)],
            "rtt_client_ms": [40.0 + row for row in range(rows)],
            "rtt_server_ms": [30.0] * rows,
            "cell_id": [f"C{row % 2}" for row in range(rows)],
            "tac": [35200001 + row % 2 for row in range(rows)],
            "app": ["taobao"] * rows,
        },
        batch=batch,
    )


def add_places(connection: Connection) -> None:
    """Insert the cells and devices of those sessions."""
    add_cells(connection, [{"cell_id": f"C{n}", "site_id": "S1", "region": "north", "band": "B3"} for n in range(2)])
    add_devices(connection, {35200001: "Phone 1", 35200002: "Phone 2"})


def _rows(connection: Connection, table: str) -> list[tuple[Any, ...]]:
    columns = [
        name
        for (name,) in connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'cem' AND table_name = %s "
            "ORDER BY ordinal_position",
            [table],
        )
    ]
    return sorted(connection.execute(f"SELECT {', '.join(columns)} FROM cem.{table}").fetchall(), key=repr)  # noqa: S608


SCORED = ("user_hour", "user_day", "user_period", "group_index", "kqi_value", "kpi_value")


def scored_rows(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table of scores, sorted."""
    return {table: _rows(connection, table) for table in SCORED}
