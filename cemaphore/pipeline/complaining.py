"""Reads complaints: what each is about, which clusters explain it, and what they do to complaining."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from cemaphore import catalogues
from cemaphore.pipeline.linking import exposures_of, save_clusters, save_links, us_of
from cemaphore.pipeline.surging import follow_surges
from cemaphore.settings import Settings
from customers.background import Span
from customers.exposure import LINK_US, Complaint
from customers.links import link
from customers.taxonomy import Taxonomy
from customers.topics import PERSON, Classifier, Labelled, version_of
from store import clusters, complaints
from store.complaints import ComplaintRow
from store.connection import Connection

LINK = timedelta(microseconds=LINK_US)
# What is estimated comes from a block of days and a week before it: the same for every run over a block.
BLOCK = timedelta(days=14)
BEFORE = timedelta(days=7)
MOST_CORRECTIONS = 2_000  # the newest are learned from: training stays a matter of seconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a run did: complaints looked at, links and surges stored."""

    complaints: int = 0
    links: int = 0
    surges: int = 0


def read_complaints(connection: Connection, settings: Settings, since: datetime, until: datetime) -> Read:
    """Classify and link the complaints made in [since - 48 h, until), and follow surges of what nothing explains.

    Complaints that nobody has looked at yet take part however old they are. Runs in the caller's transaction; the same
    records give the same rows, whenever it runs.
    """
    unread = complaints.unread_since(connection)
    begin = min(since - LINK, unread or until)
    if begin >= until:
        return Read()
    taxonomy = catalogues.complaint_taxonomy(settings)
    zone = ZoneInfo(settings.time_zone)
    looked = links = 0
    for start, end in blocks(begin, until):
        rows = complaints.between(connection, start - BEFORE, end)
        rows = _classified(connection, rows, taxonomy)
        done = _linked(connection, rows, (start - BEFORE, max(start, begin), end), taxonomy, zone)
        looked, links = looked + done[0], links + done[1]
    surges = follow_surges(connection, settings, taxonomy, begin, until)
    return Read(complaints=looked, links=links, surges=surges)


def blocks(begin: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The blocks of days, on one grid for all time, that [begin, until) touches; the last one ends with it."""
    start = _EPOCH + (begin - _EPOCH) // BLOCK * BLOCK
    while start < until:
        yield start, min(start + BLOCK, until)
        start += BLOCK


def _classified(connection: Connection, rows: list[ComplaintRow], taxonomy: Taxonomy) -> list[ComplaintRow]:
    """The rows with their classes; those of another version, or whose text changed, are classified and stored."""
    labelled = tuple(
        Labelled(category=category, text=text, topic=topic)
        for category, text, topic in complaints.labelled(connection, MOST_CORRECTIONS)
    )
    version = version_of(taxonomy, labelled)
    new = [row for row in rows if row.read_version_at != row.version_at or row.classifier != _wanted(row, version)]
    if not new:
        return rows
    readings = classifier(taxonomy, labelled).read([(row.category, row.text) for row in new])
    found = {
        (row.source_id, row.complaint_id): (row.label, 1.0) if row.label else (each.topic, each.confidence)
        for row, each in zip(new, readings, strict=True)
    }
    complaints.save_topics(connection, [_reading(row, found, _wanted(row, version)) for row in new])
    return [replace(row, topic=found.get((row.source_id, row.complaint_id), (row.topic, 1.0))[0]) for row in rows]


def _reading(
    row: ComplaintRow, found: Mapping[tuple[int, str], tuple[str, float]], version: str
) -> tuple[int, str, datetime, str, float, str]:
    topic, confidence = found[row.source_id, row.complaint_id]
    return row.source_id, row.complaint_id, row.version_at, topic, confidence, version


def _wanted(row: ComplaintRow, version: str) -> str:
    return PERSON if row.label else version


@lru_cache(maxsize=1)
def classifier(taxonomy: Taxonomy, labelled: tuple[Labelled, ...]) -> Classifier:
    """The classifier of a taxonomy and corrections; trained once as long as neither changes."""
    return Classifier(taxonomy, labelled)


def _linked(
    connection: Connection,
    rows: list[ComplaintRow],
    times: tuple[datetime, datetime, datetime],
    taxonomy: Taxonomy,
    zone: ZoneInfo,
) -> tuple[int, int]:
    """Link the complaints from the second of the times on; all from the first on say how complaining goes."""
    start, since, until = times
    found = clusters.between(connection, start - LINK, until)
    made = [_complaint(row, zone) for row in rows]
    span = Span(
        start_us=us_of(start if not rows else max(start, min(row.created_at for row in rows))),
        end_us=us_of(until),
        customers=complaints.population(connection, start, until),
    )
    customers = np.unique(np.array([each.customer for each in made], np.int64))
    exposures = exposures_of(connection, found, customers, until)
    linked = link(made, exposures, span, taxonomy.dimensions)
    first = next((index for index, row in enumerate(rows) if row.created_at >= since), len(rows))
    written = save_links(connection, made[first:], linked, linked.unexplained[first:])
    recent = [each for each in exposures if each.ended_us >= us_of(since - LINK)]
    save_clusters(connection, recent, made, linked, span.customers)
    return len(rows) - first, written


def _complaint(row: ComplaintRow, zone: ZoneInfo) -> Complaint:
    named = {"app": row.app, "cell_id": row.cell_id, "site_id": row.site_id, "region": row.region}
    return Complaint(
        source_id=row.source_id,
        complaint_id=row.complaint_id,
        customer=row.customer,
        at_us=us_of(row.created_at),
        topic=row.topic or "",
        hour=row.created_at.astimezone(zone).hour,
        named={column: value for column, value in named.items() if value},
    )
