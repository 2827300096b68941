"""`cem scrape` and `cem backfill`: sources by name, exit codes, and one line per scrape or chunk."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cemaphore.cli import application
from tests.exporter import Exporter, exporting

Run = Callable[..., Result]
SOURCE = '[[source]]\nname = "amf"\ntype = "prometheus-{}"\nurl = "http://127.0.0.1:{}"\nattempts = 1\n'


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with exporting() as served:
        served.show("# TYPE a gauge\na 1\n")
        yield served


@pytest.fixture
def cem(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CEMAPHORE_HOME", str(tmp_path))
    monkeypatch.setenv("CEMAPHORE_DATABASE_URL", database)

    def run(sources: str, *arguments: str) -> Result:
        (tmp_path / "sources.toml").write_text(sources, encoding="utf-8")
        return CliRunner().invoke(application(), list(arguments))

    return run


def test_a_scrape_says_what_became_of_it(cem: Run, exporter: Exporter) -> None:
    sources = SOURCE.format("scrape", exporter.port)
    done = cem(sources, "scrape", "--json")
    (result,) = json.loads(done.stdout)
    assert (done.exit_code, result["up"], result["tally"]["rows_stored"]) == (0, True, 1)
    exporter.status = 500
    done = cem(sources, "scrape", "amf")
    assert (done.exit_code, done.stdout.strip()) == (1, "amf: away: status: it answered 500")


def test_what_is_wrong_ends_with_its_exit_code(cem: Run, exporter: Exporter) -> None:
    assert cem(SOURCE.format("scrape", exporter.port), "scrape", "smf").exit_code == 4
    sources = SOURCE.format("api", exporter.port)
    times = ("--start", "2026-03-02T12:00:00Z", "--end", "2026-03-02T12:10:00Z")
    assert cem(sources, "backfill", "amf", "--start", "2026-03-02T12:00:00").exit_code == 2
    exporter.show('{"status":"success","data":{"resultType":"matrix","result":[]}}', "application/json")
    done = cem(sources, "backfill", "amf", *times)
    expected = "amf: 2026-03-02T12:00:00Z to 2026-03-02T12:10:00Z: 0 series, 0 values stored, 0 resets, 0 outages"
    assert (done.exit_code, done.stdout.strip()) == (0, expected)
    assert cem(sources, "backfill", "amf", *times).stdout.strip().endswith("in already")
    exporter.status = 503
    assert cem(sources + "step_s = 30\n", "backfill", "amf", *times).exit_code == 75
