"""How good a source's data are: what it usually gives, when it is away, what drifts, and which unit was mistaken."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cemaphore.cli import poll, sources
from cemaphore.pipeline.sourcehealth import assess
from cemaphore.settings import load_settings
from qoe.drift import (
    LEAST_HISTORY,
    UNIT_FACTORS,
    Quartiles,
    drift,
    drifted,
    expected,
    quartiles,
    share_drifted,
    silent,
    unit_factor,
)
from records.kinds import SESSIONS
from store import quality, scrapes
from store.connection import Connection
from store.intake import Intake, Rejected
from store.labels import Labels
from tests.batches import load, one, sessions

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
NOW = START + timedelta(days=1)


@pytest.fixture
def fill(connection: Connection, labels: Labels) -> Callable[..., None]:
    """A function that inserts the sessions of one source and window: log-normal round trips around 40 ms."""
    service = int(labels.ids("service", ["web"])[0])
    random = np.random.default_rng(7)
    numbers = iter(range(10_000_000))

    def insert(
        window: int,
        count: int = 200,
        *,
        source: str = "probe",
        rtt_ms: float = 40.0,
        gaps: float = 0.1,
        late_s: float = 60,
    ) -> None:
        source_id = int(labels.sources([source])[0])
        start = START + window * QUARTER
        rows = [
            (
                int(random.integers(1, 10**9)),
                start + timedelta(seconds=float(random.uniform(0, 899))),
                source_id,
                f"s{next(numbers)}",
                None if random.random() < gaps else float(rtt_ms * random.lognormal(0, 0.5)),
                float(random.lognormal(8, 0.7)),
                service,
                late_s,
            )
            for _ in range(count)
        ]
        connection.cursor().executemany(
            "INSERT INTO cem.session (subscriber_key, start_time, source_id, session_id, rtt_client_ms, "
            "throughput_dl_kbps, service, success, batch_id, arrived_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, true, 1, %s)",
            [(*row[:7], row[1] + timedelta(seconds=row[7])) for row in rows],
        )
        connection.execute("INSERT INTO cem.dirty (kind, window_start) VALUES ('sessions', %s)", [start])
        connection.execute(
            "INSERT INTO cem.watermark AS old VALUES (%s, 'sessions', %s, %s) ON CONFLICT (source_id, kind) "
            "DO UPDATE SET watermark = greatest(old.watermark, excluded.watermark)",
            [source_id, start + QUARTER, start],
        )

    return insert


@pytest.fixture
def judge(database: str, connection: Connection) -> Callable[..., list[dict[str, Any]]]:
    """A function that assesses the windows and returns the last rows of sessions, oldest first."""
    settings = load_settings(time_zone="UTC")

    def run(windows: int, source: str = "probe") -> list[dict[str, Any]]:
        assess(database, settings, now=NOW, start=START, end=START + windows * QUARTER)
        cursor = connection.execute(
            "SELECT start, received, expected, expected_low, lateness_p50_s, late, duplicate, quarantined, missing, "
            "findings, state, reason FROM api.source_windows WHERE source = %s AND kind = 'sessions' ORDER BY start",
            [source],
        )
        assert cursor.description is not None
        return [dict(zip((each.name for each in cursor.description), row, strict=True)) for row in cursor]

    return run


Fill = Callable[..., None]
Judge = Callable[..., list[dict[str, Any]]]


def test_a_steady_source_is_good_and_has_no_findings(fill: Fill, judge: Judge) -> None:
    for window in range(30):
        fill(window)
    rows = judge(30)
    assert [row["state"] for row in rows] == ["learning"] * LEAST_HISTORY + ["good"] * (30 - LEAST_HISTORY)
    assert all(row["received"] == 200 and row["findings"] == [] for row in rows)
    assert rows[-1]["expected"] == 200
    assert 100 < rows[-1]["expected_low"] < 200
    assert rows[-1]["lateness_p50_s"] == pytest.approx(60)
    assert rows[-1]["missing"]["rtt_client_ms"] == pytest.approx(0.1, abs=0.08)
    assert rows[-1]["missing"]["app"] == 1.0


def test_a_source_that_falls_silent_blanks_its_windows_and_no_others(
    fill: Fill, judge: Judge, connection: Connection
) -> None:
    for window in range(24):
        if window not in (20, 21):
            fill(window)
        fill(window, source="other")
    fill(21, 9)
    rows = judge(24)
    assert [row["start"] for row in rows if row["state"] == "silent"] == [START + n * QUARTER for n in (20, 21)]
    assert rows[20]["reason"] == "0 records where about 200 are usual"
    assert {row["state"] for row in judge(24, "other")[LEAST_HISTORY:]} == {"good"}
    source_id = one(connection, "SELECT source_id FROM cem.source WHERE name = 'probe'")
    blanked = quality.blank(connection, "sessions", START, START + 24 * QUARTER)
    assert blanked == {(source_id, START + n * QUARTER) for n in (20, 21)}


def test_records_that_come_late_after_all_lift_the_blank(fill: Fill, judge: Judge) -> None:
    for window in range(20):
        if window != 15:
            fill(window)
    assert judge(20)[15]["state"] == "silent"
    fill(15, late_s=7200)
    row = judge(20)[15]
    assert (row["state"], row["received"], row["late"]) == ("good", 200, 200)
    assert row["lateness_p50_s"] == pytest.approx(7200)


def test_half_the_traffic_is_no_outage(fill: Fill, judge: Judge) -> None:
    """What the network lost must not be taken for the probe's fault."""
    for window in range(16):
        fill(window, 200 if window < 15 else 90)
    row = judge(16)[15]
    assert (row["state"], row["received"]) == ("good", 90)
    assert row["received"] < row["expected_low"]


def test_a_noted_outage_blanks_the_windows_that_it_covers_mostly(
    fill: Fill, judge: Judge, connection: Connection
) -> None:
    for window in range(6):
        fill(window)
    source_id = one(connection, "SELECT source_id FROM cem.source WHERE name = 'probe'")
    with connection.transaction():
        scrapes.went_away(connection, source_id, START + 2 * QUARTER + timedelta(minutes=2), "no connection")
        scrapes.came_back(connection, source_id, START + 4 * QUARTER + timedelta(minutes=3))
    rows = judge(6)
    assert [row["state"] for row in rows] == ["learning", "learning", "outage", "outage", "learning", "learning"]
    assert rows[2]["reason"] == "no connection"


@pytest.mark.parametrize(("times", "factor"), [(1000, 1000), (0.001, 0.001), (8, 8), (0.125, 0.125)])
def test_a_changed_unit_is_suspected(fill: Fill, judge: Judge, times: float, factor: float) -> None:
    for window in range(16):
        fill(window, rtt_ms=40.0 * (times if window == 15 else 1))
    (finding,) = judge(16)[15]["findings"]
    assert (finding["finding"], finding["column"], finding["factor"]) == ("unit", "rtt_client_ms", factor)
    assert finding["against"] == "own history"


def test_a_new_source_in_another_unit_is_told_by_the_others(fill: Fill, judge: Judge) -> None:
    for window in range(14):
        fill(window)
    fill(14)
    fill(14, source="new", rtt_ms=0.04)
    (finding,) = judge(15, "new")[0]["findings"]
    assert (finding["finding"], finding["factor"], finding["against"]) == ("unit", 0.001, "other sources")


def test_drift_and_new_gaps_are_found(fill: Fill, judge: Judge) -> None:
    for window in range(16):
        fill(window, 600, rtt_ms=40.0 if window < 15 else 100.0, gaps=0.1 if window < 15 else 0.6)
    moved, gap = judge(16)[15]["findings"]
    assert (moved["finding"], moved["column"], gap["finding"], gap["column"]) == (
        "drift",
        "rtt_client_ms",
        "missing",
        "rtt_client_ms",
    )
    assert moved["ratio"] == pytest.approx(2.5, rel=0.2)
    assert gap["usual"] == pytest.approx(0.1, abs=0.03)


def test_duplicates_and_reasons_are_counted_where_they_arrived(intake: Intake, judge: Judge) -> None:
    intake.clock_now = START + timedelta(minutes=20)
    batch = sessions(["a", "b"], [350, 350])
    load(intake, SESSIONS, batch)
    load(intake, SESSIONS, batch, Rejected(row_number=3, code="number", reason="r"), digest=b"2")
    rows = judge(2)
    assert [(row["duplicate"], row["quarantined"]) for row in rows] == [(0, {}), (2, {"number": 1})]


def test_what_is_new_is_found_without_being_told_when(fill: Fill, database: str, connection: Connection) -> None:
    settings = load_settings(time_zone="UTC")
    fill(0)
    old = START - timedelta(days=40)
    connection.execute("INSERT INTO cem.dirty (kind, window_start) VALUES ('sessions', %s)", [old])
    first = assess(database, settings, now=START + timedelta(hours=1))
    assert one(connection, "SELECT count(*) FROM cem.source_window WHERE kind = 'sessions' AND received = 200") == 1
    assert first.windows == 97  # a day of windows, and the old one that waits to be scored
    connection.execute("DELETE FROM cem.dirty")
    again = assess(database, settings, now=START + timedelta(hours=1))
    assert again.windows == 9


def test_counters_are_judged_each_by_itself(connection: Connection, labels: Labels, database: str) -> None:
    objects, counters = labels.ids("object", ["o"]), labels.ids("counter", ["DRB.UEThpDl", "RRC.ConnEstabAtt"])
    source_id = int(labels.sources(["pm"])[0])
    random = np.random.default_rng(5)
    for window in range(16):
        end = START + (window + 1) * QUARTER
        rows = [
            (int(objects[0]), int(counter), end, 900, source_id, 1, end, float(random.lognormal(8, 0.4) * factor))
            for counter, factor in zip(counters, (1000 if window == 15 else 1, 1), strict=True)
            for _ in range(60)
        ]
        connection.cursor().executemany("INSERT INTO cem.counter VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", rows)
    assess(database, load_settings(time_zone="UTC"), now=NOW, start=START, end=START + 16 * QUARTER)
    found = connection.execute("SELECT received, findings FROM cem.source_window ORDER BY start").fetchall()
    assert [row[0] for row in found] == [120] * 16
    (finding,) = found[-1][1]
    assert (finding["column"], finding["factor"]) == ("DRB.UEThpDl", 1000)


def test_the_command_shows_sources(
    fill: Fill, judge: Judge, database: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, intake: Intake
) -> None:
    for window in range(16):
        fill(window, rtt_ms=40.0 if window < 15 else 320.0)
    load(intake, SESSIONS, sessions(["x"], [-60]), source="probe")
    monkeypatch.setenv("CEMAPHORE_HOME", str(tmp_path))
    monkeypatch.setenv("CEMAPHORE_DATABASE_URL", database)
    app = typer.Typer()
    sources.register(app)
    poll.register(app)
    bounds = ["--assess", "--from", START.isoformat(), "--to", (START + 16 * QUARTER).isoformat()]
    result = CliRunner().invoke(app, ["sources", *bounds, "--json"])
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    assert (row["source"], row["kind"], row["received"], row["quarantined"]) == (
        "probe",
        "sessions",
        200,
        {"future": 1},
    )
    assert row["findings"][0]["meaning"] == "8 times: bits for bytes"
    shown = CliRunner().invoke(app, ["sources"])
    assert "rtt_client_ms is 8 times: bits for bytes?" in " ".join(shown.stdout.split())


# The statistics themselves


@given(st.sampled_from(list(UNIT_FACTORS)), st.floats(0.01, 1e6), st.floats(0.05, 0.9))
def test_every_factor_is_told_from_every_other(factor: float, median: float, width: float) -> None:
    past = [Quartiles(n=100, low=median * (1 - width), median=median, high=median * (1 + width))] * LEAST_HISTORY
    now = Quartiles(n=100, low=past[0].low * factor, median=median * factor, high=past[0].high * factor)
    assert unit_factor(now, past) == factor
    assert unit_factor(past[0], past) is None
    assert unit_factor(now, past[1:]) is None


@given(st.floats(0.5, 2.0), st.floats(1.5, 3.0))
def test_a_distribution_that_widens_is_no_unit(median: float, wider: float) -> None:
    past = [Quartiles(n=100, low=0.5, median=1.0, high=2.0)] * LEAST_HISTORY
    now = Quartiles(n=100, low=8 * 0.5 / wider, median=8 * median, high=8 * 2.0 * wider)
    assert unit_factor(now, past) is None


def test_worked_example_of_a_drift() -> None:
    """Medians of 90 to 110 around 100, each quartile 30 per cent away; now 200 among 400 values."""
    medians = [90, 92, 94, 96, 98, 99, 101, 102, 104, 106, 108, 110]
    past = [Quartiles(n=400, low=0.7 * each, median=float(each), high=1.3 * each) for each in medians]
    found = drift(Quartiles(n=400, low=140, median=200, high=260), past)
    assert found is not None
    centre = np.median(np.log(medians))
    spread = 1.4826 * np.median(np.abs(np.log(medians) - centre))
    error = 1.2533 * np.log(1.3 / 0.7) / 1.349 / 20
    assert found.spreads == pytest.approx((np.log(200) - centre) / np.sqrt(spread**2 + error**2 + 0.02**2), rel=1e-3)
    assert drifted(found)
    assert found.ratio == pytest.approx(200 / np.exp(centre))
    assert not drifted(drift(Quartiles(n=400, low=77, median=110, high=143), past))


@given(st.integers(0, 2**32 - 1))
def test_data_that_stay_as_they_were_do_not_drift(seed: int) -> None:
    random = np.random.default_rng(seed)
    past = [quartiles(random.lognormal(3, 0.8, 300) * random.lognormal(0, 0.05)) for _ in range(24)]
    now = quartiles(random.lognormal(3, 0.8, 300))
    assert now is not None
    assert not drifted(drift(now, [each for each in past if each is not None]))


@given(st.lists(st.integers(0, 10**6), min_size=LEAST_HISTORY, max_size=60))
def test_what_is_expected_lies_within_the_history(counts: list[int]) -> None:
    found = expected(counts)
    assert found is not None
    assert min(counts) <= found.count <= max(counts)
    assert 0 <= found.low <= found.count
    assert not silent(round(found.count), found)
    assert silent(0, found) == (found.count >= 20)


def test_little_data_tells_nothing() -> None:
    assert quartiles(np.full(29, 1.0)) is None
    assert quartiles(np.array([np.nan] * 100)) is None
    assert expected([5] * (LEAST_HISTORY - 1)) is None
    assert not silent(0, None)
    assert not share_drifted(1.0, 29, [0.0] * 20)
    assert share_drifted(0.3, 300, [0.0] * 20)
    assert not share_drifted(0.1, 300, [0.0] * 20)
