"""Which events of a listener are in already: asked and noted in the transaction that stores their rows."""

from collections.abc import Sequence
from uuid import UUID

import pyarrow as pa

from store.connection import Connection


def note_events(
    connection: Connection, source_id: int, digests: Sequence[bytes], times_us: Sequence[int]
) -> set[bytes]:
    """Note events (16-byte digests, event times in microseconds since 1970 UTC); returns the digests that are new.

    Must be called inside the transaction that stores what the events hold: undone with it, committed with it. Another
    process that stores one of them at the same time is waited for.
    """
    times = pa.array(times_us, pa.timestamp("us", "UTC")).to_pylist()
    rows = connection.execute(
        "INSERT INTO cem.event_seen (source_id, digest, time) "
        "SELECT %s, digest, time FROM unnest(%s::uuid[], %s::timestamptz[]) AS event (digest, time) "
        "ORDER BY digest ON CONFLICT DO NOTHING RETURNING digest",
        [source_id, [UUID(bytes=digest) for digest in digests], times],
    )
    return {row[0].bytes for row in rows}
