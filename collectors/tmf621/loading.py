"""Tickets into the store, each version once however often and by which way it comes."""

import hashlib
from collections.abc import Iterator, Sequence

import pyarrow as pa

from collectors.ndjson_rows import as_text
from collectors.options import Options
from collectors.records import conform
from collectors.tmf621.tickets import Ticket
from records.kinds import COMPLAINTS
from store.events import note_events
from store.intake import Intake, Rejected, Tally


def load(intake: Intake, source: str, source_id: int, name: str, tickets: Sequence[Ticket], options: Options) -> Tally:
    """Load whole tickets as one batch; those that are in already are not counted."""

    def batches() -> Iterator[pa.RecordBatch | Rejected]:
        chosen = unseen(intake, source_id, tickets)
        if not chosen:
            return
        raw = as_text([dict(one.columns) for _, one in chosen], [row for row, _ in chosen], COMPLAINTS)
        good, rejected = conform(COMPLAINTS, raw, f"{name} ticket", options)
        if good is not None:
            yield good
        yield from rejected

    return intake.load(
        COMPLAINTS,
        source=source,
        name=name,
        digest=digest_of(tickets),
        size_bytes=sum(len(one.payload) for one in tickets),
        batches=batches,
    )


def unseen(intake: Intake, source_id: int, tickets: Sequence[Ticket]) -> list[tuple[int, Ticket]]:
    """The tickets that were not seen before, numbered from 1, noted as seen with the open transaction."""
    new = note_events(
        intake.connection, source_id, [one.digest for one in tickets], [one.version_us for one in tickets]
    )
    chosen = []
    for row, one in enumerate(tickets, 1):
        if one.digest in new:
            new.remove(one.digest)
            chosen.append((row, one))
    return chosen


def digest_of(tickets: Sequence[Ticket]) -> bytes:
    """What tells this list of tickets from others in the ledger."""
    return hashlib.sha256(b"".join(one.digest for one in tickets)).digest()
