"""Which cells served one customer, and what their counters said while they did."""

from datetime import datetime

import pandas as pd

from store.connection import Connection
from store.screens import frame


def cells_of(connection: Connection, customer_key: int, start: datetime, end: datetime) -> pd.DataFrame:
    """Return one customer's sessions in [start, end) by cell and 15 minutes: columns cell, start, sessions."""
    return frame(
        connection,
        "SELECT cell, start, sessions FROM api.customer_cells(%(key)s, %(start)s, %(end)s) ORDER BY start, cell",
        {"key": customer_key, "start": start, "end": end},
    )


def kpis_of(connection: Connection, customer_key: int, start: datetime, end: datetime) -> pd.DataFrame:
    """Return the KPIs of those cells and windows: columns cell, start, kpi, value."""
    return frame(
        connection,
        "SELECT cell, start, kpi, value FROM api.customer_cell_kpis(%(key)s, %(start)s, %(end)s)",
        {"key": customer_key, "start": start, "end": end},
    )
