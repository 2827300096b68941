"""Joint effects in the database: the sums that they are made of, the effects of each day, and verdicts."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from psycopg import sql

from store.connection import Connection
from store.copying import Arrays, copy_in
from store.screens import frame

_PART = 8_000_000  # pairs of levels in one row of the database (own): some 100 MB
_DTYPES = {"keys": "<i8", "product": "<f8", "totals": "<f8", "clustering": "<f8"}


def learned_until(connection: Connection) -> date | None:
    """Return the day before which the sums know every day that they were taught; None when they know none."""
    row = connection.execute("SELECT learned_until FROM cem.effect_state").fetchone()
    return row[0] if row else None


def read_state(connection: Connection) -> Arrays | None:
    """Return the sums: arrays keys, product, totals, clustering, n, days, first, second, sessions; None without any."""
    query = "SELECT keys, product, totals, clustering, n, days FROM cem.effect_state"
    row = connection.execute(query, binary=True).fetchone()
    if row is None:
        return None
    state: Arrays = {name: np.frombuffer(row[place], code) for place, (name, code) in enumerate(_DTYPES.items())}
    query = "SELECT first, second, sessions FROM cem.effect_pairs ORDER BY part"
    pairs = connection.execute(query, binary=True).fetchall()
    first, second, sessions = (b"".join(pair[place] for pair in pairs) for place in range(3))
    state |= {name: np.frombuffer(raw, "<i4") for name, raw in (("first", first), ("second", second))}
    # Sums were kept in single precision once, which rounded them until equations had no solution.
    state["sessions"] = np.frombuffer(sessions, "<f8" if len(sessions) == 2 * len(first) else "<f4")
    return state | {"n": np.array(row[4]), "days": np.array(row[5])}


def keep_state(connection: Connection, until: date, state: Mapping[str, NDArray[Any]]) -> None:
    """Replace the sums by ones that know the days before `until`; arrays as `read_state` returns them."""
    connection.execute("DELETE FROM cem.effect_state")
    connection.execute("DELETE FROM cem.effect_pairs")
    whole = [state[name].astype(code).tobytes() for name, code in _DTYPES.items()]
    connection.execute(
        "INSERT INTO cem.effect_state (learned_until, keys, product, totals, clustering, n, days) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [until, *whole, float(state["n"]), float(state["days"])],
    )
    for part, start in enumerate(range(0, len(state["first"]), _PART)):
        mine = slice(start, start + _PART)
        connection.execute(
            "INSERT INTO cem.effect_pairs (part, first, second, sessions) VALUES (%s, %s, %s, %s)",
            [
                part,
                state["first"][mine].astype("<i4").tobytes(),
                state["second"][mine].astype("<i4").tobytes(),
                state["sessions"][mine].astype("<f8").tobytes(),
            ],
        )


def replace_day(connection: Connection, table: str, day: date, columns: Mapping[str, Any]) -> None:
    """Replace the rows of a day in `effect` or `effect_verdict` by these columns; single values fill theirs."""
    connection.execute(sql.SQL("DELETE FROM {} WHERE day = %s").format(sql.Identifier("cem", table)), [day])
    rows = max(len(values) for values in columns.values() if isinstance(values, np.ndarray))
    arrays = {name: _array(values, rows) for name, values in {"day": day, **columns}.items()}
    copy_in(connection, f"cem.{table}", pa.record_batch(arrays))


def _array(values: Any, rows: int) -> pa.Array:
    if not isinstance(values, np.ndarray):
        return pa.repeat(pa.scalar(values), rows)
    if values.dtype.kind == "f":
        return pa.array(values.astype(np.float32))
    return pa.array(values.astype(np.int32)) if values.dtype.kind == "i" else pa.array(values.tolist())


def newest_day(connection: Connection) -> date | None:
    """Return the newest day that has effects."""
    row = connection.execute("SELECT day FROM api.effects ORDER BY day DESC LIMIT 1").fetchone()
    return row[0] if row else None


def effects(connection: Connection, day: date | None, attribute: str | None, outcome: str = "quality") -> pd.DataFrame:
    """Return the effects by a day (default: the newest), the worst first; levels of fewer than k users are left out."""
    return frame(
        connection,
        """
        SELECT attribute, value, n, users, effect, se, shrunk, lo, hi, day, version FROM api.effects
        WHERE outcome = %(outcome)s AND (%(attribute)s::text IS NULL OR attribute = %(attribute)s)
          AND day = coalesce(%(day)s, (SELECT day FROM api.effects ORDER BY day DESC LIMIT 1))
        ORDER BY CASE WHEN outcome = 'failure' THEN -shrunk ELSE shrunk END, attribute, value
        """,
        {"day": day, "attribute": attribute, "outcome": outcome},
    )


def verdicts(connection: Connection, day: date | None, attribute: str | None) -> pd.DataFrame:
    """Return the verdicts by a day (default: the newest); subjects of fewer than k users are left out."""
    return frame(
        connection,
        """
        SELECT attribute, value, n, users, verdict, not_network, network, device, app, server, core, day, version
        FROM api.verdicts
        WHERE (%(attribute)s::text IS NULL OR attribute = %(attribute)s)
          AND day = coalesce(%(day)s, (SELECT day FROM api.verdicts ORDER BY day DESC LIMIT 1))
        ORDER BY attribute, value
        """,
        {"day": day, "attribute": attribute},
    )


def level_effects(connection: Connection, day: date, outcome: str) -> Arrays:
    """Return all levels' effects of a day, however few users: arrays named as its columns."""
    columns = ("attribute", "value", "n", "effect", "se", "shrunk", "shrunk_se")
    rows = connection.execute(
        "SELECT attribute, value, n, effect, se, shrunk, shrunk_se FROM cem.effect WHERE day = %s AND outcome = %s "
        "ORDER BY attribute, value",
        [day, outcome],
    ).fetchall()
    return {name: np.array([row[place] for row in rows]) for place, name in enumerate(columns)}


def exposure(connection: Connection, customer_key: int, start: datetime, end: datetime) -> dict[str, dict[int, float]]:
    """Return one customer's sessions in [start, end) per cause (cell, model, app, server, core_node) and value."""
    found: dict[str, dict[int, float]] = {}
    rows = connection.execute(
        "SELECT attribute, value, sessions FROM api.customer_exposure(%s, %s, %s)", [customer_key, start, end]
    )
    for attribute, value, sessions in rows:
        found.setdefault(attribute, {})[value] = float(sessions)
    return found
