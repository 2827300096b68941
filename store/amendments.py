"""What a source tells of a complaint that is known: a new version of it, with only what changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter

from store.connection import Connection
from store.events import note_events
from store.keys import Keys
from store.labels import Labels, label_kind
from store.ledger import Delivery, Entry, Rejected, Tally, open_entry
from store.masking import mask

# The version that held then is what was changed; of a complaint that is told of before its first version, that one.
_AMEND = """
INSERT INTO cem.complaint AS old (source_id, complaint_id, created_at, version_at, batch_id, arrived_at, subscriber_key,
    channel, category, text, cell_id, lat, lon, app, status, resolved_at, updated_at, satisfaction)
SELECT source_id, complaint_id, created_at, %(version_at)s, %(batch_id)s, %(arrived_at)s, subscriber_key,
    coalesce(%(channel)s, channel), coalesce(%(category)s, category), coalesce(%(text)s, text), cell_id, lat, lon, app,
    coalesce(%(status)s, status), coalesce(%(resolved_at)s, resolved_at), %(version_at)s, satisfaction
FROM cem.complaint
WHERE source_id = %(source_id)s AND complaint_id = %(complaint_id)s
  AND EXISTS (SELECT FROM vault.subject WHERE token = subscriber_key AND erased_at IS NULL)
ORDER BY version_at <= %(version_at)s DESC, abs(extract(epoch FROM version_at - %(version_at)s)), arrived_at DESC,
    batch_id DESC
LIMIT 1
ON CONFLICT (source_id, complaint_id, version_at, arrived_at) DO UPDATE SET channel = excluded.channel,
    category = excluded.category, text = excluded.text, status = excluded.status, resolved_at = excluded.resolved_at,
    batch_id = excluded.batch_id
"""
_LABELS = ("channel", "category", "status")


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """What changed of one complaint at `version_at`; None: nothing was told. `digest` tells it from all others."""

    complaint_id: str
    version_at: datetime
    digest: bytes
    row_number: int
    channel: str | None = None
    category: str | None = None
    status: str | None = None
    text: str | None = field(default=None, repr=False)
    resolved_at: datetime | None = None
    payload: bytes = field(default=b"", repr=False)


def amend(
    connection: Connection, labels: Labels, keys: Keys, delivery: Delivery, amendments: Sequence[Amendment]
) -> Tally:
    """Store new versions of known complaints as one batch, each once.

    One whose complaint is not known goes to quarantine (code "unknown_ticket"), as does one of an erased person
    ("erased", without its content).
    """
    started = perf_counter()
    with connection.transaction():
        entry = open_entry(connection, delivery, keys)
        if entry is None:
            return Tally(already_loaded=True, seconds=perf_counter() - started)
        new = note_events(
            connection,
            delivery.source_id,
            [one.digest for one in amendments],
            [round(one.version_at.timestamp() * 1e6) for one in amendments],
        )
        for one in amendments:
            if one.digest in new:
                new.remove(one.digest)
                entry.reject([] if amended(connection, labels, entry, one) else [_refused(connection, delivery, one)])
        entry.close(perf_counter() - started)
    return entry.tally


def amended(connection: Connection, labels: Labels, entry: Entry, one: Amendment) -> bool:
    """Whether the complaint is known and has this further version now; inside the batch's transaction."""
    numbers = {
        name: int(labels.ids(label_kind("complaints", name), [value])[0]) if value is not None else None
        for name, value in ((name, getattr(one, name)) for name in _LABELS)
    }
    done = connection.execute(
        _AMEND,
        {
            "source_id": entry.delivery.source_id,
            "complaint_id": one.complaint_id,
            "version_at": one.version_at,
            "batch_id": entry.batch_id,
            "arrived_at": entry.delivery.arrived_at,
            "text": None if one.text is None else mask(one.text),
            "resolved_at": one.resolved_at,
            **numbers,
        },
    ).rowcount
    entry.tally.rows_read += done
    entry.tally.rows_stored += done
    return done > 0


def _refused(connection: Connection, delivery: Delivery, one: Amendment) -> Rejected:
    known = connection.execute(
        "SELECT FROM cem.complaint WHERE source_id = %s AND complaint_id = %s LIMIT 1",
        [delivery.source_id, one.complaint_id],
    ).fetchone()
    code = "erased" if known is not None else "unknown_ticket"
    reason = {
        "erased": "this person's data were erased on request; later rows are refused",
        "unknown_ticket": "the event tells only what changed, and the ticket itself is not known yet",
    }[code]
    payload = b"" if code == "erased" else one.payload
    return Rejected(row_number=one.row_number, code=code, column="complaint_id", reason=reason, payload=payload)
