"""Polling a TMF621 server: what changed since the last time, page by page, each version of a ticket once."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.options import Options
from collectors.prometheus.fetching import Fetcher
from collectors.prometheus.targets import Access
from collectors.tmf621.loading import load
from collectors.tmf621.paging import Page, Reader
from collectors.tmf621.tickets import Ticket, ticket
from records.errors import ConfigError, DataError, TransientError
from records.kinds import COMPLAINTS
from store import scrapes
from store.intake import Intake, Rejected, Tally


@dataclass(frozen=True, kw_only=True)
class TicketServer:
    """A server's list of tickets, such as `https://crm/tmf-api/troubleTicket/v4/troubleTicket`.

    `since` names the filter by version (empty: the server has none, and the whole list is read), `sort` the order.
    Tickets that changed in the `overlap_s` before the newest known version are asked for again: a server may show one
    late. The first poll goes `history_days` back.
    """

    name: str
    access: Access
    limit: int = 100
    interval_s: int = 300
    overlap_s: int = 120
    history_days: int = 30
    since: str = "lastUpdate.gte"
    sort: str = "lastUpdate"
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Poll:
    """What one poll brought; `until` is the newest version that the server has shown so far."""

    source: str
    pages: int = 0
    tickets: int = 0
    stored: int = 0
    quarantined: int = 0
    until: datetime | None = None


def poll(target: TicketServer, intake: Intake, now: datetime, options: Options) -> Poll:
    """Read what is new at `target`; every page is committed before the next, the cursor after the last one.

    A poll that breaks off is taken up by the next from the same cursor. Raises `TransientError` while the server does
    not answer and `ConfigError` where it refuses; an outage is open from then on until a poll comes through.
    """
    intake.clock_now = now
    source_id = scrapes.source_number(intake.connection, target.name)
    state = scrapes.state(intake.connection, source_id)
    start = now - timedelta(days=target.history_days) if state is None else state.at
    done = Poll(source=target.name, until=None if state is None else state.at)
    fetcher = Fetcher(target.access)
    try:
        reader = Reader(fetcher=fetcher, access=target.access, limit=target.limit)
        for page in reader.pages(_query(target, start, first=state is None)):
            _take(page, target, intake, source_id, options, done)
    except (TransientError, ConfigError) as error:
        with intake.connection.transaction():
            scrapes.went_away(intake.connection, source_id, now, f"server: {error}")
        kind = TransientError if isinstance(error, TransientError) else ConfigError
        raise kind(f"{target.name}: {error}") from None
    finally:
        fetcher.close()
    with intake.connection.transaction():
        scrapes.keep(intake.connection, source_id, min(now, done.until or start), done.tickets, b"")
        scrapes.came_back(intake.connection, source_id, now)
    return done


def _query(target: TicketServer, start: datetime, *, first: bool) -> dict[str, str]:
    query = dict(target.query)
    if target.sort:
        query["sort"] = target.sort
    if target.since:
        moment = start if first else start - timedelta(seconds=target.overlap_s)
        query[target.since] = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return query


def _take(page: Page, target: TicketServer, intake: Intake, source_id: int, options: Options, done: Poll) -> None:
    tickets: list[Ticket] = []
    wrong: list[Rejected] = []
    name = f"{target.access.instance} {page.name}"
    for row, entry in enumerate(page.entries, 1):
        try:
            tickets.append(_ticket(entry))
        except DataError as error:
            text = f"{name} entry {row}: {error}"
            wrong.append(Rejected(row_number=row, code=error.code, column=error.column, reason=text, payload=b""))
    tallies = [load(intake, target.name, source_id, name, tickets, options)] if tickets else []
    if wrong:
        tallies.append(_refuse(intake, target, name, wrong))
    done.pages += 1
    done.tickets += len(page.entries)
    done.stored += sum(tally.rows_stored for tally in tallies)
    done.quarantined += sum(tally.rows_quarantined for tally in tallies)
    newest = max((one.version_us for one in tickets), default=0)
    if newest:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=newest)
        done.until = moment if done.until is None else max(done.until, moment)


def _ticket(entry: Any) -> Ticket:
    if not isinstance(entry, dict):
        raise DataError("is no JSON object", code="json")
    given = entry if entry.get("lastUpdate") else {**entry, "lastUpdate": entry.get("statusChangeDate")}
    return ticket(given)


def _refuse(intake: Intake, target: TicketServer, name: str, wrong: list[Rejected]) -> Tally:
    """Entries that are no tickets; the same ones again are counted once."""
    digest = hashlib.sha256("\n".join([name, *(one.reason for one in wrong)]).encode()).digest()
    return intake.load(COMPLAINTS, source=target.name, name=name, digest=digest, size_bytes=0, batches=lambda: wrong)
