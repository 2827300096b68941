"""Two versions of the scores side by side: the one in force stays as it is, and what would move is shown."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cemaphore.catalogues import packaged
from cemaphore.pipeline.scoring import score
from cemaphore.pipeline.shadowing import compare_shadow, end_shadow, score_shadow
from cemaphore.settings import Settings, load_settings
from records.errors import ConfigError
from store.connection import Connection
from tests.records import add_cells, add_sessions

HOUR = datetime(2026, 3, 2, 8, tzinfo=UTC)
SHIPPED = packaged("qoe")
VERSION = SHIPPED.split('version = "')[1].split('"')[0]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path)


def add_hour(connection: Connection, hour: datetime, *, batch: int, load_ms: float = 2500.0) -> None:
    add_sessions(
        connection,
        {
            "subscriber_key": [key for key in range(1, 31) for _ in range(3)],
            "start_time": [hour + timedelta(seconds=10 * row) for row in range(90)],
            "service": ["web"] * 90,
            "access": ["lte"] * 90,
            "success": [True] * 90,
            "page_load_ms": [load_ms + 10 * row for row in range(90)],
            "rtt_client_ms": [300.0] * 90,
            "rtt_server_ms": [30.0] * 90,
            "cell_id": [f"C{row % 2}" for row in range(90)],
        },
        batch=batch,
    )


def candidate(tmp_path: Path, version: str = "9.9.9", weight: str = "prior_weight = 1 ") -> Path:
    """A catalogue in which little pulls an index to its prior, so that poor customers fall."""
    file = tmp_path / "next.toml"
    text = SHIPPED.replace(f'version = "{VERSION}"', f'version = "{version}"', 1)
    file.write_text(text.replace("prior_weight = 10 ", weight, 1), encoding="utf-8")
    return file


def live(connection: Connection) -> list[Any]:
    return connection.execute("SELECT * FROM cem.user_hour ORDER BY start, customer_key").fetchall()


def test_a_shadow_shows_what_would_move_and_leaves_the_scores_alone(
    database: str, connection: Connection, settings: Settings, tmp_path: Path
) -> None:
    add_cells(connection, [{"cell_id": f"C{n}", "site_id": "S1", "region": "north"} for n in range(2)])
    add_hour(connection, HOUR, batch=1)
    score(database, settings)
    before = live(connection)
    run = score_shadow(database, settings, candidate(tmp_path))
    assert (run.hours, run.sessions, run.user_hours, run.days) == (1, 90, 30, 1)
    assert live(connection) == before
    found = compare_shadow(database, settings, None, 20)
    overall = found["indices"][0]
    assert (overall["index"], overall["n"]) == ("overall", 30)
    assert overall["hi"] < 0
    assert found["after"]["catalogue_version"].startswith("qoe=9.9.9-")
    assert {row["attribute"] for row in found["groups"]} >= {"region", "cell", "site"}
    assert sum(row["65-80"] for row in found["bands"]) <= 30
    assert score_shadow(database, settings, tmp_path / "next.toml").hours == 0


def test_a_shadow_follows_what_is_scored(
    database: str, connection: Connection, settings: Settings, tmp_path: Path
) -> None:
    """Also an hour that is scored again; and a catalogue that says the same gives the same."""
    add_hour(connection, HOUR, batch=1)
    score(database, settings)
    file = candidate(tmp_path, weight="prior_weight = 10 ")
    score_shadow(database, settings, file)
    add_hour(connection, HOUR + timedelta(hours=1), batch=2)
    add_hour(connection, HOUR, batch=3, load_ms=800.0)
    score(database, settings)
    assert score_shadow(database, settings, file).hours == 2
    names = "start, customer_key, n, bad, network_s1, app_s1, overall, lo, hi, limiting"
    for table in ("user_hour", "user_day"):
        one = connection.execute(f"SELECT {names} FROM cem.{table} ORDER BY 1, 2").fetchall()  # noqa: S608 - fixed names
        two = connection.execute(f"SELECT {names} FROM shadow.{table} ORDER BY 1, 2").fetchall()  # noqa: S608 - as above
        assert one == two
    found = compare_shadow(database, settings, HOUR.date(), 20)
    assert found["indices"][0]["shift"] == 0
    assert found["groups"] == []


def test_another_file_begins_another_shadow_and_one_can_be_ended(
    database: str, connection: Connection, settings: Settings, tmp_path: Path
) -> None:
    add_hour(connection, HOUR, batch=1)
    score(database, settings)
    score_shadow(database, settings, candidate(tmp_path))
    assert score_shadow(database, settings, candidate(tmp_path, version="9.9.10")).hours == 1
    assert end_shadow(database)
    assert not end_shadow(database)
    score(database, settings, start=HOUR)
    assert connection.execute("SELECT count(*) FROM cem.dirty WHERE kind = 'shadow'").fetchone() == (0,)
    with pytest.raises(ConfigError, match="no shadow"):
        compare_shadow(database, settings, None, 20)


def test_the_catalogue_in_force_is_no_shadow(database: str, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to compare"):
        score_shadow(database, settings, candidate(tmp_path, version=VERSION, weight="prior_weight = 10 "))
