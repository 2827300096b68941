"""Polling a TMF621 server over real HTTP: every version of every ticket once, whatever the server does meanwhile."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cemaphore.sources import FILE_NAME, Tmf621, parse
from collectors.options import Options
from collectors.prometheus.targets import Access
from collectors.tmf621.polling import Poll, TicketServer, poll
from records.errors import ConfigError, TransientError
from store.connection import Connection
from store.intake import Intake
from store.scrapes import outages
from tests.batches import NOON, one
from tests.ticket_server import TicketSystem, ticket, ticket_system

GOLDEN = Path(__file__).parent / "data" / "tmf621" / "TroubleTicket_list_example_response.json"


@pytest.fixture
def system() -> Iterator[TicketSystem]:
    with ticket_system() as served:
        yield served


def ask(system: TicketSystem, intake: Intake, now: datetime = NOON, **given: Any) -> Poll:
    access = Access(url=system.url, attempts=2, timeout_s=5)
    target = TicketServer(name="crm", access=access, **{"limit": 10, **given})
    return poll(target, intake, now, Options())


def stored(connection: Connection) -> tuple[int, int]:
    """How many complaints there are, and in how many versions."""
    return one(connection, "SELECT count(DISTINCT complaint_id), count(*) FROM cem.complaint")  # type: ignore[no-any-return]


def test_the_examples_of_the_standard_become_complaints(
    system: TicketSystem, intake: Intake, connection: Connection
) -> None:
    system.tickets = json.loads(GOLDEN.read_text())
    done = ask(system, intake, history_days=10_000)
    assert (done.tickets, done.stored, done.quarantined) == (len(system.tickets), len(system.tickets), 0)
    rows = connection.execute(
        "SELECT complaint_id, created_at, version_at, api.label(category), api.label(status), api.label(channel) "
        "FROM cem.complaint WHERE complaint_id IN ('3180', '3256') ORDER BY 1"
    ).fetchall()
    first, second = datetime(2022, 5, 31, 7, 34, 45, 968000, UTC), datetime(2023, 5, 31, 7, 34, 45, 968000, UTC)
    assert rows == [
        ("3180", first, first, "Bill Dispute", "resolved", "self service"),
        ("3256", second, second, "Commerce Issue", "resolved", "self service"),
    ]


@pytest.mark.parametrize("behaviour", [{}, {"total": False}, {"most": 7}, {"cursor_links": True, "most": 9}])
def test_all_pages_are_read_once(
    system: TicketSystem, intake: Intake, connection: Connection, behaviour: dict[str, Any]
) -> None:
    for name, value in behaviour.items():
        setattr(system, name, value)
    system.tickets = [ticket(number) for number in range(35)]
    done = ask(system, intake)
    assert (done.tickets, done.stored) == (35, 35)
    assert stored(connection) == (35, 35)
    assert done.pages <= 8
    again = ask(system, intake, NOON + timedelta(minutes=5))
    assert again.stored == 0
    assert stored(connection) == (35, 35)


def test_the_next_poll_asks_only_for_what_is_new(system: TicketSystem, intake: Intake, connection: Connection) -> None:
    system.tickets = [ticket(number, 10 * number) for number in range(100)]
    assert ask(system, intake).until == datetime(2026, 3, 2, 8, 16, 30, tzinfo=UTC)
    system.tickets[3] = ticket(3, 2000, status="resolved")
    system.asked.clear()
    done = ask(system, intake, NOON + timedelta(minutes=5), overlap_s=60)
    assert system.asked[0]["lastUpdate.gte"] == "2026-03-02T08:15:30.000Z"
    assert (done.tickets, done.stored) == (8, 1)
    query = "SELECT api.label(status) FROM cem.complaint_now WHERE complaint_id = 'T3'"
    assert (one(connection, query), stored(connection)) == ("resolved", (100, 101))


def test_a_server_without_filters_is_read_whole_and_stored_once(
    system: TicketSystem, intake: Intake, connection: Connection
) -> None:
    system.filters = False
    system.tickets = [ticket(number) for number in range(25)]
    assert ask(system, intake, since="", sort="").stored == 25
    assert ask(system, intake, NOON + timedelta(minutes=5), since="", sort="").stored == 0


@pytest.mark.parametrize("total", [True, False])
def test_tickets_that_change_while_the_list_is_read_lose_no_other(
    system: TicketSystem, intake: Intake, connection: Connection, total: bool
) -> None:
    """A ticket that changes moves to the end, and all behind it move up across the border of a page."""
    system.tickets, system.total = [ticket(number) for number in range(60)], total
    changing = iter(range(18))

    def change(_: dict[str, str]) -> None:
        if (number := next(changing, None)) is not None:
            system.tickets[number] = ticket(number, 7200 + number, status="held")

    system.before = change
    ask(system, intake)
    assert stored(connection)[0] == 60
    system.before = lambda _: None
    ask(system, intake, NOON + timedelta(minutes=5), overlap_s=10_000)
    held = "SELECT count(*) FROM cem.complaint_now WHERE api.label(status) = 'held'"
    assert (stored(connection)[0], one(connection, held)) == (60, 18)


def test_a_poll_that_breaks_off_is_taken_up(system: TicketSystem, intake: Intake, connection: Connection) -> None:
    system.tickets = [ticket(number) for number in range(40)]
    answer = system.answer

    def breaking(path: str) -> tuple[int, bytes]:
        return answer(path) if len(system.asked) < 3 else (503, b'{"reason": "maintenance"}')

    system.exporter.answer = breaking
    with pytest.raises(TransientError, match="crm: status 503: maintenance"):
        ask(system, intake)
    with pytest.raises(TransientError):
        ask(system, intake, NOON + timedelta(minutes=5))
    assert 0 < stored(connection)[0] < 40
    assert [(found.started_at, found.ended_at) for found in outages(connection, "crm")] == [(NOON, None)]
    system.exporter.answer = answer
    ask(system, intake, NOON + timedelta(minutes=10))
    assert stored(connection) == (40, 40)
    assert [found.ended_at for found in outages(connection, "crm")] == [NOON + timedelta(minutes=10)]


@pytest.mark.parametrize(
    ("status", "body", "error", "text"),
    [
        (401, b'{"reason": "no token"}', ConfigError, "status 401: no token"),
        (404, b"<html>", ConfigError, "status 404"),
        (200, b'{"id": "1"}', ConfigError, "no JSON array"),
        (200, b"[{", TransientError, "no JSON"),
        (302, b"", TransientError, "redirects"),
    ],
)
def test_what_is_wrong_is_said(
    system: TicketSystem, intake: Intake, status: int, body: bytes, error: type[Exception], text: str
) -> None:
    system.exporter.answer = lambda _: (status, body)
    with pytest.raises(error, match=text):
        ask(system, intake)


def test_a_next_page_elsewhere_is_not_followed(system: TicketSystem, intake: Intake) -> None:
    system.exporter.headers = {"Link": '<http://127.0.0.2/secrets>; rel="next"'}
    system.exporter.answer = lambda _: (200, json.dumps([ticket(1)]).encode())
    with pytest.raises(ConfigError, match="another address"):
        ask(system, intake)


def test_a_server_that_repeats_its_first_page_is_found_out(system: TicketSystem, intake: Intake) -> None:
    system.exporter.headers = {"X-Total-Count": "30"}
    system.exporter.answer = lambda _: (200, json.dumps([ticket(number) for number in range(10)]).encode())
    with pytest.raises(TransientError, match="says 30 tickets and gave 10"):
        ask(system, intake)


def test_entries_that_are_no_tickets_are_quarantined_once(
    system: TicketSystem, intake: Intake, connection: Connection
) -> None:
    system.filters, system.total = False, False
    entries = [ticket(1), {"name": "no id"}, 7, ticket(2, creationDate="soon"), ticket(3, relatedParty=[])]
    system.exporter.answer = lambda path: (200, json.dumps(entries if "offset=0" in path else []).encode())
    for minute in (0, 5):
        ask(system, intake, NOON + timedelta(minutes=minute), sort="", since="")
    rows = connection.execute("SELECT code, column_name FROM cem.quarantine ORDER BY 1, 2").fetchall()
    assert rows == [("json", None), ("missing", "complaint_id"), ("missing", "subscriber_id"), ("time", "created_at")]
    assert stored(connection) == (1, 1)


def test_the_sample_of_the_documentation_is_right(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent / "docs" / "sources-complaints.md").read_text()
    (source,) = parse(page.split("```toml")[1].split("```")[0])
    assert isinstance(source, Tmf621)
    defaults = Tmf621.model_validate({"name": "crm", "type": "tmf621", "url": source.url})
    given = source.model_dump(exclude={"query", "header_files", "ca_file", "networks"})
    assert given == defaults.model_dump(exclude={"query", "header_files", "ca_file", "networks"})
    assert source.target(tmp_path).access.header_files == {"Authorization": tmp_path / "secrets" / "crm-token"}


def test_a_source_of_the_file_is_a_server(tmp_path: Path) -> None:
    text = """
    [[source]]
    name = "crm"
    type = "tmf621"
    url = "https://crm.example/tmf-api/troubleTicket/v4/troubleTicket"
    interval_s = 60
    query = { ticketType = "complaint" }
    """
    (source,) = parse(text)
    assert isinstance(source, Tmf621)
    target = source.target(tmp_path)
    assert (target.name, target.interval_s, target.query) == ("crm", 60, {"ticketType": "complaint"})
    with pytest.raises(ConfigError, match=f"{FILE_NAME}: source crm: limit: Input should be greater"):
        parse(text + "limit = 1")
