"""Writes small worlds of records straight into the tables, for tests that need no collector."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from store.connection import Connection
from store.copying import copy_in
from store.labels import Labels, label_kind

LABELS = ("cell_id", "access", "access_node", "screen", "service", "app", "server", "core_node", "plan")
MORE_LABELS = ("failure_cause", "video_codec", "voice_codec", "channel", "activity", "stage", "counter", "object_id")
WHOLE = ("tac", "duration_ms", "transfers", "rating", "period_s")
ARRIVED = datetime(2026, 3, 1, tzinfo=UTC)
_UTC = pa.timestamp("us", "UTC")


def add_sessions(connection: Connection, columns: Mapping[str, Sequence[Any]], *, batch: int = 1) -> None:
    """Insert sessions given by contract columns (`subscriber_key` for the identifier) and mark their windows."""
    rows = len(columns["start_time"])
    ids = [f"{batch}-{row}" for row in range(rows)]
    _add(connection, "sessions", "cem.session", {"session_id": ids, **columns}, batch)
    _mark(connection, "sessions", columns["start_time"], batch)


def add_touchpoints(connection: Connection, columns: Mapping[str, Sequence[Any]], *, batch: int = 1) -> None:
    """Insert touchpoints and mark their windows."""
    ids = [f"{batch}-{row}" for row in range(len(columns["time"]))]
    _add(connection, "touchpoints", "cem.touchpoint", {"event_id": ids, **columns}, batch)
    _mark(connection, "touchpoints", columns["time"], batch)


def add_counters(connection: Connection, columns: Mapping[str, Sequence[Any]], *, batch: int = 1) -> None:
    """Insert counters and mark the windows of their period starts."""
    _add(connection, "counters", "cem.counter", columns, batch)
    starts = [
        datetime.fromtimestamp(time.timestamp() - period, UTC)
        for time, period in zip(columns["time"], columns["period_s"], strict=True)
    ]
    _mark(connection, "counters", starts, batch)


def add_cells(connection: Connection, rows: Sequence[Mapping[str, str]]) -> None:
    """Insert cells, each a mapping of label columns."""
    labels = Labels(connection)
    for row in rows:
        names = list(row)
        values = [int(labels.ids(label_kind("cells", name), [row[name]])[0]) for name in names]
        connection.execute(
            f"INSERT INTO cem.cell ({', '.join(names)}, source_id, batch_id, arrived_at) "  # noqa: S608 - ours only
            f"VALUES ({', '.join(['%s'] * len(names))}, 1, 1, %s)",
            [*values, ARRIVED],
        )


def add_devices(connection: Connection, models: Mapping[int, str]) -> None:
    """Insert devices: type allocation code to model."""
    labels = Labels(connection)
    for tac, model in models.items():
        connection.execute(
            "INSERT INTO cem.device (tac, model, source_id, batch_id, arrived_at) VALUES (%s, %s, 1, 1, %s)",
            [tac, int(labels.ids("model", [model])[0]), ARRIVED],
        )


def _add(connection: Connection, kind: str, table: str, columns: Mapping[str, Sequence[Any]], batch: int) -> None:
    rows = len(next(iter(columns.values())))
    fixed = {"source_id": pa.array([1] * rows, pa.int16()), "batch_id": pa.array([batch] * rows, pa.int64())}
    arrays = {name: _array(connection, kind, name, values) for name, values in columns.items()}
    arrays |= fixed | {"arrived_at": pa.array([ARRIVED] * rows, _UTC)}
    copy_in(connection, table, pa.record_batch(arrays))


def _array(connection: Connection, kind: str, name: str, values: Sequence[Any]) -> pa.Array:
    if name in LABELS + MORE_LABELS:
        distinct = sorted({value for value in values if value is not None})
        numbers = Labels(connection).ids(label_kind(kind, name), distinct)
        table = dict(zip(distinct, numbers.tolist(), strict=True))
        return pa.array([None if value is None else table[value] for value in values], pa.int32())
    if name in ("start_time", "time"):
        return pa.array(list(values), _UTC)
    if name in ("success", "dropped", "suspect"):
        return pa.array(list(values), pa.bool_())
    if name in ("session_id", "event_id"):
        return pa.array(list(values), pa.string())
    if name in WHOLE:
        return pa.array(list(values), pa.int32())
    if name == "stall_at_ms":
        return pa.array(list(values), pa.list_(pa.int32()))
    if name in ("subscriber_key", "bytes_dl", "bytes_ul"):
        return pa.array(list(values), pa.int64())
    return pa.array(np.asarray(values, dtype=np.float64), pa.float64() if name == "value" else pa.float32())


def _mark(connection: Connection, kind: str, moments: Sequence[datetime], batch: int) -> None:
    starts = sorted({moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0) for moment in moments})
    connection.cursor().executemany(
        "INSERT INTO cem.dirty (kind, window_start, batch_id) VALUES (%s, %s, %s)",
        [(kind, start, batch) for start in starts],
    )
