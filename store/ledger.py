"""The ledger of batches: what is in, what was refused, which windows became dirty, how far each source has come."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from records.kinds import Kind
from records.windows import QUARTER
from store.connection import Connection
from store.copying import copy_in
from store.keys import Keys

_QUARTER_US = round(QUARTER.total_seconds() * 1e6)
_HELD_BACK = 2000  # refused records are written in blocks of so many, so that memory stays flat


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A record, or with no `row_number` a whole file, that goes to quarantine.

    `reason` holds no raw identifier; `payload` is the record as it came, sealed before it is stored; empty: none kept.
    """

    row_number: int | None
    code: str
    reason: str
    column: str | None = None
    payload: bytes = field(default=b"", repr=False)


@dataclass(kw_only=True)
class Tally:
    """What became of one batch; rows_read = rows_stored + rows_duplicate + the refused records among its rows."""

    rows_read: int = 0
    rows_stored: int = 0
    rows_duplicate: int = 0
    rows_quarantined: int = 0
    seconds: float = 0.0
    already_loaded: bool = False
    name_known: bool = False  # other content came under this name before


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One batch on its way in: what it is called, where it came from and when."""

    kind: Kind
    source_id: int
    name: str
    digest: bytes
    size_bytes: int
    arrived_at: datetime


class Entry:
    """One open ledger entry; all that it writes is committed or undone with the batch's rows."""

    def __init__(self, connection: Connection, delivery: Delivery, keys: Keys, batch_id: int) -> None:
        self.batch_id = batch_id
        self.delivery = delivery
        self.tally = Tally()
        self._connection = connection
        self._keys = keys
        self._rejected: list[Rejected] = []
        self._dirty: set[tuple[str, int]] = set()
        self._reached: dict[int, int] = {}

    def reject(self, records: Iterable[Rejected]) -> None:
        """Count and keep refused records; one with a row number counts as read."""
        for record in records:
            self.tally.rows_quarantined += 1
            self.tally.rows_read += record.row_number is not None
            self._rejected.append(record)
            if len(self._rejected) >= _HELD_BACK:
                self._write_rejected()

    def touch(self, kind: str, moments_us: NDArray[np.int64]) -> None:
        """Mark the 15-minute windows that hold these moments (microseconds since 1970 UTC) as dirty."""
        self._dirty.update((kind, int(window)) for window in np.unique(moments_us // _QUARTER_US))

    def reach(self, source_ids: NDArray[np.int16], moments_us: NDArray[np.int64]) -> None:
        """Note the greatest event time of each source."""
        for source_id in np.unique(source_ids):
            last = int(moments_us[source_ids == source_id].max())
            self._reached[int(source_id)] = max(last, self._reached.get(int(source_id), last))

    def close(self, seconds: float) -> None:
        """Write what is held back, the marks, the watermarks and the counts; the caller commits."""
        self._write_rejected()
        self._write_marks()
        self._write_watermarks()
        self.tally.seconds = seconds
        tally = self.tally
        self._connection.execute(
            "UPDATE cem.batch SET rows_read = %s, rows_stored = %s, rows_duplicate = %s, rows_quarantined = %s, "
            "seconds = %s WHERE batch_id = %s",
            [
                tally.rows_read,
                tally.rows_stored,
                tally.rows_duplicate,
                tally.rows_quarantined,
                seconds,
                self.batch_id,
            ],
        )

    def _write_marks(self) -> None:
        marks = sorted(self._dirty)
        batch = pa.record_batch(
            {
                "kind": pa.array([kind for kind, _ in marks], pa.string()),
                "window_start": pa.array([window * _QUARTER_US for _, window in marks], pa.timestamp("us", "UTC")),
                "batch_id": pa.array([self.batch_id] * len(marks), pa.int64()),
            }
        )
        copy_in(self._connection, "cem.dirty", batch)

    def _write_watermarks(self) -> None:
        for source_id, last in sorted(self._reached.items()):
            self._connection.execute(
                "INSERT INTO cem.watermark (source_id, kind, watermark, arrived_at) "
                "VALUES (%s, %s, to_timestamp(%s::double precision / 1e6), %s) "
                "ON CONFLICT (source_id, kind) DO UPDATE SET "
                "watermark = greatest(cem.watermark.watermark, excluded.watermark), "
                "arrived_at = greatest(cem.watermark.arrived_at, excluded.arrived_at)",
                [source_id, self.delivery.kind.name, last, self.delivery.arrived_at],
            )

    def _write_rejected(self) -> None:
        records, self._rejected = self._rejected, []
        if not records:
            return
        context = quarantine_context(self.delivery.kind.name)
        count = len(records)
        sealed = [self._keys.seal(record.payload, context) if record.payload else None for record in records]
        batch = pa.record_batch(
            {
                "batch_id": pa.array([self.batch_id] * count, pa.int64()),
                "source_id": pa.array([self.delivery.source_id] * count, pa.int16()),
                "kind": pa.array([self.delivery.kind.name] * count, pa.string()),
                "name": pa.array([self.delivery.name] * count, pa.string()),
                "row_number": pa.array([record.row_number for record in records], pa.int64()),
                "code": pa.array([record.code for record in records], pa.string()),
                "column_name": pa.array([record.column for record in records], pa.string()),
                "reason": pa.array([record.reason.replace("\0", "") for record in records], pa.string()),
                "sealed": pa.array(sealed, pa.binary()),
                "key_id": pa.array([self._keys.key_id if seal else None for seal in sealed], pa.int16()),
                "arrived_at": pa.array([self.delivery.arrived_at] * count, pa.timestamp("us", "UTC")),
            }
        )
        copy_in(self._connection, "cem.quarantine", batch)


def open_entry(connection: Connection, delivery: Delivery, keys: Keys) -> Entry | None:
    """Enter the batch in the ledger, or return None when the same bytes of that source and kind are in already.

    A second process that loads the same bytes at the same time waits here for the first.
    """
    row = connection.execute(
        "INSERT INTO cem.batch (source_id, kind, name, digest, size_bytes, arrived_at) VALUES (%s, %s, %s, %s, %s, %s) "
        "ON CONFLICT (source_id, kind, digest) DO NOTHING RETURNING batch_id",
        [
            delivery.source_id,
            delivery.kind.name,
            delivery.name,
            delivery.digest,
            delivery.size_bytes,
            delivery.arrived_at,
        ],
    ).fetchone()
    if row is None:
        return None
    entry = Entry(connection, delivery, keys, int(row[0]))
    entry.tally.name_known = _known(connection, delivery, entry.batch_id)
    return entry


def _known(connection: Connection, delivery: Delivery, batch_id: int) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM cem.batch WHERE (source_id, kind, name) = (%s, %s, %s) AND batch_id <> %s)",
        [delivery.source_id, delivery.kind.name, delivery.name, batch_id],
    ).fetchone()
    return bool(row and row[0])


def quarantine_context(kind: str) -> bytes:
    """What a quarantined record of that kind is sealed with besides the key."""
    return b"cem.quarantine " + kind.encode()
