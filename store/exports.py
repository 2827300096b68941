"""What leaves the house as tables: indices, indicators and sessions as Arrow batches, in bounded memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg
import pyarrow as pa
from psycopg import sql

from records.kinds import SESSIONS, ColumnType

BLOCK_ROWS = 20_000
DIMENSIONS = ("network", "device", "app", "service")
_UTC = pa.timestamp("us", "UTC")


@dataclass(frozen=True, kw_only=True)
class Export:
    """A query whose rows are a table for others: its column types and its SQL with the bounds `from` and `to`."""

    schema: pa.Schema
    query: sql.Composed
    parameters: Mapping[str, object]


def indices(start: datetime | None, end: datetime | None, by: str) -> Export:
    """Return customers' indices of windows that start in [start, end); `by` is hour or day.

    `subscriber_key` is the customer's key: all identifiers of one customer share it.
    """
    schema = pa.schema(
        [("subscriber_key", pa.int64()), ("start", _UTC), ("end", _UTC)]
        + [(name, pa.float32()) for name in (*DIMENSIONS, "overall", "lo", "hi")]
        + [("limiting", pa.string()), ("n", pa.int32()), ("coverage", pa.float32())]
        + [("model_version", pa.string()), ("catalogue_version", pa.string()), ("baseline_id", pa.int32())]
    )
    query = sql.SQL(
        """
        SELECT u.customer_key, u.start, {end}, u.network, u.device, u.app, u.service, u.overall, u.lo, u.hi,
               (ARRAY['network', 'device', 'app', 'service'])[u.limiting + 1],
               u.n + u.service_n, u.coverage, v.model_version, v.catalogue_version, v.baseline_id
        FROM {table} u JOIN cem.version v USING (version_id)
        WHERE {bounds} ORDER BY u.start, u.customer_key
        """
    ).format(
        table=sql.Identifier("cem", "user_hour" if by == "hour" else "user_day"),
        end=_HOUR_END if by == "hour" else _DAY_END,
        bounds=_BOUNDS.format(column=sql.SQL("u.start")),
    )
    return Export(schema=schema, query=query, parameters={"from": start, "to": end})


def kpis(start: datetime | None, end: datetime | None) -> Export:
    """Return network KPIs per object and 15-minute window with their sums and intervals."""
    reals = ("value", "numerator", "denominator", "lo", "hi", "missing_lo", "missing_hi")
    schema = pa.schema(
        [("object_id", pa.string()), ("kpi", pa.string()), ("start", _UTC), ("end", _UTC)]
        + [(name, pa.float64()) for name in reals]
        + [("n_periods", pa.int32()), ("n_suspect", pa.int32()), ("coverage", pa.float32())]
        + [("flags", pa.string()), ("catalogue_version", pa.string())]
    )
    query = sql.SQL(
        """
        SELECT o.value, k.kpi, k.start, k.start + make_interval(secs => k.period_s), k.value, k.numerator,
               k.denominator, k.lo, k.hi, k.missing_lo, k.missing_hi, k.n_periods, k.n_suspect, k.coverage, k.flags,
               k.catalogue_version
        FROM cem.kpi_value k JOIN cem.label o ON o.label_id = k.object_id
        WHERE {bounds} ORDER BY k.start, o.value, k.kpi
        """
    ).format(bounds=_BOUNDS.format(column=sql.SQL("k.start")))
    return Export(schema=schema, query=query, parameters={"from": start, "to": end})


def sessions(start: datetime | None, end: datetime | None) -> Export:
    """Return sessions as delivered, the contract's columns, with `subscriber_key` in place of the identifier."""
    kept = [c for c in SESSIONS.columns if c.name not in ("subscriber_id", "subscriber_kind", "source")]
    schema = pa.schema(
        [("subscriber_key", pa.int64()), ("source", pa.string())]
        + [(column.name, _ARROW[column.type]) for column in kept]
    )
    shown = sql.SQL(", ").join(_session_column(column.name, column.type) for column in kept)
    query = sql.SQL(
        """
        SELECT coalesce(c.customer_key, s.subscriber_key), src.name, {shown}
        FROM cem.session s JOIN cem.source src USING (source_id)
        LEFT JOIN LATERAL (SELECT customer_key FROM cem.customer_of o
                           WHERE o.subscriber_key = s.subscriber_key AND o.valid_from <= s.start_time
                           ORDER BY o.valid_from DESC LIMIT 1) c ON true
        WHERE {bounds} ORDER BY s.start_time, s.subscriber_key
        """
    ).format(shown=shown, bounds=_BOUNDS.format(column=sql.SQL("s.start_time")))
    return Export(schema=schema, query=query, parameters={"from": start, "to": end})


def rows(connection: psycopg.Connection, export: Export) -> Iterator[pa.RecordBatch]:
    """Run an export through a server-side cursor; yields batches of at most `BLOCK_ROWS` rows."""
    with connection.transaction(), connection.cursor("export") as cursor:
        cursor.itersize = BLOCK_ROWS
        cursor.execute(export.query, export.parameters)
        while found := cursor.fetchmany(BLOCK_ROWS):
            columns = zip(*found, strict=True)
            yield pa.RecordBatch.from_arrays(
                [pa.array(column, field.type) for column, field in zip(columns, export.schema, strict=True)],
                schema=export.schema,
            )


def customers(connection: psycopg.Connection, tokens: Mapping[int, str]) -> dict[int, list[str]]:
    """Return the identifiers of each customer key, for the tokens given (token to identifier)."""
    found = connection.execute(
        """
        SELECT t.token, coalesce((SELECT customer_key FROM cem.customer_of o WHERE o.subscriber_key = t.token
                                  ORDER BY valid_from DESC LIMIT 1), t.token)
        FROM unnest(%s::bigint[]) AS t (token)
        """,
        [list(tokens)],
    ).fetchall()
    named: dict[int, list[str]] = {}
    for token, customer in found:
        named.setdefault(customer, []).append(tokens[token])
    return named


_BOUNDS = sql.SQL(
    "{column} >= coalesce(%(from)s, '-infinity'::timestamptz) AND {column} < coalesce(%(to)s, 'infinity'::timestamptz)"
)
_HOUR_END = sql.SQL("u.start + INTERVAL '1 hour'")
_ZONE = sql.SQL("(SELECT value FROM cem.installation WHERE name = 'time_zone')")
_DAY_END = sql.SQL("((u.start AT TIME ZONE {zone}) + INTERVAL '1 day') AT TIME ZONE {zone}").format(zone=_ZONE)
_ARROW = {
    ColumnType.TEXT: pa.string(),
    ColumnType.LABEL: pa.string(),
    ColumnType.DIGITS8: pa.string(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.REAL: pa.float32(),
    ColumnType.TIMESTAMP: _UTC,
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.INTEGERS: pa.list_(pa.int32()),
}


def _session_column(name: str, kind: ColumnType) -> sql.Composable:
    column = sql.Identifier("s", name)
    if kind is ColumnType.LABEL:
        return sql.SQL("(SELECT l.value FROM cem.label l WHERE l.label_id = {})").format(column)
    if kind is ColumnType.DIGITS8:
        return sql.SQL("lpad({}::text, 8, '0')").format(column)
    return column
