"""Reads spans of session and touchpoint records as plain arrays, one per column, without a Python object per value."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from store.connection import Connection
from store.copying import Arrays, Field, copy_out, copy_out_blocks

_LABELS = ("cell_id", "access", "access_node", "screen", "service", "app", "server", "core_node", "plan")
_CODECS = ("failure_cause", "video_codec", "voice_codec")
_REALS = (
    *("throughput_dl_kbps", "throughput_ul_kbps", "rtt_client_ms", "rtt_server_ms", "loss_dl", "loss_ul", "jitter_ms"),
    *("dns_ms", "connect_ms", "tls_ms", "ttfb_ms", "page_load_ms", "startup_ms", "stall_count", "stall_ms", "play_ms"),
    *("video_kbps", "video_fps", "video_height", "audio_kbps", "voice_kbps", "setup_ms", "delay_ms", "deliver_ms"),
    *("rsrp_dbm", "sinr_db"),
)
_TOUCH_LABELS = ("channel", "activity", "stage", "product", "campaign")

SESSION_FIELDS: tuple[Field, ...] = (
    ("subscriber_key", "i8"),
    ("start_time", "time"),
    ("source_id", "i2"),
    ("tac", "i4"),
    *((name, "i4") for name in _LABELS + _CODECS),
    ("success", "bool"),
    ("dropped", "i2"),
    ("duration_ms", "i4"),
    ("bytes_dl", "i8"),
    ("bytes_ul", "i8"),
    *((name, "f4") for name in _REALS),
    ("stalls_listed", "bool"),
)
TOUCHPOINT_FIELDS: tuple[Field, ...] = (
    ("subscriber_key", "i8"),
    ("time", "time"),
    ("source_id", "i2"),
    *((name, "i4") for name in _TOUCH_LABELS),
    ("success", "i2"),
    ("transfers", "i4"),
    ("rating", "i4"),
    ("wait_s", "f4"),
    ("handle_s", "f4"),
)
_EXPRESSIONS = {
    "stalls_listed": "stall_at_ms IS NOT NULL",
    "dropped": "coalesce(dropped::int, -1)::int2",
    "success": "coalesce(success::int, -1)::int2",
}
_PLAIN = ("subscriber_key", "start_time", "time", "source_id")
# The customer at the time of the record, for reading an hour in parts that each hold whole customers.
_PART = """ AND mod(coalesce((SELECT c.customer_key FROM cem.customer_of c
    WHERE c.subscriber_key = r.subscriber_key AND c.valid_from <= r.{time}
    ORDER BY c.valid_from DESC LIMIT 1), r.subscriber_key), %s) = %s"""

_STALLS = """
SELECT subscriber_key, start_time, place::integer, at_ms
FROM cem.session, unnest(stall_at_ms) WITH ORDINALITY AS stalls (at_ms, place)
WHERE start_time >= %s AND start_time < %s AND stall_at_ms IS NOT NULL
    AND (%s::bigint[] IS NULL OR subscriber_key = ANY(%s::bigint[]))
"""
_STALL_FIELDS: tuple[Field, ...] = (
    ("subscriber_key", "i8"),
    ("start_time", "time"),
    ("place", "i4"),
    ("at_ms", "i4"),
)

Part = tuple[int, int]


def read_sessions(connection: Connection, start: datetime, end: datetime, part: Part | None = None) -> Arrays:
    """Return the sessions that start in [start, end), one array per name of `SESSION_FIELDS`, in no order.

    Missing labels are 0, integers and `dropped` -1, reals NaN. `part` = (index, count) reads only the customers whose
    key leaves that rest. A list column `stall_at_ms` is added (objects) where any session has one.
    """
    fields = SESSION_FIELDS
    arrays = _read(connection, "cem.session", "start_time", fields, start, end, part, keep=("success",))
    return with_stalls(arrays, lambda: read_stalls(connection, start, end))


def session_blocks(connection: Connection, start: datetime, end: datetime) -> Iterator[Arrays]:
    """Yield what `read_sessions` returns in blocks of rows, with `stalls_listed` for `with_stalls`."""
    return _blocks(connection, "cem.session", "start_time", SESSION_FIELDS, start, end, keep=("success",))


def touchpoint_blocks(connection: Connection, start: datetime, end: datetime) -> Iterator[Arrays]:
    """Yield what `read_touchpoints` returns in blocks of rows."""
    return _blocks(connection, "cem.touchpoint", "time", TOUCHPOINT_FIELDS, start, end)


def read_customer_sessions(connection: Connection, customer_key: int, start: datetime, end: datetime) -> Arrays:
    """Return the sessions of one customer that start in [start, end), as `read_sessions` does."""
    columns = ", ".join(_expression(name, code, ("success",)) for name, code in SESSION_FIELDS)
    query = f"SELECT {columns} FROM cem.session r JOIN cem.held_by(%s) h "  # noqa: S608 - only our own names
    query += "ON h.subscriber_key = r.subscriber_key AND r.start_time >= h.valid_from AND r.start_time < h.valid_until "
    query += "WHERE r.start_time >= %s AND r.start_time < %s"
    arrays = copy_out(connection, query, SESSION_FIELDS, [customer_key, start, end])
    mine = np.unique(arrays["subscriber_key"]).tolist()
    return with_stalls(arrays, lambda: read_stalls(connection, start, end, mine))


def read_touchpoints(connection: Connection, start: datetime, end: datetime, part: Part | None = None) -> Arrays:
    """Return the touchpoints of [start, end), one array per name of `TOUCHPOINT_FIELDS`; missing as for sessions."""
    return _read(connection, "cem.touchpoint", "time", TOUCHPOINT_FIELDS, start, end, part)


def count_sessions(connection: Connection, start: datetime, end: datetime) -> int:
    """Return how many sessions start in [start, end)."""
    query = "SELECT count(*) FROM cem.session WHERE start_time >= %s AND start_time < %s"
    row = connection.execute(query, [start, end]).fetchone()
    return int(row[0]) if row else 0


def label_values(connection: Connection, kinds: Sequence[str]) -> Mapping[str, dict[int, str]]:
    """Return the labels of these kinds as they are now: kind to number to name."""
    found: dict[str, dict[int, str]] = {kind: {} for kind in kinds}
    query = "SELECT kind, label_id, value FROM cem.label WHERE kind = ANY(%s)"
    for kind, label_id, value in connection.execute(query, [list(kinds)]):
        found[kind][label_id] = value
    return found


def _read(
    connection: Connection,
    table: str,
    time: str,
    fields: Sequence[Field],
    start: datetime,
    end: datetime,
    part: Part | None,
    keep: Sequence[str] = (),
) -> Arrays:
    query, params = _query(table, time, fields, start, end, keep)
    if part is not None:
        query += _PART.format(time=time)
        params += [part[1], part[0]]
    return copy_out(connection, query, fields, params)


def _blocks(
    connection: Connection,
    table: str,
    time: str,
    fields: Sequence[Field],
    start: datetime,
    end: datetime,
    keep: Sequence[str] = (),
) -> Iterator[Arrays]:
    query, params = _query(table, time, fields, start, end, keep)
    return copy_out_blocks(connection, query, fields, params)


def _query(
    table: str, time: str, fields: Sequence[Field], start: datetime, end: datetime, keep: Sequence[str]
) -> tuple[Any, list[Any]]:
    columns = ", ".join(_expression(name, code, keep) for name, code in fields)
    return f"SELECT {columns} FROM {table} r WHERE r.{time} >= %s AND r.{time} < %s", [start, end]  # noqa: S608 - ours


def _expression(name: str, code: str, keep: Sequence[str]) -> str:
    if name in _PLAIN or name in keep:
        return f"r.{name}"
    if name in _EXPRESSIONS:
        return _EXPRESSIONS[name]
    if code == "f4":
        return f"coalesce({name}, 'NaN')"
    missing = "0" if name in _LABELS + _CODECS + _TOUCH_LABELS else "-1"
    return f"coalesce({name}, {missing})"


def read_stalls(connection: Connection, start: datetime, end: datetime, keys: Sequence[int] | None = None) -> Arrays:
    """Return the listed stalls of sessions that start in [start, end), one row a stall, of some subscribers or all."""
    return copy_out(connection, _STALLS, _STALL_FIELDS, [start, end, keys, keys])


def with_stalls(arrays: Arrays, stalls: Callable[[], Arrays]) -> Arrays:
    """Put the lists of `read_stalls`, called where any session has one, in place of `stalls_listed`."""
    if arrays.pop("stalls_listed").any():
        arrays["stall_at_ms"] = _stall_lists(arrays, stalls())
    return arrays


def _stall_lists(arrays: Arrays, found: Arrays) -> NDArray[np.object_]:
    """The lists by (subscriber, start), read as one row per stall; None where a session has none.

    Two sessions of one subscriber at one microsecond share one list: its length then fits neither stall count.
    """
    lists = np.full(len(arrays["subscriber_key"]), None, dtype=object)
    mark = _mixed(found["subscriber_key"], found["start_time"])
    order = np.lexsort((found["place"], mark))
    marks, first = np.unique(mark[order], return_index=True)
    if not len(marks):
        return lists
    pieces = np.split(found["at_ms"][order], first[1:])
    rows = np.flatnonzero(arrays["stall_count"] > 0)
    wanted = _mixed(arrays["subscriber_key"][rows], arrays["start_time"][rows])
    place = np.minimum(np.searchsorted(marks, wanted), len(marks) - 1)
    known = marks[place] == wanted
    for row, piece in zip(rows[known].tolist(), place[known].tolist(), strict=True):
        lists[row] = pieces[piece]
    return lists


def _mixed(key: NDArray[np.int64], start_us: NDArray[np.int64]) -> NDArray[np.uint64]:
    """One number for a subscriber and a start: the key is random, so two pairs meet once in 2^64."""
    return key.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + start_us.astype(np.uint64)
