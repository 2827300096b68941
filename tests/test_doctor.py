"""`cem doctor`: what it finds, what it advises, how it ends; and the files others deploy with."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cemaphore import privatedb
from cemaphore.doctor import Level, examine
from cemaphore.privatedb.edition import LACKS, Edition
from cemaphore.settings import Settings

ROOT = Path(__file__).parents[1]
CEM = "import sys; from cemaphore.cli import main; sys.argv[0] = 'cem'; main()"


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that the server's user can reach, unlike pytest's own directories."""
    directory = Path(tempfile.mkdtemp(prefix="cem-test-"))
    directory.chmod(0o711)
    yield directory
    privatedb.remove(Settings(home=directory, database_url=None))
    shutil.rmtree(directory)


def levels(settings: Settings, environment: dict[str, str] | None = None) -> dict[str, Level]:
    return {finding.check: finding.level for finding in examine(settings, environment or {})}


def doctor(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "CEMAPHORE_HOME": str(home)}
    command = [sys.executable, "-c", CEM, "doctor", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_without_a_database_it_says_how_to_start_one_and_exits_4(home: Path) -> None:
    told = doctor(home)
    assert told.returncode == 4, told.stderr
    assert "-> Run `cem db start`." in told.stdout
    shown = json.loads(doctor(home, "--json").stdout)
    assert shown["ok"] is False
    assert {"check", "level", "found", "remedy"} == set(shown["checks"][0])


def test_a_started_installation_is_well(home: Path) -> None:
    settings = Settings(home=home, database_url=None, demo=True)
    privatedb.start(settings, extra={"shared_buffers": "32MB", "fsync": "off"})
    found = levels(settings)
    assert Level.FAIL not in found.values()
    assert found["database"] == found["schema"] == found["edition"] == Level.OK
    assert doctor(home).returncode == 0


def test_open_keys_are_in_the_way_and_keys_beside_the_database_are_told(home: Path) -> None:
    settings = Settings(home=home, database_url=None)
    assert levels(settings)["keys"] is Level.WARN
    settings.keys_dir.mkdir(mode=0o700)
    key = settings.keys_dir / "one.key"
    key.write_bytes(bytes(32))
    key.chmod(0o640)
    assert levels(settings)["keys"] is Level.FAIL
    key.chmod(0o600)
    assert levels(settings)["keys"] is Level.OK
    assert levels(settings)["keys apart"] is Level.WARN
    assert levels(Settings(home=home, database_url=None, demo=True))["keys apart"] is Level.OK


def test_a_misspelt_variable_and_a_missing_watch_folder_are_told(home: Path) -> None:
    settings = Settings(home=home, database_url=None)
    assert levels(settings, {"CEMAPHORE_TIMEZONE": "UTC"})["settings"] is Level.WARN
    assert levels(settings)["watch folder"] is Level.WARN
    settings.watch_folder.mkdir()
    assert levels(settings)["watch folder"] is Level.OK


def test_every_edition_says_what_it_lacks() -> None:
    assert set(LACKS) == set(Edition)
    assert "hypertables" in LACKS[Edition.PLAIN]
    assert "compression" in LACKS[Edition.APACHE]


def test_the_container_file_holds_what_it_names() -> None:
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
    services = compose["services"]
    assert {"database", "program", "dashboard", "prometheus", "alertmanager"} <= set(services)
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (ROOT / "deploy" / source).exists(), volume
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), "published on loopback only"
    known = {f"CEMAPHORE_{name.upper()}" for name in Settings.model_fields}
    assert set(services["program"]["environment"]) <= known
    assert (ROOT / "deploy" / services["program"]["build"]["context"] / "deploy/Dockerfile").exists()


def test_receivers_of_alerts_are_looked_at(home: Path) -> None:
    settings = Settings(home=home, database_url=None)
    assert levels(settings)["receivers"] == Level.WARN
    table = '[[receiver]]\nname = "hook"\nkind = "webhook"\naddress = "https://hooks.example.org"\nsecret_file = "s"\n'
    settings.receivers_file.write_text(table, encoding="utf-8")
    (found,) = (one for one in examine(settings, {}) if one.check == "receivers")
    assert (found.level, found.found) == (Level.FAIL, f"{home}/s cannot be read: No such file or directory")
    (home / "s").write_text("0123456789abcdef01234567", encoding="utf-8")
    assert levels(settings)["receivers"] == Level.OK


def test_make_help_tells_every_target() -> None:
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "demo", "test", "lint", "verify", "bench", "docs", "clean"):
        assert f"make {target} " in told
