"""An hour that is too large to be rated at once comes out as if it had been."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from cemaphore.pipeline.scoring import score
from cemaphore.settings import Settings, load_settings
from qoe.company import Company, compared, compared_together
from qoe.peers import Setting
from store.connection import Connection
from tests.records import add_cells, add_devices, add_sessions
from tests.web_hours import HOUR, scored_rows

_SERVICES = ("web", "video")


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    return load_settings(home=tmp_path)


def _add_town(connection: Connection, customers: int, sessions: int) -> None:
    """Add sessions whose devices and core nodes differ, and some of which list their stalls."""
    rng = np.random.default_rng(7)
    add_cells(connection, [{"cell_id": f"C{n}", "site_id": f"S{n}", "region": "north", "band": "B3"} for n in range(3)])
    add_devices(connection, {35200001 + n: f"Phone {n}" for n in range(3)})
    device, node, video = rng.integers(0, 3, sessions), rng.integers(0, 3, sessions), rng.random(sessions) < 0.3
    failed = rng.random(sessions) < 0.05 + 0.2 * (device == 1) + 0.2 * (node == 2)
    stalls = [[1000, 5000] if each and n % 2 else None for n, each in enumerate(video)]
    columns: dict[str, list[Any]] = {
        "subscriber_key": (1000 + rng.integers(0, customers, sessions)).tolist(),
        "start_time": [HOUR + timedelta(milliseconds=int(ms)) for ms in rng.integers(0, 3_600_000, sessions)],
        "service": [_SERVICES[int(each)] for each in video],
        "access": ["lte"] * sessions,
        "success": (~failed).tolist(),
        "failure_cause": ["rrc_fail" if each else None for each in failed],
        "page_load_ms": [None if each else 800.0 + 900.0 * rng.random() for each in video],
        "stall_count": [2 if each else None for each in stalls],
        "stall_ms": [1500.0 if each else None for each in stalls],
        "stall_at_ms": stalls,
        "play_ms": [60_000.0 if each else None for each in video],
        "rtt_client_ms": (30.0 + 20.0 * rng.random(sessions) + 25.0 * (device == 1)).tolist(),
        "rtt_server_ms": (20.0 + 30.0 * rng.random(sessions) + 60.0 * (node == 2)).tolist(),
        "cell_id": [f"C{n}" for n in rng.integers(0, 3, sessions)],
        "tac": (35200001 + device).tolist(),
        "app": ["taobao"] * sessions,
        "core_node": [f"upf-{n}" for n in node],
    }
    add_sessions(connection, columns, batch=1)


def test_rows_do_not_depend_on_the_number_of_parts(
    database: str, connection: Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add_town(connection, 60, 900)
    score(database, settings)
    whole = scored_rows(connection)
    assert len(whole["user_hour"]) == 60
    for size in (450, 25):
        monkeypatch.setattr("cemaphore.engines.local.PART_SESSIONS", size)
        score(database, settings, start=HOUR)
        parts = scored_rows(connection)
        for table in ("user_hour", "user_day", "user_period", "group_index"):
            assert parts[table] == whole[table], (table, size)


def test_sessions_of_several_parts_are_compared_as_if_they_were_one() -> None:
    rng = np.random.default_rng(3)
    rows = 600
    names = ("model", "app", "cell", "region", "service", "band")
    place = {name: rng.integers(0, 4, rows, dtype=np.int32) for name in names}
    order = np.arange(rows)
    whole = Company(
        subscriber_key=order // 3,
        start_us=order,
        setting=Setting(**place),
        core_node=rng.integers(0, 3, rows, dtype=np.int32),
        q=np.where(rng.random(rows) < 0.1, np.nan, 100.0 * rng.random(rows) / (1 + place["model"])),
        failed=rng.random(rows) < 0.1 * place["model"],
        cause=rng.integers(-1, 4, rows).astype(np.int8),
        excess=5.0 * rng.random(rows),
    )
    part = (whole.subscriber_key * 7) % 3
    chosen = [np.flatnonzero(part == number) for number in range(3)]
    found = compared_together([_rows(whole, rows_of) for rows_of in chosen])
    alone = compared(whole)
    assert alone.terminal.fault.any()
    assert alone.terminal.shortfall.any()
    for mine, rows_of in zip(found, chosen, strict=True):
        assert np.array_equal(mine.terminal.fault, alone.terminal.fault[rows_of])
        assert np.array_equal(mine.terminal.shortfall, alone.terminal.shortfall[rows_of])
        assert np.array_equal(mine.core_part, alone.core_part[rows_of])
        assert np.array_equal(mine.core_fault, alone.core_fault[rows_of])


def _rows(whole: Company, rows: Any) -> Company:
    setting = Setting(**{name: values[rows] for name, values in vars(whole.setting).items()})
    others = {name: values[rows] for name, values in vars(whole).items() if name != "setting"}
    return Company(setting=setting, **others)
