"""Record batches as collectors hand them over, for tests of the store."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from records.kinds import Kind
from store.connection import Connection
from store.intake import Intake, Rejected, Tally

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
UTC_US = pa.timestamp("us", "UTC")


def sessions(
    ids: Sequence[str], minutes: Sequence[float] | None = None, who: Sequence[str] | None = None, **more: pa.Array
) -> pa.RecordBatch:
    count = len(ids)
    starts = [NOON - timedelta(minutes=minute) for minute in (minutes or [60.0] * count)]
    columns = {
        "row_number": pa.array(range(1, count + 1), pa.int64()),
        "session_id": pa.array(ids),
        "start_time": pa.array(starts, UTC_US),
        "subscriber_id": pa.array(who or ["imsi:460001234567890"] * count),
        "service": pa.array(["web"] * count).dictionary_encode(),
        "success": pa.array([True] * count),
        **more,
    }
    return pa.record_batch(columns)


def load(
    intake: Intake, kind: Kind, *given: pa.RecordBatch | Rejected, digest: bytes = b"1", source: str = "probe"
) -> Tally:
    return intake.load(kind, source=source, name="f.csv", digest=digest, size_bytes=9, batches=lambda: iter(given))


def one(connection: Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row if len(row) > 1 else row[0]


def counts(tally: Tally) -> tuple[int, int, int, int]:
    return tally.rows_read, tally.rows_stored, tally.rows_duplicate, tally.rows_quarantined


def identities(rows: Sequence[tuple[str, str, str]]) -> pa.RecordBatch:
    subscribers, kinds, values = zip(*rows, strict=True)
    return pa.record_batch(
        {
            "subscriber_id": pa.array(subscribers),
            "kind": pa.array(kinds),
            "value": pa.array(values),
        }
    )


def complaints(
    ids: Sequence[str], texts: Sequence[str | None], *, who: Sequence[str] | None = None, **more: pa.Array
) -> pa.RecordBatch:
    count = len(ids)
    columns = {
        "complaint_id": pa.array(ids),
        "created_at": pa.array([NOON - timedelta(hours=3)] * count, UTC_US),
        "subscriber_id": pa.array(who or ["account:1"] * count),
        "text": pa.array(texts, pa.string()),
        **more,
    }
    return pa.record_batch(columns)
