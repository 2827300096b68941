"""The operator's days on the screens, also those of 23 and 25 hours."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from dashboards import local_days
from dashboards.database import settings

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(autouse=True)
def in_berlin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The operator is in Berlin."""
    monkeypatch.setenv("CEMAPHORE_HOME", str(tmp_path))
    monkeypatch.setenv("CEMAPHORE_TIME_ZONE", BERLIN.key)
    settings.clear()
    yield
    settings.clear()


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 29, 23), (10, 25, 25), (7, 1, 24)])
@pytest.mark.parametrize("made", [datetime, pd.Timestamp], ids=["of a reading", "of a frame"])
@pytest.mark.parametrize("zone", [BERLIN, UTC], ids=str)
def test_a_day_ends_at_the_next_midnight_also_where_clocks_change(
    month: int, day: int, hours: int, made: type, zone: ZoneInfo
) -> None:
    start = made.fromisoformat(datetime(2026, month, day, tzinfo=BERLIN).astimezone(zone).isoformat())
    end = local_days.end_of(start)
    assert end == datetime(2026, month, day + 1, tzinfo=BERLIN)
    assert (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds() == hours * 3600
    assert local_days.name_of(start) == f"2026-{month:02}-{day:02}"


def test_a_day_of_a_frame_keeps_the_frames_zone() -> None:
    start = pd.Series(pd.to_datetime(["2026-03-28T23:00Z"])).dt.tz_convert(BERLIN).iloc[0]
    assert local_days.end_of(start) == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_a_name_is_a_day_only_where_it_is_one_of_ours() -> None:
    assert local_days.start_of("2026-03-30") == datetime(2026, 3, 30, tzinfo=BERLIN)
    for name in ("", "yesterday", "20260330", "2026-02-30", "9999-12-31", "0001-01-01"):
        assert local_days.start_of(name) is None


def test_days_of_a_chart_begin_at_midnight_whatever_the_reader_s_zone() -> None:
    starts = [datetime(2026, 3, day, tzinfo=BERLIN).astimezone(UTC) for day in (28, 29, 30)]
    shown = local_days.on_the_clock(pd.DataFrame({"start": starts, "value": 1.0}))
    assert shown["start"].astype(str).tolist() == ["2026-03-28", "2026-03-29", "2026-03-30"]
