"""A TMF621 server on loopback: it filters, sorts and pages its tickets as TMF630 says, or not, as a test wants it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.exporter import Exporter, exporting


@dataclass
class TicketSystem:
    """What the server holds and how it behaves; `before` is called with each request's parameters."""

    exporter: Exporter
    tickets: list[dict[str, Any]] = field(default_factory=list)
    most: int = 1000
    total: bool = True
    filters: bool = True
    cursor_links: bool = False
    before: Callable[[dict[str, str]], object] = lambda _: None
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.exporter.port}/tmf-api/troubleTicket/v4/troubleTicket"

    def answer(self, path: str) -> tuple[int, bytes]:
        given = {name: values[-1] for name, values in parse_qs(urlsplit(path).query).items()}
        self.asked.append(given)
        self.before(given)
        found = list(self.tickets)
        if self.filters and "lastUpdate.gte" in given:
            found = [one for one in found if one["lastUpdate"] >= given["lastUpdate.gte"]]
        if given.get("sort") == "lastUpdate":
            found.sort(key=lambda one: one["lastUpdate"])
        start = int(given.get("after", given.get("offset", "0")))
        page = found[start : start + min(self.most, int(given.get("limit", "20")))]
        self.exporter.headers = {"X-Total-Count": str(len(found))} if self.total else {}
        if self.cursor_links and start + len(page) < len(found):
            self.exporter.headers["Link"] = f'<{self.url}?after={start + len(page)}&limit={self.most}>; rel="next"'
        return (200 if len(page) == len(found) else 206), json.dumps(page).encode()


@contextmanager
def ticket_system() -> Iterator[TicketSystem]:
    """Serve until the block ends."""
    with exporting() as exporter:
        system = TicketSystem(exporter)
        exporter.answer = system.answer
        exporter.content_type = "application/json"
        yield system


def ticket(number: int, second: int | None = None, **more: Any) -> dict[str, Any]:
    """A ticket of one account, changed at that second of the morning of 2 March 2026."""
    changed = number if second is None else second
    moment = f"2026-03-02T{8 + changed // 3600:02}:{changed // 60 % 60:02}:{changed % 60:02}.000Z"
    return {
        "id": f"T{number}",
        "creationDate": "2026-03-02T07:00:00.000Z",
        "lastUpdate": moment,
        "description": "slow",
        "status": "acknowledged",
        "relatedParty": [{"id": f"acc{number}", "role": "customer"}],
        **more,
    }
