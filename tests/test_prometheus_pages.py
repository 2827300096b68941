"""Pages of metrics: names of every type, what is refused on them, and the pages of Open5GS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.prometheus import Scraper, scrape
from store import scrapes
from store.connection import Connection
from store.intake import Intake
from tests.exporter import OPENMETRICS, Exporter, exporting
from tests.scrapes import NOON, at, page, refused, run, stored, target, told

DATA = Path(__file__).parent / "data" / "open5gs"


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with exporting() as served:
        yield served


@pytest.fixture
def scraper(exporter: Exporter) -> Iterator[Scraper]:
    made = Scraper(target(exporter))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("text", "content_type", "code"),
    [
        ("<html>Sign in</html>", "text/html", "content_type"),
        ("reg_req{ 1\n", "text/plain", "syntax"),
        ("reg_req one\n", "text/plain", "syntax"),
        ("a 1\n", OPENMETRICS, "syntax"),
        ("a" * 70_000 + " 1\n", "text/plain", "too_long"),
        ("a 1\nb 1\nc 1\nd 1\n", "text/plain", "too_many"),
        ("a \udcff1\n", "text/plain", "encoding"),
    ],
)
def test_a_page_that_is_none_is_kept_sealed_and_is_an_outage(
    exporter: Exporter, intake: Intake, connection: Connection, text: str, content_type: str, code: str
) -> None:
    exporter.body, exporter.content_type = text.encode("utf-8", "surrogateescape"), content_type
    result = scrape(target(exporter, max_samples=3), intake, NOON)
    assert (result.up, result.reason.partition(":")[0], result.tally.rows_quarantined) == (False, code, 1)
    assert refused(connection)[0][0] == code
    assert len(scrapes.outages(connection, "amf")) == 1
    exporter.show(page(1))
    assert scrape(target(exporter), intake, NOON).tally.rows_stored == 1


def test_a_series_that_is_on_the_page_twice_is_refused_where_it_differs(
    exporter: Exporter, scraper: Scraper, intake: Intake, connection: Connection
) -> None:
    exporter.show('# TYPE g gauge\ng 1\ng 2\n# TYPE h gauge\nh{a="1",b="2"} 5\nh{b="2",a="1"} 5\n')
    result = scraper.scrape(intake, NOON)
    assert told(connection) == [("h.a=1.b=2", 0, 15, 5)]
    assert refused(connection) == [("duplicate", "g is on the page more than once, with different values (2 samples)")]
    assert result.samples == 4


@pytest.mark.parametrize(("value", "code"), [("-1", "negative"), ("+Inf", "not_finite"), ("1" * 400, "not_finite")])
def test_a_counter_that_cannot_be_is_refused(
    exporter: Exporter, scraper: Scraper, intake: Intake, connection: Connection, value: str, code: str
) -> None:
    run(scraper, intake, exporter, page(1), page(value))
    assert [found[0] for found in refused(connection)] == [code]
    assert [row[0] for row in told(connection)] == ["ran_ue", "ran_ue"]


@pytest.mark.parametrize("label", ['imsi="460001234567890"', 'ue="imsi-460001234567890"', 'id="460001234567890"'])
def test_series_of_single_persons_are_refused_and_not_repeated(
    exporter: Exporter, scraper: Scraper, intake: Intake, connection: Connection, label: str
) -> None:
    exporter.show(f"# TYPE bytes counter\nbytes{{{label}}} 5\n")
    assert scraper.scrape(intake, NOON).tally.rows_quarantined == 1
    ((code, reason),) = refused(connection)
    assert code == "personal"
    assert "46000" not in reason
    assert not connection.execute("SELECT FROM cem.label WHERE value LIKE '%46000%'").fetchall()


def test_openmetrics_counters_keep_their_names_and_say_when_they_were_made(
    exporter: Exporter, scraper: Scraper, intake: Intake, connection: Connection
) -> None:
    head, created = "# TYPE reg counter\n", f"reg_created {at(-100).timestamp()}\n"
    one = f"{head}reg_total 5\n{created}# EOF\n"
    made = at(20).timestamp()
    other = f'{head}reg_total 9\nreg_created {made}\nreg_total{{n="2"}} 2\nreg_created{{n="2"}} {made}\n# EOF\n'
    for seconds, text in ((0, one), (15, one), (30, other)):
        exporter.show(text, OPENMETRICS)
        result = scraper.scrape(intake, at(seconds))
    assert told(connection) == [("reg_total", 15, 15, 0), ("reg_total", 30, 15, 9), ("reg_total.n=2", 30, 15, 2)]
    assert result.resets == 1


def test_text_counters_keep_their_names_with_and_without_total(
    exporter: Exporter, scraper: Scraper, intake: Intake, connection: Connection
) -> None:
    text = "# TYPE a counter\na {0}\n# TYPE b_total counter\nb_total {0}\n# TYPE c histogram\n"
    text += 'c_bucket{{le="0.5"}} {0}\nc_bucket{{le="+Inf"}} {0}\nc_sum 1\nc_count {0}\n'
    text += '# TYPE s summary\ns{{quantile="0.9"}} 7\ns_sum 1\ns_count {0}\nu 4\n'
    run(scraper, intake, exporter, text.format(1), text.format(3))
    assert [(row[0], row[3]) for row in told(connection) if row[1] == 15] == [
        ("a", 2),
        ("b_total", 2),
        ("c_bucket.le=+Inf", 2),
        ("c_bucket.le=0%2E5", 2),
        ("c_count", 2),
        ("c_sum", 0),
        ("s.quantile=0%2E9", 7),
        ("s_count", 2),
        ("s_sum", 0),
        ("u", 4),
    ]


@pytest.mark.parametrize(("name", "gauges", "counters", "empty"), [
    ("amf", 10, 14, 6), ("pcf", 7, 0, 5), ("smf", 12, 10, 9), ("upf", 8, 5, 4),
])  # fmt: skip
def test_the_pages_of_open5gs_load_whole(
    exporter: Exporter, scraper: Scraper, intake: Intake, connection: Connection, name: str, gauges: int, counters: int,
    empty: int,
) -> None:  # fmt: skip
    """A HELP or TYPE without a sample is no zero; `process_cpu_seconds_total` is a gauge, as the page says."""
    text = (DATA / f"s5uishida_{name}.prom").read_text(encoding="utf-8")
    first, second = run(scraper, intake, exporter, text, text)
    assert (first.samples, first.tally.rows_stored, first.firsts) == (gauges + counters, gauges, counters)
    assert (second.tally.rows_stored, second.empty_families, second.tally.rows_quarantined) == (
        gauges + counters,
        empty,
        0,
    )
    names = {row[1] for row in stored(connection)}
    assert "process_resident_memory_bytes" in names
    assert not names & {f"fivegs_{name}function_rm_reginitfail", "fivegs_pcffunction_pa_policyamassoreq"}
    lines = [line.split() for line in text.splitlines() if line and line[0] != "#"]
    assert {name: float(value) for name, value in lines}.keys() == names


def test_labels_that_make_the_object_are_taken_out_of_the_counter(
    exporter: Exporter, intake: Intake, connection: Connection
) -> None:
    exporter.show('# TYPE g gauge\ng{cell="c1",plmn="46000"} 1\ng{plmn="46000"} 2\n')
    scrape(target(exporter, object_labels=("site", "cell"), labels={"site": "s9"}), intake, NOON)
    assert [row[:2] for row in stored(connection)] == [("s9,c1", "g.plmn=46000"), ("s9", "g.plmn=46000")]
