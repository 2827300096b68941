"""What tests of scraping share: a target, its pages, and what is in the database afterwards."""

from datetime import UTC, datetime, timedelta

from collectors.prometheus import Access, Scrape, Scraper, ScrapeTarget
from store.connection import Connection
from store.intake import Intake
from tests.exporter import Exporter

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

Rows = list[tuple[str, str, int, int, float | None]]


def target(exporter: Exporter, **given: object) -> ScrapeTarget:
    access = Access(url=exporter.url, timeout_s=5, attempts=1)
    settings = {"labels": {"instance": "amf-1"}, "interval_s": 15, **given}
    return ScrapeTarget(name="amf", access=access, **settings)  # type: ignore[arg-type]  # of a dict


def at(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


def stored(connection: Connection) -> Rows:
    """Object, counter, seconds after noon, period and value of all rows."""
    query = (
        "SELECT o.value, c.value, extract(epoch FROM time - %s)::integer, period_s, t.value FROM cem.counter t "
        "JOIN cem.label o ON o.label_id = object_id JOIN cem.label c ON c.label_id = counter ORDER BY time, c.value"
    )
    return [(str(a), str(b), int(c), int(d), e) for a, b, c, d, e in connection.execute(query, [NOON])]


def told(connection: Connection) -> list[tuple[str, int, int, float | None]]:
    return [row[1:] for row in stored(connection)]


def refused(connection: Connection) -> list[tuple[str, str]]:
    return [(a, b) for a, b in connection.execute("SELECT code, reason FROM cem.quarantine ORDER BY quarantine_id")]


def page(requests: float | str, ues: float | str = 3) -> str:
    return f"# TYPE reg_req counter\nreg_req {requests}\n# TYPE ran_ue gauge\nran_ue {ues}\n"


def run(scraper: Scraper, intake: Intake, exporter: Exporter, *pages: str, every: int = 15) -> list[Scrape]:
    results = []
    for number, text in enumerate(pages):
        exporter.show(text)
        results.append(scraper.scrape(intake, at(number * every)))
    return results
