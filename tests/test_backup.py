"""A backup brought back on an empty server: every row, the roles, and only with the keys of its vault."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cemaphore import privatedb
from cemaphore.backup import backup, restore
from cemaphore.settings import Settings, load_settings
from records.errors import ConfigError
from store.connection import Connection, connect
from store.keys import Keys
from store.vault import Vault, open_keys
from tests.conftest import FAST
from tests.records import add_sessions

IMSI = "imsi:460001234567890"
MOMENT = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def full(database: str, connection: Connection, tmp_path: Path) -> Settings:
    """Settings of a database with sessions, one of a known person."""
    settings = load_settings(home=tmp_path / "full", database_url=database)
    with connect(database, autocommit=True) as own:
        token = int(Vault(own, open_keys(own, settings.keys_dir)).tokens([IMSI])[0])
    add_sessions(
        connection,
        {"subscriber_key": [token, 7], "start_time": [MOMENT] * 2, "service": ["web"] * 2, "success": [True] * 2},
    )
    return settings


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Settings]:
    """Settings of a second server that has never held anything."""
    settings = load_settings(home=tmp_path / "empty", database_url=None)
    try:
        privatedb.start(settings, extra=FAST)
        yield settings
    finally:
        privatedb.remove(settings)


def test_a_backup_comes_back_whole_on_an_empty_server(full: Settings, empty: Settings, tmp_path: Path) -> None:
    file = tmp_path / "cem.dump"
    written = backup(full, file)
    assert (written.sessions, written.subjects) == (2, 1)
    assert file.stat().st_mode & 0o077 == 0
    shutil.copytree(full.keys_dir, empty.keys_dir)
    back = restore(empty, file)
    assert (back.sessions, back.subjects) == (2, 1)
    with connect(privatedb.database_url(empty), autocommit=True) as connection:
        token = Vault(connection, open_keys(connection, empty.keys_dir)).find(IMSI)
        rows = connection.execute("SELECT count(*) FROM cem.session WHERE subscriber_key = %s", [token]).fetchone()
        assert rows == (1,)
        connection.execute("SET ROLE cem_operations")
        connection.execute("SELECT * FROM api.clusters")
    with pytest.raises(ConfigError, match="into an empty one"):
        restore(empty, file)


def test_other_keys_are_told(full: Settings, empty: Settings, tmp_path: Path) -> None:
    backup(full, tmp_path / "cem.dump")
    Keys.create(empty.keys_dir)
    with pytest.raises(ConfigError, match="keys"):
        restore(empty, tmp_path / "cem.dump")


def test_a_backup_overwrites_nothing_and_a_file_that_is_none_is_refused(full: Settings, tmp_path: Path) -> None:
    file = tmp_path / "there"
    file.write_text("something else")
    with pytest.raises(ConfigError, match="cannot be written"):
        backup(full, file)
    assert file.read_text() == "something else"
    with pytest.raises(ConfigError, match="is not there"):
        restore(full, tmp_path / "nowhere")
