"""`cem alerts channels`, `try` and `export` as a user types them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cemaphore.cli import application
from store.connection import Connection
from tests.receiving import NOON, Hook, facts, hook, queue


@pytest.fixture
def served() -> Iterator[Hook]:
    with hook() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, database: str, served: Hook, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CEMAPHORE_HOME", str(tmp_path))
    monkeypatch.setenv("CEMAPHORE_DATABASE_URL", database)
    monkeypatch.setenv("CEMAPHORE_OUTBOUND_ALLOW", "127.0.0.1")
    monkeypatch.setenv("ONCALL", f"json://127.0.0.1:{served.port}/token-of-oncall")
    (tmp_path / "receivers.toml").write_text(
        f'[[receiver]]\nname = "hook"\nkind = "webhook"\naddress = "{served.url}"\n'
        '[[receiver]]\nname = "oncall"\nkind = "apprise"\naddress_env = "ONCALL"\nlanguage = "zh"\n',
        encoding="utf-8",
    )
    return tmp_path


def cem(*arguments: str) -> Result:
    return CliRunner().invoke(application(), ["alerts", *arguments])


def test_channels_are_listed_without_their_addresses(home: Path) -> None:
    found = json.loads(cem("channels", "--json").stdout)
    assert [(one["name"], one["kind"], one["language"], one["waiting"]) for one in found] == [
        ("hook", "webhook", "en", 0),
        ("oncall", "apprise", "zh", 0),
    ]
    shown = cem("channels").stdout
    assert "oncall" in shown
    assert "secret" not in shown
    assert "token" not in shown


def test_a_way_is_tried_out(home: Path, served: Hook) -> None:
    assert cem("try", "hook").stdout == "hook took it.\n"
    assert served.got[0]["text"]["title"] == "Test: Cemaphore can reach you. Nothing is wrong."
    assert json.loads(cem("try", "oncall", "--json").stdout) == {"receiver": "oncall", "taken": True, "error": None}
    assert served.got[1]["title"] == "【测试】Cemaphore 可以联系到您，一切正常。"


def test_a_way_that_is_shut_says_why(home: Path, served: Hook) -> None:
    served.answers = [404]
    done = cem("try", "hook")
    assert (done.exit_code, done.stderr) == (1, "cem: hook did not take it: the receiver answered 404\n")
    assert cem("try", "nobody").exit_code == 4
    (home / "receivers.toml").write_text('[[receiver]]\nname = "x"\nkind = "pigeon"\n', encoding="utf-8")
    done = cem("channels")
    assert (done.exit_code, done.stderr.partition(" kind")[0]) == (4, "cem: receivers.toml:3:")


def test_alerts_are_exported_in_the_shapes_of_tm_forum(home: Path, connection: Connection) -> None:
    queue(connection, facts(), facts(alert_id="part"), facts(alert_id="old", state="resolved", resolved_at=NOON))
    connection.execute("UPDATE cem.alert SET parent_id = 'a1' WHERE alert_id = 'part'")
    alarms = {one["id"]: one for one in json.loads(cem("export", "--format", "tmf642").stdout)}
    assert set(alarms) == {"a1", "part", "old"}
    assert alarms["part"]["parentAlarm"] == [{"id": "a1"}]
    problems = json.loads(cem("export", "--format", "tmf656", "--state", "firing").stdout)
    assert [one["id"] for one in problems] == ["a1"]
    later = json.loads(cem("export", "--format", "tmf656", "--from", "2026-03-10T05:00:00Z").stdout)
    assert [one["id"] for one in later] == ["a1"]
    assert json.loads(cem("export", "--format", "tmf642", "--to", "2026-03-10T04:00:00Z").stdout) == []
