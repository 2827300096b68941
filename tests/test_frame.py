"""Session frames: joined to what was valid at their start, rated, and the same when read in parts."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cemaphore.pipeline.frame import FrameContext, session_frame, touchpoint_frame
from cemaphore.pipeline.scoring import score
from cemaphore.pipeline.units import Feed, window_of
from cemaphore.settings import load_settings
from qoe.catalogue import SEGMENTS
from records.kinds import SERVICES
from records.windows import QUARTER
from store import quality
from store.connection import Connection
from store.inventory import Versions
from store.labels import Labels
from tests.records import add_cells, add_devices, add_sessions, add_touchpoints

HOUR = datetime(2026, 3, 2, 8, tzinfo=UTC)
END = HOUR + timedelta(hours=1)


def _world(connection: Connection, users: int = 20) -> None:
    add_cells(connection, [{"cell_id": "C1", "site_id": "S1", "region": "north", "band": "B3", "vendor": "v"}])
    add_devices(connection, {35200001: "Phone 1"})
    _again(connection, timedelta(), users)


def _again(connection: Connection, later: timedelta, users: int = 20, batch: int = 1) -> None:
    add_sessions(
        connection,
        {
            "subscriber_key": [1000 + user for user in range(users)],
            "start_time": [HOUR + later + timedelta(minutes=3 * user) for user in range(users)],
            "service": ["web"] * users,
            "access": ["lte"] * users,
            "success": [user % 4 != 0 for user in range(users)],
            "failure_cause": ["rrc_fail" if user % 4 == 0 else None for user in range(users)],
            "page_load_ms": [1500.0] * users,
            "cell_id": ["C1"] * users,
            "tac": [35200001] * users,
            "app": ["taobao"] * users,
        },
        batch=batch,
    )


def test_a_frame_carries_inventory_attributes_and_quality(connection: Connection) -> None:
    _world(connection)
    frame = session_frame(connection, HOUR, END)
    names = Labels(connection)
    assert frame.rows == 20
    assert set(frame.service) == {SERVICES.index("web")}
    assert set(frame.attributes["region"]) == {names.lookup("region", "north")}
    assert set(frame.attributes["model"]) == {names.lookup("model", "Phone 1")}
    failed = frame.columns["success"] == 0
    assert (frame.q[failed] == 0).all()
    assert (frame.q[~failed] > 50).all()
    assert (frame.bad == failed).all()
    assert set(frame.cause_segment[failed]) == {SEGMENTS.index("radio")}
    assert set(frame.cause_segment[~failed]) == {-1}
    assert (frame.customer_key == frame.subscriber_key).all()


def test_parts_hold_whole_customers_and_together_the_whole_hour(connection: Connection) -> None:
    _world(connection)
    connection.execute("INSERT INTO cem.customer_of (subscriber_key, customer_key) VALUES (1001, 1000), (1000, 1000)")
    parts = [session_frame(connection, HOUR, END, part=(index, 3)) for index in range(3)]
    assert sum(frame.rows for frame in parts) == 20
    seen = [set(frame.customer_key.tolist()) for frame in parts]
    assert not (seen[0] & seen[1])
    assert not (seen[1] & seen[2])
    assert not (seen[0] & seen[2])
    assert len(set().union(*seen)) == 19


def test_listed_stalls_reach_the_frame(connection: Connection) -> None:
    add_sessions(
        connection,
        {
            "subscriber_key": [1, 2],
            "start_time": [HOUR, HOUR],
            "service": ["video", "video"],
            "success": [True, True],
            "stall_count": [2.0, 0.0],
            "stall_at_ms": [[1000, 5000], None],
        },
    )
    frame = session_frame(connection, HOUR, END)
    lists = {int(key): value for key, value in zip(frame.subscriber_key, frame.columns["stall_at_ms"], strict=True)}
    assert lists[1].tolist() == [1000, 5000]
    assert lists[2] is None


def test_touchpoints_are_rated_by_channel(connection: Connection) -> None:
    add_touchpoints(
        connection,
        {
            "subscriber_key": [1, 2],
            "time": [HOUR, HOUR],
            "channel": ["hotline", "hotline"],
            "wait_s": [10.0, 900.0],
            "success": [True, False],
        },
    )
    frame = touchpoint_frame(connection, HOUR, END)
    by_user = dict(zip(frame.subscriber_key.tolist(), frame.q.tolist(), strict=True))
    assert by_user == pytest.approx({1: 100.0, 2: 0.0})
    assert frame.bad.sum() == 1


def test_an_empty_span_has_an_empty_frame(connection: Connection) -> None:
    assert session_frame(connection, HOUR, END).rows == 0
    assert touchpoint_frame(connection, HOUR, END).rows == 0


def test_the_version_that_held_at_the_moment_is_found() -> None:
    versions = Versions.of(np.array([7, 7, 9]), np.array([100, 50, 0]), {"plan": np.array([2, 1, 3], dtype=np.int32)})
    found = versions.at(np.array([7, 7, 7, 9, 8]), np.array([10, 60, 100, 5, 5]))["plan"]
    assert found.tolist() == [0, 1, 2, 3, 0]


def test_what_a_source_says_while_it_is_away_is_searched_for_nothing(database: str, connection: Connection) -> None:
    """Scores stay as they are; detection leaves the source's blank quarter out, and only that one."""
    _world(connection)
    for days in (1, 2):
        _again(connection, timedelta(days=days), batch=1 + days)
    score(database, load_settings(time_zone="UTC"))
    last = HOUR + timedelta(days=2)
    context = FrameContext.load(connection)

    def searched() -> dict[int, int]:
        units = Feed(connection, "sessions", ZoneInfo("UTC"), context).reach(window_of(last + timedelta(minutes=45)))
        assert units is not None
        numbers, counts = np.unique(units.window - window_of(last), return_counts=True)
        return dict(zip(numbers.tolist(), counts.tolist(), strict=True))

    assert searched() == {0: 5, 1: 5, 2: 5, 3: 5}
    for number in (1, 2):
        connection.execute(
            "INSERT INTO cem.source (source_id, name) OVERRIDING SYSTEM VALUE VALUES (%s, %s)",
            [number, f"probe-{number}"],
        )
    none = {"late": 0, "duplicate": 0, "quarantined": {}, "missing": {}, "profile": {}, "findings": []}
    blank = {"state": "silent", "received": 5, "made_at": END, **none}
    quality.write(connection, ("sessions", 1), last + QUARTER, blank)
    quality.write(connection, ("sessions", 2), last + 2 * QUARTER, blank)
    assert searched() == {0: 5, 2: 5, 3: 5}
    assert session_frame(connection, last, last + timedelta(hours=1)).rows == 20
