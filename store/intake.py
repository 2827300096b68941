"""The intake: one batch is one transaction, with its rows, its ledger entry, its dirty windows and its watermark."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from time import perf_counter

import numpy as np
import psycopg
import pyarrow as pa

from records.kinds import Kind
from store import customers
from store.connection import Connection
from store.keys import Keys
from store.labels import Labels
from store.ledger import Delivery, Entry, Rejected, Tally, open_entry
from store.rows import Limits, Shaper
from store.staging import Staged, Straight, Writer, table_types, without_repeats
from store.vault import Vault

__all__ = ["Intake", "Limits", "Rejected", "Tally"]

Batches = Callable[[], Iterable[pa.RecordBatch | Rejected]]

_BLOCK_ROWS = 1 << 18
_COUNTER_IDENTITY = ("object_id", "counter", "time", "period_s", "source_id")


class Intake:
    """Loads batches exactly once; `connection` is in autocommit mode and used by nobody else meanwhile.

    The vault and the labels must be on other connections: what they add stays, whatever becomes of the batch.
    `clock_now` is the arrival time of all that is loaded.
    """

    def __init__(
        self,
        connection: Connection,
        vault: Vault,
        labels: Labels,
        keys: Keys,
        clock_now: datetime,
        *,
        limits: Limits | None = None,
        block_rows: int = _BLOCK_ROWS,
    ) -> None:
        self.clock_now = clock_now
        self._connection = connection
        self._vault = vault
        self._labels = labels
        self._keys = keys
        self._limits = limits or Limits()
        self._block_rows = block_rows
        self._types: dict[str, dict[str, pa.DataType]] = {}
        self._last: Entry | None = None

    @property
    def connection(self) -> Connection:
        """The connection of the batch's transaction: what `batches` writes through it is committed with the rows."""
        return self._connection

    def load(self, kind: Kind, *, source: str, name: str, digest: bytes, size_bytes: int, batches: Batches) -> Tally:
        """Load one file, scrape or event list; all of it is committed when this returns, or nothing of it.

        `batches` is called a second time when rows of the batch turn out to be in the table already. Bytes (`digest`)
        that were loaded before from that source as that kind are not read again.
        """
        delivery = Delivery(
            kind=kind,
            source_id=int(self._labels.sources([source])[0]),
            name=name,
            digest=digest,
            size_bytes=size_bytes,
            arrived_at=self.clock_now,
        )
        started = perf_counter()
        try:
            return self._attempt(delivery, batches, Straight, started)
        except psycopg.errors.UniqueViolation:
            return self._attempt(delivery, batches, Staged, started)

    def _attempt(
        self, delivery: Delivery, batches: Batches, way: Callable[[Connection, Kind], Writer], started: float
    ) -> Tally:
        with self._connection.transaction():
            entry = open_entry(self._connection, delivery, self._keys)
            if entry is None:
                return Tally(already_loaded=True, seconds=perf_counter() - started)
            self._last = entry
            shaper = Shaper(delivery, self._table_types(delivery.kind), self._vault, self._labels, self._limits)
            writer = way(self._connection, delivery.kind)
            for block in self._blocks(batches(), entry):
                self._store(shaper, writer, entry, block)
            entry.close(perf_counter() - started)
        return entry.tally

    def _store(self, shaper: Shaper, writer: Writer, entry: Entry, block: pa.RecordBatch) -> None:
        kind = entry.delivery.kind
        shaped = shaper.shape(block, entry.batch_id)
        entry.reject(shaped.rejected)
        rows = shaped.rows
        if kind.name == "counters":
            rows = without_repeats(rows, _COUNTER_IDENTITY)
        stored = writer.write(rows) if rows.num_rows else 0
        entry.tally.rows_read += shaped.rows.num_rows
        entry.tally.rows_stored += stored
        entry.tally.rows_duplicate += shaped.rows.num_rows - stored
        if stored:
            self._follow_up(kind, entry, rows)

    def _follow_up(self, kind: Kind, entry: Entry, rows: pa.RecordBatch) -> None:
        """What the new rows mean to others: windows to score, how far the source has come, who is one customer."""
        if kind.event_time is not None:
            moments = _whole(rows, kind.event_time)
            entry.reach(_whole(rows, "source_id").astype(np.int16), moments)
            if kind.name == "counters":
                entry.touch(kind.name, moments - _whole(rows, "period_s").astype(np.int64) * 1_000_000)
            elif kind.name in {"sessions", "touchpoints", "surveys"}:
                entry.touch(kind.name, moments)
        if kind.name == "identities":
            self._link(entry, rows)

    def _link(self, entry: Entry, rows: pa.RecordBatch) -> None:
        changed, too_large = customers.link(self._connection, _whole(rows, "subscriber_key"), _whole(rows, "other_key"))
        if too_large:
            reason = f"{too_large} customers would have more than {customers.LARGEST_CUSTOMER} identifiers: not joined"
            entry.reject([Rejected(row_number=None, code="customer_too_large", reason=reason)])
        if len(changed):
            for over in ("sessions", "touchpoints"):
                entry.touch(over, customers.changed_times(self._connection, changed, over))

    def _blocks(self, batches: Iterable[pa.RecordBatch | Rejected], entry: Entry) -> Iterator[pa.RecordBatch]:
        """Blocks of about `block_rows` rows, whatever the size of the batches; refused records go to the ledger."""
        held: list[pa.RecordBatch] = []
        for batch in batches:
            if isinstance(batch, Rejected):
                entry.reject([batch])
                continue
            if held and held[0].schema != batch.schema:
                yield from self._joined(held)
                held = []
            held.append(batch)
            if sum(part.num_rows for part in held) >= self._block_rows:
                yield from self._joined(held)
                held = []
        yield from self._joined(held)

    def _joined(self, held: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        if len(held) == 1:
            whole = held
        else:
            whole = pa.Table.from_batches(held).unify_dictionaries().combine_chunks().to_batches() if held else []
        for batch in whole:
            for start in range(0, batch.num_rows, self._block_rows):
                yield batch.slice(start, self._block_rows)

    def _table_types(self, kind: Kind) -> dict[str, pa.DataType]:
        if kind.table not in self._types:
            self._types[kind.table] = table_types(self._connection, kind.table)
        return self._types[kind.table]


def _whole(rows: pa.RecordBatch, name: str) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    column = rows.column(name)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    values: np.ndarray[tuple[int], np.dtype[np.int64]] = column.to_numpy(zero_copy_only=False)
    return values
