"""Scraping exporters into the store: counters, resets, NaN, silence and outages, each exactly once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from collectors.prometheus import Scraper, scrape
from collectors.prometheus.scraping import moment
from store import scrapes
from store.connection import Connection
from store.intake import Intake
from tests.exporter import Exporter, exporting
from tests.scrapes import NOON, at, page, run, stored, target, told


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with exporting() as served:
        yield served


@pytest.fixture
def scraper(exporter: Exporter) -> Iterator[Scraper]:
    made = Scraper(target(exporter))
    yield made
    made.close()


def test_counters_become_increases_and_gauges_stay_values(
    exporter: Exporter, scraper: Scraper, intake: Intake, connection: Connection
) -> None:
    first, second, _ = run(scraper, intake, exporter, page(100, 3), page(107, 4), page(107, 0))
    assert stored(connection) == [
        ("amf-1", "ran_ue", 0, 15, 3),
        ("amf-1", "ran_ue", 15, 15, 4),
        ("amf-1", "reg_req", 15, 15, 7),
        ("amf-1", "ran_ue", 30, 15, 0),
        ("amf-1", "reg_req", 30, 15, 0),
    ]
    assert (first.samples, first.firsts, second.firsts, second.tally.rows_stored) == (2, 1, 0, 2)


def test_a_reset_counts_from_zero_and_is_told(
    exporter: Exporter, scraper: Scraper, intake: Intake, connection: Connection
) -> None:
    results = run(scraper, intake, exporter, page(100), page(4), page(9))
    assert [row for row in told(connection) if row[0] == "reg_req"] == [("reg_req", 15, 15, 4), ("reg_req", 30, 15, 5)]
    assert [result.resets for result in results] == [0, 1, 0]


def test_not_a_number_is_no_value_and_never_zero(
    exporter: Exporter, scraper: Scraper, intake: Intake, connection: Connection
) -> None:
    run(scraper, intake, exporter, page(100, "NaN"), page("NaN"), page(120), page(121))
    assert [row for row in told(connection) if row[0] == "reg_req"] == [
        ("reg_req", 15, 15, None),
        ("reg_req", 45, 15, 1),
    ]
    assert told(connection)[0] == ("ran_ue", 0, 15, None)


def test_a_series_that_is_gone_has_no_row_and_goes_on_from_its_last_sample(
    exporter: Exporter, scraper: Scraper, intake: Intake, connection: Connection
) -> None:
    both = 'reg_fail{{cause="3"}} {}\n'
    head = "# TYPE reg_fail counter\n"
    pages = [head + both.format(5), head, head + both.format(8)]
    results = run(scraper, intake, exporter, *pages)
    assert told(connection) == [("reg_fail.cause=3", 30, 30, 3)]
    assert [(result.gone, result.empty_families) for result in results] == [(0, 0), (1, 1), (0, 0)]


def test_a_series_that_was_away_too_long_begins_anew(
    exporter: Exporter, intake: Intake, connection: Connection
) -> None:
    for number, text in ((0, page(10)), (1, "# TYPE a gauge\na 1\n"), (9, page(50)), (10, page(51))):
        exporter.show(text)
        scrape(target(exporter, max_gap_s=60), intake, at(15 * number))
    assert [row for row in told(connection) if row[0] == "reg_req"] == [("reg_req", 150, 15, 1)]


def test_another_process_counts_on_from_what_the_database_holds(
    exporter: Exporter, scraper: Scraper, intake: Intake, connection: Connection
) -> None:
    run(scraper, intake, exporter, page(100))
    exporter.show(page(103))
    scrape(target(exporter), intake, at(15))
    exporter.show(page(110))
    scraper.scrape(intake, at(30))
    assert [row for row in told(connection) if row[0] == "reg_req"] == [("reg_req", 15, 15, 3), ("reg_req", 30, 15, 7)]


def test_a_scrape_that_is_repeated_is_in_once(
    exporter: Exporter, scraper: Scraper, intake: Intake, connection: Connection
) -> None:
    run(scraper, intake, exporter, page(100), page(101))
    before = stored(connection)
    exporter.show(page(102))
    again = scrape(target(exporter), intake, at(15) + timedelta(seconds=1))
    assert again.tally.already_loaded
    assert stored(connection) == before
    scraper.scrape(intake, at(30))
    assert stored(connection)[-1] == ("amf-1", "reg_req", 30, 15, 1)


def test_a_scrape_that_breaks_off_leaves_neither_rows_nor_state(
    exporter: Exporter, scraper: Scraper, intake: Intake, connection: Connection
) -> None:
    run(scraper, intake, exporter, page(100))
    connection.execute("ALTER TABLE cem.scrape_state ADD CONSTRAINT broken CHECK (at < '2026-03-02 12:00:10Z')")
    exporter.show(page(105))
    with pytest.raises(Exception, match="broken"):
        scraper.scrape(intake, at(15))
    assert told(connection) == [("ran_ue", 0, 15, 3)]
    connection.execute("ALTER TABLE cem.scrape_state DROP CONSTRAINT broken")
    scraper.scrape(intake, at(15))
    assert told(connection)[-1] == ("reg_req", 15, 15, 5)


def test_a_target_that_is_down_is_an_outage_and_no_rows(
    exporter: Exporter, scraper: Scraper, intake: Intake, connection: Connection
) -> None:
    run(scraper, intake, exporter, page(100))
    exporter.status = 500
    down = [scraper.scrape(intake, at(15)), scraper.scrape(intake, at(30))]
    exporter.status = 200
    exporter.show(page(130))
    scraper.scrape(intake, at(45))
    assert [(one.up, one.reason) for one in down] == [(False, "status: it answered 500")] * 2
    assert told(connection) == [("ran_ue", 0, 15, 3), ("ran_ue", 45, 15, 3), ("reg_req", 45, 45, 30)]
    (outage,) = scrapes.outages(connection, "amf")
    assert (outage.started_at, outage.ended_at, outage.reason) == (at(15), at(45), "status: it answered 500")


def test_nobody_listening_is_an_outage_of_a_source_never_seen(intake: Intake, connection: Connection) -> None:
    with exporting() as gone:
        never = target(gone)
    result = scrape(never, intake, NOON)
    assert not result.up
    assert result.reason.startswith("connection: no connection")
    assert scrapes.outages(connection, "amf")[0].ended_at is None


def test_samples_with_their_own_time_are_stored_once_at_that_time(
    exporter: Exporter, scraper: Scraper, intake: Intake, connection: Connection
) -> None:
    stamp = round(at(-5).timestamp() * 1000)
    text = f"# TYPE g gauge\ng 1 {stamp}\n"
    run(scraper, intake, exporter, text, text)
    assert told(connection) == [("g", -5, 15, 1)]


def test_a_scrape_close_after_its_turn_bears_the_time_of_its_turn() -> None:
    assert moment(at(15) + timedelta(milliseconds=1400), 15) == at(15)
    assert moment(at(18) + timedelta(milliseconds=700), 15) == at(18)
    assert moment(at(0), 15) == NOON
