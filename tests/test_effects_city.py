"""Joint effects of the scored demo city: stored by day, shown to who may see them, and right about its poor phone."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cemaphore.cli import application
from cemaphore.pipeline.effects import customer_parts
from store import effects
from store.connection import connect
from tests.city import City

EVER = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
JSON_PAGE = Path(__file__).parent.parent / "docs" / "json.md"


def _shown(city: City, monkeypatch: pytest.MonkeyPatch, *options: str) -> dict:
    monkeypatch.setenv("CEMAPHORE_HOME", str(city.settings.home))
    monkeypatch.setenv("CEMAPHORE_DATABASE_URL", city.dsn)
    monkeypatch.setenv("CEMAPHORE_TIME_ZONE", "Asia/Shanghai")
    done = CliRunner().invoke(application(), ["effects", "--json", *options])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def _poor_model(city: City) -> str:
    (entry,) = [entry for entry in city.truth.entries if entry.id == "N01-poor-model"]
    return entry.selector["model"][0]


def test_the_poor_phone_is_worst_by_itself_and_the_verdict_is_the_device(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = _shown(city, monkeypatch, "--attribute", "model")
    worst = shown["effects"][0]
    assert worst["value"] == _poor_model(city)
    assert worst["hi"] < -5
    assert worst["lo"] < worst["shrunk"] < worst["hi"]
    verdict = {row["value"]: row for row in shown["verdicts"]}[worst["value"]]
    assert verdict["verdict"] == "device"
    assert verdict["not_network"]


def test_it_fails_more_often_too(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _shown(city, monkeypatch, "--attribute", "model", "--outcome", "failure")
    assert shown["effects"][0]["value"] == _poor_model(city)
    assert shown["effects"][0]["lo"] > 1


def test_the_command_prints_the_documented_fields(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _shown(city, monkeypatch, "--day", "2026-03-06")
    page = JSON_PAGE.read_text(encoding="utf-8").split("## cem effects")[1].split("\n## ")[0]
    for kind, rows in shown.items():
        assert rows
        assert all(f"| `{kind}.{name}` |" in page for name in rows[0])
    assert {row["day"] for row in shown["effects"]} == {"2026-03-06"}


def test_every_day_but_the_newest_was_learned_and_few_users_are_not_shown(city: City) -> None:
    with connect(city.dsn) as connection:
        days = connection.execute("SELECT count(DISTINCT day) FROM cem.effect").fetchone()
        assert days == (9,)
        shown = connection.execute("SELECT min(users) FROM api.effects").fetchone()
        stored = connection.execute("SELECT min(users) FROM cem.effect").fetchone()
    assert shown is not None
    assert stored is not None
    assert shown[0] >= 10 > stored[0]


def test_a_customer_with_the_poor_phone_is_told_so(city: City) -> None:
    with connect(city.dsn) as connection:
        keys = connection.execute(
            "SELECT o.customer_key FROM cem.customer_of o JOIN cem.session s USING (subscriber_key) "
            "JOIN cem.device_now d USING (tac) JOIN cem.label l ON l.label_id = d.model WHERE l.value = %s "
            "GROUP BY 1 ORDER BY count(*) DESC LIMIT 20",
            [_poor_model(city)],
        ).fetchall()
        found = [customer_parts(connection, key, *EVER) for (key,) in keys]
        assert customer_parts(connection, -1, *EVER) is not None
        assert effects.newest_day(connection) is not None
    verdicts = [each["verdict"] for each in found if each is not None]
    assert len(verdicts) == 20
    assert verdicts.count("device") > 12
