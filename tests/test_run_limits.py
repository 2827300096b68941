"""Time limits of jobs: what does not end is ended, and the next run goes on."""

import io
import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cemaphore.running import logs
from cemaphore.running.clock import Clock
from cemaphore.running.lane import LaneProcess
from cemaphore.running.leading import Lease
from cemaphore.running.metrics import Metrics
from cemaphore.running.runner import Runner
from cemaphore.running.schedule import Lane
from cemaphore.running.worker import Given, named
from cemaphore.settings import Settings, load_settings
from records.errors import ConfigError
from store.connection import Connection
from tests.collecting import until


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    return load_settings(home=tmp_path, database_url=database, demo=True, job_limits_s={"alert": 1})


@pytest.fixture
def lease(database: str) -> Iterator[Lease]:
    made = Lease(database)
    made.start()
    yield made
    made.release()


@pytest.fixture
def lane(settings: Settings, database: str, lease: Lease) -> Iterator[LaneProcess]:
    dsn = named(database, lease.instance, Lane.TELLING)
    made = LaneProcess(Lane.TELLING, Given(dsn=dsn, settings=settings.plain(), clock=Clock(), stable_s=0))
    made.ready()
    yield made
    made.close()


def test_a_job_past_its_limit_is_ended_and_the_next_run_goes_on(
    settings: Settings, lease: Lease, lane: LaneProcess, connection: Connection
) -> None:
    """First by its statements' timeout; where that reaches nothing (here: a process that is stopped), by SIGKILL."""
    metrics = Metrics()
    runner = Runner(settings, lease, metrics, logs.configure("info", io.StringIO()), Clock(), lambda job: lane)
    assert until(lambda: lease.leads)
    with connection.transaction():
        connection.execute("LOCK TABLE cem.detection, cem.alert IN ACCESS EXCLUSIVE MODE")
        assert not runner.run("alert", datetime.now(UTC), 1.0)
    first = lane.pid
    assert runner.run("alert", datetime.now(UTC), 1.0)
    assert lane.pid == first, "its statement was ended, the process lives"
    os.kill(first, signal.SIGSTOP)
    assert not runner.run("alert", datetime.now(UTC), 1.0)
    assert until(lambda: lane.pid != first)
    assert runner.run("alert", datetime.now(UTC), 1.0)
    shown = metrics.text().decode()
    assert 'cem_job_failures_total{kind="limit",task="alert"} 2.0' in shown
    rows = connection.execute("SELECT ok, error FROM cem.job_slot ORDER BY slot").fetchall()
    assert rows[:3] == [(False, "limit"), (True, None), (False, "limit")]


def test_a_process_that_dies_loses_its_run_only(lane: LaneProcess, connection: Connection) -> None:
    first = lane.pid
    with connection.transaction():
        connection.execute("LOCK TABLE cem.detection, cem.alert IN ACCESS EXCLUSIVE MODE")
        threading.Timer(0.3, os.kill, (first, signal.SIGKILL)).start()
        began = time.monotonic()
        assert lane.run("alert", 60).failure == "lost"
        assert time.monotonic() - began < 10
    assert lane.run("alert", 60).error is None
    assert lane.pid != first


def test_a_source_that_was_taken_out_is_answered_and_ends_no_other_job(lane: LaneProcess) -> None:
    """A process that was replaced has read `sources.toml` anew; its parent's schedule still names the source."""
    first = lane.pid
    done = lane.run("source:gone", 60)
    assert (done.failure, done.killed) == ("configuration", False)
    assert "source:gone is not in the configuration any more; restart cem run" in str(done.error)
    assert lane.run("alert", 60).error is None
    assert lane.pid == first


def test_limits_are_named_after_jobs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"JOB_LIMITS_S.*knows no job 'scoring'"):
        load_settings(home=tmp_path, job_limits_s={"scoring": 5})
