"""Figures for Prometheus: what is told while they are read, and of how old windows."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cemaphore.running.figures import Figures
from cemaphore.running.metrics import Metrics
from store import detections, gauges
from store.connection import Connection
from tests.collecting import until

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def test_figures_stay_told_while_new_ones_are_read(opened: Callable[[], Connection], tmp_path: Path) -> None:
    """A series that is missing in one scrape would set the patience of its alert back."""
    reader, locker, looker = opened(), opened(), opened()
    metrics = Metrics()
    figures = Figures(metrics, tmp_path)
    detections.note(reader, [("alerts", NOW - timedelta(hours=1), 1, 0)], NOW)
    figures.refresh(reader, (), NOW)
    before = [line for line in metrics.text().splitlines() if line.startswith((b"cem_alerts", b"cem_judged"))]
    assert b"cem_judged_window_age_seconds 2700.0" in before
    assert len(before) == 5
    with locker.transaction():
        locker.execute("LOCK TABLE cem.alert IN ACCESS EXCLUSIVE MODE")
        reading = threading.Thread(target=figures.refresh, args=(reader, (), NOW + timedelta(minutes=1)))
        reading.start()
        assert until(lambda: looker.execute("SELECT FROM pg_locks WHERE NOT granted").fetchone() is not None)
        assert set(before) <= set(metrics.text().splitlines())
    reading.join()
    assert b"cem_judged_window_age_seconds 2760.0" in metrics.text()
    figures.clear()
    assert b"cem_alerts{" not in metrics.text()


def test_lateness_is_that_of_the_last_days(connection: Connection) -> None:
    connection.execute("INSERT INTO cem.source (name) VALUES ('old'), ('new')")
    for name, age in (("old", timedelta(days=3)), ("new", timedelta(hours=2)), ("new", timedelta(hours=1))):
        connection.execute(
            "INSERT INTO cem.source_window (source_id, kind, start, received, lateness_p95_s, late, duplicate, "
            "quarantined, missing, profile, findings, state, made_at) SELECT source_id, 'sessions', %s, 1, %s, 0, 0, "
            "'{}', '{}', '{}', '[]', 'good', now() FROM cem.source WHERE name = %s",
            [NOW - age, age.total_seconds() / 60, name],
        )
    told = gauges.lateness(connection, ["old", "new"], NOW - timedelta(days=2))
    assert told == [("new", "sessions", 60.0)]
