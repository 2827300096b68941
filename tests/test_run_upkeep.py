"""What the running program does to stay in order, and how it says that it is alive and ready."""

import io
import os
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cemaphore.running import health, logs
from cemaphore.running.clock import Clock
from cemaphore.running.leading import Lease
from cemaphore.running.notifying import notify
from cemaphore.running.schedule import slot_of
from cemaphore.running.upkeep import Upkeep
from cemaphore.running.work import Call
from cemaphore.settings import load_settings
from store import housekeeping, slots
from store.connection import Connection
from tests.collecting import until
from tests.running import running


def test_readiness_says_what_is_missing(database: str, empty_database: str, tmp_path: Path) -> None:
    assert health.unready(database, tmp_path) == ["no program leads"]
    lease = Lease(database)
    lease.start()
    assert until(lambda: lease.leads)
    assert health.unready(database, tmp_path) == []
    lease.release()
    faults = health.unready(empty_database, tmp_path)
    assert any("cem db upgrade" in fault for fault in faults)
    assert "does not answer" in health.unready("postgresql://127.0.0.1:1/none", tmp_path)[0]


def test_a_schedule_that_stands_still_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    pulse = health.Pulse(Lease("postgresql://127.0.0.1:1/none"))
    assert pulse.faults() == []
    later = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert len(pulse.faults()) == 2
    pulse.beat()
    assert len(pulse.faults()) == 1


def test_systemd_is_told_where_it_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert notify("READY=1")
        assert listener.recv(100) == b"READY=1"
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert not notify("WATCHDOG=1")


def test_housekeeping_forgets_what_is_old_and_reminds_of_backups(
    database: str, connection: Connection, tmp_path: Path
) -> None:
    stream = io.StringIO()
    settings = load_settings(home=tmp_path, database_url=database, demo=True, backup_within_days=2)
    spill = tmp_path / "spill" / "ves"
    spill.mkdir(parents=True)
    for name, age_days in (("1.damaged", 40), ("2.damaged", 1), ("3.spill", 40)):
        (spill / name).touch()
        moment = time.time() - age_days * 86_400
        os.utime(spill / name, (moment, moment))
    for days in (0, 5, 6):
        slot = datetime.now(UTC) - timedelta(days=days)
        slots.claim(connection, "score", slot, "me", 1, again=False)
        connection.execute("UPDATE cem.job_slot SET finished_at = slot WHERE slot = %s", [slot])
    upkeep = Upkeep(settings, logs.configure("info", stream))
    call = Call(dsn=database, now=datetime.now(UTC))
    counts = upkeep.work["housekeeping"](call)
    assert counts["ledger_rows"] == 2
    assert sorted(path.name for path in spill.iterdir()) == ["2.damaged", "3.spill"]
    assert "backup is due" in stream.getvalue()
    housekeeping.note_backup(connection, datetime.now(UTC))
    stream.truncate(0)
    upkeep.work["housekeeping"](call)
    assert "backup is due" not in stream.getvalue()
    assert upkeep.work["retention"](call) == {}, "made-up records are all old and would all go"


def test_what_stands_still_is_in_the_status(database: str, connection: Connection, tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, database_url=database, demo=True)
    (tmp_path / "keys").mkdir()
    (tmp_path / "alerts.toml").write_text("[[rule", encoding="utf-8")
    with running(database, settings) as program:
        program.run("alert", datetime(2026, 3, 2, tzinfo=UTC))
        program.run("alert", datetime(2026, 3, 3, tzinfo=UTC))
        slots.claim(connection, "score", datetime(2026, 3, 3, tzinfo=UTC), program.lease.instance, 1, again=False)
        found = {job["job"]: job for job in slots.jobs(connection)}
        assert found["alert"]["error"] == "configuration"
        assert found["alert"]["failing_since"] is not None
        assert found["score"]["running_since"] is not None
        assert found["score"]["ok"] is None
        (leader,) = slots.instances(connection)
        assert leader["pid"] == os.getpid()
        assert leader["leads_since"] is not None


def test_slots_begin_at_multiples_and_a_clock_may_run_faster() -> None:
    moment = datetime(2026, 3, 2, 10, 0, 44, 999_999, tzinfo=UTC)
    assert slot_of(moment, 30) == datetime(2026, 3, 2, 10, 0, 30, tzinfo=UTC)
    assert slot_of(slot_of(moment, 0.3), 0.3) == slot_of(moment, 0.3)
    clock = Clock(shown=moment, real=datetime.now(UTC) - timedelta(seconds=9), speed=100)
    assert 900 <= (clock.now() - moment).total_seconds() < 1500
    assert abs((Clock().now() - datetime.now(UTC)).total_seconds()) < 5
