"""Which customers changed and are not merged into days and periods yet, so that late data cost what they touch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from psycopg import sql

from store.connection import Connection
from store.copying import copy_in

_CHANGED = "CREATE TEMPORARY TABLE IF NOT EXISTS changed (customer_key bigint NOT NULL) ON COMMIT DELETE ROWS"


NOBODY = 0  # noted where nobody's scores changed, but those of groups may have


@dataclass(frozen=True, kw_only=True)
class Touched:
    """Customers that changed, and windows of which all did; `unknown` where marks came without a note, so all may."""

    customers: NDArray[np.int64]
    windows: tuple[datetime, ...]

    @property
    def unknown(self) -> bool:
        """Whether nobody has noted who changed, as an older version did not."""
        return not len(self.customers) and not self.windows


def touch(connection: Connection, kind: str, start: datetime, customers: NDArray[np.int64], *, every: bool) -> None:
    """Note the customers whose window changed; with `every` all that are in it now as well."""
    if every:
        connection.execute("INSERT INTO cem.touched (kind, start) VALUES (%s, %s)", [kind, start])
    keys = customers if len(customers) or every else np.array([NOBODY])
    kinds, starts = pa.scalar(kind), pa.scalar(start, pa.timestamp("us", "UTC"))
    columns = {"kind": pa.repeat(kinds, len(keys)), "start": pa.repeat(starts, len(keys)), "customer_key": keys}
    copy_in(connection, "cem.touched", pa.record_batch(columns))


def take(connection: Connection, kind: str, start: datetime, end: datetime) -> Touched:
    """Take the notes of the windows that start in [start, end), and drop older ones; later notes stay."""
    rows = connection.execute(
        "DELETE FROM cem.touched WHERE kind = %s AND start < %s RETURNING start, customer_key", [kind, end]
    ).fetchall()
    keys = np.unique(np.array([key for at, key in rows if key is not None and at >= start], dtype=np.int64))
    return Touched(customers=keys, windows=tuple(sorted({at for at, key in rows if key is None and at >= start})))


def gather(connection: Connection, customers: NDArray[np.int64], table: str, starts: Sequence[datetime]) -> int:
    """Make the list of changed customers: those given, and those with rows at these starts; returns its length.

    It is the temporary table `changed`, which replaces an earlier list and lasts until the transaction ends.
    """
    connection.execute(_CHANGED)
    connection.execute("TRUNCATE changed")
    copy_in(connection, sql.Identifier("changed"), pa.record_batch({"customer_key": customers}))
    if starts:
        connection.execute(
            sql.SQL(
                "INSERT INTO changed SELECT customer_key FROM {} WHERE start = ANY(%s) "
                "EXCEPT SELECT customer_key FROM changed"
            ).format(sql.Identifier("cem", table)),
            [list(starts)],
        )
    connection.execute("ANALYZE changed")
    row = connection.execute("SELECT count(*) FROM changed").fetchone()
    return int(row[0]) if row else 0


def pass_on(connection: Connection, start: datetime) -> None:
    """Note the changed customers for the periods that hold the day at `start`."""
    connection.execute(
        "INSERT INTO cem.touched (kind, start, customer_key) SELECT 'periods', %s, customer_key FROM changed "
        "UNION ALL SELECT 'periods', %s, %s",
        [start, start, NOBODY],
    )


def keep_vanished(connection: Connection, table: str, start: datetime) -> None:
    """Leave in the list of changed customers only those without a row at `start`."""
    query = "DELETE FROM changed c USING {} r WHERE r.start = %s AND r.customer_key = c.customer_key"
    connection.execute(sql.SQL(query).format(sql.Identifier("cem", table)), [start])
