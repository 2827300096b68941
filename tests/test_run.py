"""The running program: its jobs, its health, its logs, and its end."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cemaphore.running.leading import Lease
from cemaphore.running.metrics import Metrics
from cemaphore.running.ops import OpsServer
from cemaphore.running.program import run
from cemaphore.serving import free_port
from cemaphore.settings import Settings, load_settings
from records.errors import ConfigError, TransientError
from store import slots
from store.connection import Connection, connect
from store.keys import Keys
from tests.collecting import until
from tests.exporter import Exporter, exporting
from tests.running import running

HEADER = "session_id,start_time,subscriber_id,service,success\n"


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    made = load_settings(home=tmp_path, database_url=database, demo=True)
    made.watch_folder.mkdir()
    Keys.create(made.keys_dir)
    return made


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with exporting() as made:
        yield made


def _drop(settings: Settings, name: str, rows: int) -> Path:
    path = settings.watch_folder / name
    lines = [f"{name}-{row},2026-03-02T10:{row:02}:00Z,46000123456789{row % 10},web,false\n" for row in range(rows)]
    path.write_text(HEADER + "".join(lines), encoding="utf-8")
    old = time.time() - 60
    os.utime(path, (old, old))
    return path


def test_every_job_runs_on_what_lies_in_the_folder_and_once_only(
    database: str, settings: Settings, connection: Connection
) -> None:
    _drop(settings, "sessions-a.csv", 30)
    fresh = _drop(settings, "sessions-b.csv", 30)
    os.utime(fresh)
    with running(database, settings) as program:
        assert False not in [program.run(name) for name in program.names], program.stream.getvalue()
        assert connection.execute("SELECT count(*) FROM cem.session").fetchone() == (30,)
        assert connection.execute("SELECT count(*) FROM cem.user_hour").fetchone() == (10,)
        os.utime(fresh, (0, 0))
        assert program.run("collect")
        assert connection.execute("SELECT count(*) FROM cem.session").fetchone() == (60,)
        before = connection.execute("SELECT count(*) FROM cem.run WHERE job = 'collect'").fetchone()
        assert program.run("collect")
        assert connection.execute("SELECT count(*) FROM cem.run WHERE job = 'collect'").fetchone() == before == (2,)
    assert "46000123" not in program.stream.getvalue()


def test_only_one_of_two_programs_works(database: str, settings: Settings, connection: Connection) -> None:
    first = Lease(database)
    first.start()
    assert until(lambda: first.leads)
    _drop(settings, "sessions-a.csv", 5)
    with running(database, settings) as second:
        assert second.run("collect")
        assert connection.execute("SELECT count(*) FROM cem.session").fetchone() == (0,)
        first.release()
        assert until(lambda: second.lease.leads)
        assert second.run("collect")
        assert connection.execute("SELECT count(*) FROM cem.session").fetchone() == (5,)


def test_jobs_that_are_to_run_once_say_that_another_program_runs_them(database: str, settings: Settings) -> None:
    leader = Lease(database)
    leader.start()
    assert until(lambda: leader.leads)
    with pytest.raises(TransientError, match="another program leads"):
        run(settings, every_s=1, stable_s=0, once=True)
    leader.release()


def test_a_slot_is_run_once_and_gaps_are_counted(database: str, settings: Settings, connection: Connection) -> None:
    with running(database, settings) as program:
        slot = datetime(2026, 3, 2, 12, tzinfo=UTC)
        for second in (0, 0, 5):
            assert program.run("collect", slot + timedelta(seconds=second))
    assert connection.execute("SELECT count(*), bool_and(ok) FROM cem.job_slot").fetchone() == (2, True)
    assert 'cem_job_missed_total{task="collect"} 4.0' in program.shown
    assert 'cem_job_duration_seconds_count{task="collect"} 2.0' in program.shown


def test_a_daily_run_that_was_lost_is_run_again_and_a_good_one_is_not(
    database: str, settings: Settings, connection: Connection
) -> None:
    with running(database, settings) as program:
        instance, slot = program.lease.instance, datetime(2026, 3, 2, tzinfo=UTC)
        slots.claim(connection, "retention", slot, "dead", 86_400, again=True)
        assert slots.claim(connection, "retention", slot, instance, 86_400, again=True) is None, "it may still run"
        slots.fence(connection, instance)
        claimed = slots.claim(connection, "retention", slot, instance, 86_400, again=True)
        assert claimed is not None
        assert claimed.attempt == 2
        slots.finish(connection, "retention", slot, instance, None)
        assert slots.claim(connection, "retention", slot, instance, 86_400, again=True) is None


def test_a_daily_run_cut_off_by_a_restart_of_the_database_is_run_again_by_the_same_program(
    database: str, settings: Settings, connection: Connection
) -> None:
    with running(database, settings) as program:
        lease, slot = program.lease, datetime(2026, 3, 2, tzinfo=UTC)
        assert lease.use(lambda lead: slots.claim(lead, "retention", slot, lease.instance, 86_400, again=True))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cem-lead' "
            "AND datname = current_database()"
        )
        assert until(lambda: lease.lost_slots == 1)
        again = lease.use(lambda lead: slots.claim(lead, "retention", slot, lease.instance, 86_400, again=True))
        assert again is not None
        assert again.attempt == 2


def test_a_failing_job_is_counted_and_the_program_goes_on(settings: Settings, database: str) -> None:
    (settings.home / "alerts.toml").write_text("[[rule", encoding="utf-8")
    with running(database, settings) as program:
        assert not program.run("alert")
        assert program.run("detect")
        assert {job["job"]: job["error"] for job in slots_of(database)} == {"alert": "configuration", "detect": None}
    assert 'cem_job_failures_total{kind="configuration",task="alert"} 1.0' in program.shown
    assert 'cem_job_last_success_timestamp_seconds{task="detect"}' in program.shown
    assert "not valid TOML" in program.stream.getvalue()


def test_a_job_that_never_succeeded_is_told_with_the_start_of_the_program(
    database: str, connection: Connection
) -> None:
    good = datetime(2026, 3, 2, tzinfo=UTC)
    slots.claim(connection, "score", good, "a", 30, again=False)
    slots.finish(connection, "score", good, "a", None)
    slots.claim(connection, "detect", good, "a", 30, again=False)
    slots.finish(connection, "detect", good, "a", "data")
    connection.execute("UPDATE cem.job_slot SET finished_at = slot")
    before = time.time()
    metrics = Metrics()
    metrics.expect(["score", "detect"], slots.succeeded(connection, ["score", "detect"]))
    told = dict(line.rsplit(" ", 1) for line in metrics.text().decode().splitlines() if "last_success" in line)
    assert float(told['cem_job_last_success_timestamp_seconds{task="score"}']) == good.timestamp()
    assert before <= float(told['cem_job_last_success_timestamp_seconds{task="detect"}']) <= time.time()


def slots_of(database: str) -> list[dict[str, Any]]:
    with connect(database) as connection:
        return slots.jobs(connection)


def test_health_and_metrics_are_served() -> None:
    ready: list[str] = []
    metrics = Metrics()
    metrics.leads.set(1)
    with OpsServer("127.0.0.1", 0, metrics, healthy=list, ready=lambda: ready) as ops:

        def read(path: str) -> tuple[int, str]:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{ops.port}{path}", timeout=5) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read().decode()

        assert read("/healthz") == read("/readyz") == (200, "ok\n")
        assert "cem_leader 1.0" in read("/metrics")[1]
        assert read("/nothing")[0] == 404
        ready.append("no program leads")
        assert read("/readyz") == (503, "no program leads\n")
        assert read("/healthz")[0] == 200
        with pytest.raises(ConfigError, match="CEMAPHORE_OPS_PORT"):
            OpsServer("127.0.0.1", ops.port, metrics, healthy=list, ready=list)


def test_the_program_works_until_it_is_told_to_stop(
    settings: Settings, database: str, connection: Connection, exporter: Exporter
) -> None:
    port = free_port("127.0.0.1", 19464)
    _drop(settings, "sessions-a.csv", 20)
    exporter.show("# TYPE level gauge\nlevel 5\n")
    source = f'[[source]]\nname = "amf"\ntype = "prometheus-scrape"\nurl = "{exporter.url}"\ninterval_s = 1\n'
    (settings.home / "sources.toml").write_text(source, encoding="utf-8")
    environment = {
        **os.environ,
        "CEMAPHORE_HOME": str(settings.home),
        "CEMAPHORE_DATABASE_URL": database,
        "CEMAPHORE_DEMO": "true",
        "CEMAPHORE_OPS_PORT": str(port),
    }
    command = [sys.executable, "-c", "from cemaphore.cli import main; main()", "run", "--every", "0.3"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            found = connection.execute("SELECT count(*) FROM cem.user_hour").fetchone()
            scraped = connection.execute("SELECT count(DISTINCT time) FROM cem.counter").fetchone()
            if found and found[0] and scraped and scraped[0] > 1:
                break
            time.sleep(0.2)
        assert found == (10,)
        assert scraped
        assert scraped[0] > 1, "it is scraped at its own interval"

        def read(path: str) -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return str(answer.read().decode())

        shown = read("/metrics")
        assert 'cem_source_up{source="amf"} 1.0' in shown
        for job in ("alert", "report", "source:amf", "housekeeping"):
            assert f'cem_job_last_success_timestamp_seconds{{task="{job}"}}' in shown, "also before it first succeeded"
        assert read("/healthz") == read("/readyz") == "ok\n"
        with connection.transaction():
            connection.execute("LOCK TABLE cem.detection IN ACCESS EXCLUSIVE MODE")
            assert until(lambda: 'cem_job_overlapped_total{task="detect"}' in read("/metrics"), pause_s=0.1)
        process.send_signal(signal.SIGTERM)
        _, written = process.communicate(timeout=90)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    lines = [json.loads(line) for line in written.splitlines()]
    assert lines[0]["event"] == "running"
    assert lines[-1]["event"] == "stopped"


def test_the_leader_does_not_keep_its_own_collection_from_identities(database: str, settings: Settings) -> None:
    """The lease and the linking of identifiers once used one lock number: the leader waited for itself for ever."""
    path = settings.watch_folder / "identities.csv"
    path.write_text("subscriber_id,kind,value\n460001234567890,msisdn,+8613800138000\n", encoding="utf-8")
    os.utime(path, (time.time() - 60, time.time() - 60))
    with running(database, settings) as program:
        assert program.lease.leads
        assert program.run("collect")
    with connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM cem.customer_of").fetchone() != (0,)
