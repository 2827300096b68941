"""The schema is made by numbered files, once each, and tells what is wrong with a database."""

import threading

import pytest

from records.errors import ConfigError, TransientError
from store import schema
from store.connection import Connection, connect


def test_a_fresh_database_gets_every_migration_once(empty_database: str) -> None:
    with connect(empty_database) as connection:
        names = [migration.name for migration in schema.migrations()]
        assert schema.pending(connection) == names
        assert schema.upgrade(connection, time_zone="Asia/Shanghai") == names
        assert schema.upgrade(connection, time_zone="Asia/Shanghai") == []
        assert schema.pending(connection) == []


def test_growing_tables_are_hypertables_with_the_chosen_chunk_length(empty_database: str) -> None:
    with connect(empty_database) as connection:
        assert schema.capability(connection) in {"apache", "community"}
        schema.upgrade(connection, session_chunk_hours=3)
        row = connection.execute(
            "SELECT time_interval FROM timescaledb_information.dimensions WHERE hypertable_name = 'session'"
        ).fetchone()
        assert row is not None
        assert row[0].total_seconds() == 3 * 3600


def test_plain_postgresql_gets_all_that_needs_no_timescaledb(empty_database: str) -> None:
    with connect(empty_database, autocommit=True) as connection:
        connection.execute("DROP EXTENSION timescaledb")
    with connect(empty_database) as connection:
        assert schema.capability(connection) == "plain"
        applied = schema.upgrade(connection)
        assert applied
        assert not [name for name in applied if name.endswith(".tsdb.sql")]
        assert schema.pending(connection) == []


def test_an_edited_migration_is_refused(connection: Connection) -> None:
    connection.execute("UPDATE cem.migration SET sha256 = '\\x00' WHERE name LIKE '0001%'")
    with pytest.raises(ConfigError, match=r"0001_\w+\.sql was edited"):
        schema.upgrade(connection)


def test_a_database_of_a_newer_version_is_refused(connection: Connection) -> None:
    connection.execute("INSERT INTO cem.migration (name, sha256) VALUES ('9999_later.sql', '\\x00')")
    with pytest.raises(ConfigError, match=r"9999_later\.sql"):
        schema.pending(connection)


def test_the_time_zone_cannot_change(connection: Connection) -> None:
    with pytest.raises(ConfigError, match="CEMAPHORE_TIME_ZONE=UTC"):
        schema.upgrade(connection, time_zone="Asia/Shanghai")


def test_two_processes_upgrading_at_once_do_it_once(empty_database: str) -> None:
    applied: list[list[str]] = []

    def run() -> None:
        with connect(empty_database, autocommit=True) as connection:
            applied.append(schema.upgrade(connection))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, applied)) == [0, 0, len(schema.migrations())]


def test_sessions_are_in_utc_whatever_the_server_says(connection: Connection) -> None:
    assert connection.execute("SHOW TimeZone").fetchone() == ("UTC",)


def test_an_unreachable_server_is_temporary_and_the_password_stays_out() -> None:
    with pytest.raises(TransientError) as caught:
        connect("postgresql://someone:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in str(caught.value)


def test_a_wrong_connection_string_is_a_setting_to_mend() -> None:
    with pytest.raises(ConfigError, match="not a connection string"):
        connect("nonsense")
