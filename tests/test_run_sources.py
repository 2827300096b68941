"""The running program and `sources.toml`: what is asked, at its own pace, and what is watched."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import Producer

from cemaphore.running.asking import askings
from cemaphore.running.folders import watched
from cemaphore.running.program import run
from cemaphore.settings import Settings, load_settings
from cemaphore.sources import parse
from records.errors import ConfigError
from store.connection import Connection
from store.keys import Keys
from tests.exporter import exporting
from tests.running import Running, running
from tests.ticket_server import ticket, ticket_system

DOCS = Path(__file__).parent.parent / "docs" / "running.md"
HEADER = "session_id,start_time,subscriber_id,service,success\n"
KAFKA = '[[source]]\nname = "bus"\ntype = "kafka"\nbrokers = "127.0.0.1:1"\ntopics = ["xdr"]\n'

Make = Callable[[str], Running]


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    made = load_settings(home=tmp_path, database_url=database, demo=True)
    made.watch_folder.mkdir()
    Keys.create(made.keys_dir)
    return made


@pytest.fixture
def make(database: str, settings: Settings) -> Iterator[Make]:
    """A function that writes `sources.toml` and makes the jobs of it."""
    with ExitStack() as stack:

        def made(text: str) -> Running:
            (settings.home / "sources.toml").write_text(text, encoding="utf-8")
            return stack.enter_context(running(database, settings))

        yield made


def _drop(path: Path, rows: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{path.name}-{row},2026-03-02T10:{row:02}:00Z,460001234567890,web,false\n" for row in range(rows)]
    path.write_text(HEADER + "".join(lines), encoding="utf-8")
    os.utime(path, (time.time() - 60, time.time() - 60))


def _count(connection: Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM cem.{table}").fetchone()  # noqa: S608 - ours only
    assert row is not None
    return int(row[0])


def test_the_sample_of_the_documentation_is_right_and_has_every_type(settings: Settings) -> None:
    sample = DOCS.read_text(encoding="utf-8").split("```toml\n", 1)[1].split("```", 1)[0]
    found = parse(sample)
    assert {source.type for source in found} == {"prometheus-scrape", "prometheus-api", "tmf621", "folder", "kafka"}
    assert [folder.source for folder in watched(settings, found, 5)] == [None, "probe-west"]


def test_an_exporter_is_scraped_and_its_outage_told_once(make: Make, connection: Connection) -> None:
    with exporting() as exporter:
        text = f'[[source]]\nname = "amf"\ntype = "prometheus-scrape"\nurl = "{exporter.url}"\ninterval_s = 1\n'
        jobs = make(text)
        exporter.show("# TYPE level gauge\nlevel 5\n")
        assert jobs.run("source:amf")
        exporter.status = 500
        time.sleep(1)
        assert jobs.run("source:amf")
        assert jobs.run("source:amf")
        assert 'cem_source_up{source="amf"} 0.0' in jobs.shown
        exporter.status = 200
        assert jobs.run("source:amf")
    assert jobs.run("collect")
    shown = jobs.shown
    assert 'cem_source_up{source="amf"} 1.0' in shown
    assert f'cem_ingest_records_total{{result="stored",source="amf"}} {float(_count(connection, "counter"))}' in shown
    assert jobs.stream.getvalue().count("source away") == jobs.stream.getvalue().count("source back") == 1
    assert _count(connection, "source_outage") == 1


def test_a_server_that_fails_is_told_and_ends_nothing(make: Make, connection: Connection) -> None:
    with exporting() as exporter, ticket_system() as tickets:
        exporter.answer = lambda path: (503, b"{}")
        tickets.tickets = [ticket(number) for number in range(1, 6)]
        sources = (
            f'[[source]]\nname = "prometheus"\ntype = "prometheus-api"\nurl = "http://127.0.0.1:{exporter.port}"\n'
            f'match = ["up"]\nattempts = 1\n[[source]]\nname = "crm"\ntype = "tmf621"\nurl = "{tickets.url}"\n'
            "history_days = 10000\n"
        )
        jobs = make(sources)
        assert list(jobs.names)[:2] == ["source:prometheus", "source:crm"]
        assert not jobs.run("source:prometheus")
        assert jobs.run("source:crm")
        assert jobs.run("source:crm")
    assert _count(connection, "complaint") == 5
    shown = jobs.shown
    assert 'cem_job_failures_total{kind="transient",task="source:prometheus"} 1.0' in shown
    assert 'cem_source_up{source="prometheus"} 0.0' in shown
    assert 'cem_ingest_records_total{result="stored",source="crm"} 5.0' in shown
    assert "503" in jobs.stream.getvalue()


def test_topics_are_read_until_they_are_empty(make: Make, connection: Connection) -> None:
    producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
    brokers = ",".join(f"{one.host}:{one.port}" for one in producer.list_topics(timeout=10).brokers.values())
    for number in range(30):
        line = f'{{"session_id":"s{number}","start_time":"2026-03-01T12:00:00Z","subscriber_id":"460001234567890"'
        producer.produce("xdr", value=(line + ',"service":"web","success":true}').encode(), partition=0)
    assert producer.flush(10) == 0
    jobs = make(KAFKA.replace("127.0.0.1:1", brokers) + "batch_messages = 10\n")
    assert jobs.run("source:bus")
    assert _count(connection, "session") == 30
    assert 'cem_ingest_records_total{result="stored",source="bus"} 30.0' in jobs.shown


def test_a_file_belongs_to_the_innermost_folder(make: Make, settings: Settings, connection: Connection) -> None:
    """Else its sessions would be in twice: once from each source."""
    text = '[[source]]\nname = "west"\ntype = "folder"\npath = "inbox/west"\nkind = "sessions"\nmarker = ".done"\n'
    jobs = make(text + 'move_to = "collected"\n')
    _drop(settings.watch_folder / "west" / "a.csv", 20)
    _drop(settings.watch_folder / "sessions-b.csv", 5)
    assert jobs.run("collect")
    assert _count(connection, "session") == 5
    (settings.watch_folder / "west" / "a.csv.done").touch()
    assert jobs.run("collect")
    assert jobs.run("collect")
    assert _count(connection, "session") == 25
    assert (settings.home / "collected" / "a.csv").exists()
    assert 'cem_ingest_records_total{result="stored",source="west"} 20.0' in jobs.shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('type = "folder"\npath = "inbox"', "watched already"),
        ('type = "folder"\npath = "pm"\nmove_to = "inbox/done"', "would be collected again"),
    ],
)
def test_folders_that_would_collect_twice_are_refused(settings: Settings, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        watched(settings, parse(f'[[source]]\nname = "x"\n{text}\n'), 5)


def test_the_extra_and_wrong_settings_of_kafka_are_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"bus: .*no.such"):
        askings(parse(KAFKA + 'settings = { "no.such" = 1 }\n'), settings, lambda _: None)
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    (settings.home / "sources.toml").write_text(KAFKA, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"cemaphore\[kafka\]"):
        run(settings, every_s=1, stable_s=0, once=True)


def test_sources_are_assessed_before_anything_is_searched(
    make: Make, settings: Settings, connection: Connection
) -> None:
    jobs = make("")
    _drop(settings.watch_folder / "sessions-a.csv", 20)
    assert [jobs.run(name) for name in ("collect", "health", "score", "detect")] == [True] * 4
    assert _count(connection, "source_window") > 0
    made = connection.execute("SELECT max(made_at) FROM cem.source_window").fetchone()
    assert jobs.run("health")
    assert connection.execute("SELECT max(made_at) FROM cem.source_window").fetchone() == made
    assert made is not None
    assert made[0] < datetime.now(UTC)


def test_every_source_is_asked_where_all_jobs_run_once(settings: Settings, connection: Connection) -> None:
    with exporting() as exporter:
        exporter.show("# TYPE level gauge\nlevel 5\n")
        text = f'[[source]]\nname = "amf"\ntype = "prometheus-scrape"\nurl = "{exporter.url}"\ninterval_s = 1\n'
        (settings.home / "sources.toml").write_text(text, encoding="utf-8")
        assert run(settings, every_s=60, stable_s=0, once=True)
    assert _count(connection, "counter") == 1
