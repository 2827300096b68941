"""Collectors whose connections to the database are dropped, delayed, half-closed or met with silence."""

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cemaphore import privatedb
from cemaphore.settings import Settings
from store.connection import Connection
from tests import mixture
from tests.collecting import environment, finished, fresh, loaded, started
from tests.effort import PROXIED
from tests.proxy import Treatment, at_random, proxied

SILENCE_S = 1.0


def through(url: str, settings: Settings, port: int) -> str:
    """The same database, by way of a port of this machine."""
    name = conninfo_to_dict(url)["dbname"]
    return make_conninfo(privatedb.database_url(settings, tcp=True), dbname=name, port=port)


def port_of(settings: Settings) -> int:
    return int(conninfo_to_dict(privatedb.database_url(settings, tcp=True))["port"])  # type: ignore[arg-type]


def test_bad_connections_lose_and_repeat_nothing(
    server: Settings, template: str, database: str, connection: Connection, tmp_path: Path
) -> None:
    """As a timer would, collection is begun again where it ended with 75; it never ends otherwise."""
    folder, keys_dir = tmp_path / "in", tmp_path / "keys"
    for wave in range(max(1, PROXIED // 10)):
        mixture.write(folder, wave)
    with fresh(server, "cem_undisturbed_network", template=template) as url:
        expected = loaded(url, keys_dir, [folder])
    with proxied(port_of(server), at_random(1, PROXIED)) as proxy:
        url = through(database, server, proxy.port)
        given = environment(
            url, tmp_path / "home", keys_dir, database_silence_s=str(SILENCE_S), database_patience_s="10"
        )
        code = 75
        while code == 75:
            code, errors = finished(started(given, str(folder)))
            assert "Traceback" not in errors
        assert len(proxy.faults) >= PROXIED
    assert code in (0, 3), errors
    assert mixture.held(connection) == expected
    assert mixture.strays(connection) == 0


@pytest.mark.parametrize("fault", ["reset", "drop", "half_close", "silence"])
def test_one_break_of_the_rows_connection_is_mended_by_the_same_process(
    fault: str, server: Settings, database: str, connection: Connection, tmp_path: Path
) -> None:
    """After silence the server still holds the broken batch open: the new connections have to end it there."""
    mixture.write(tmp_path / "in", 1)
    rows_connection = 3  # after two that look at the schema and one that opens the keys

    def treat(number: int, struck: int) -> Treatment:
        if number == rows_connection:
            return Treatment(fault=fault, after_bytes=150_000)  # type: ignore[arg-type]  # of a dict
        return Treatment()

    with proxied(port_of(server), treat) as proxy:
        url = through(database, server, proxy.port)
        given = environment(url, tmp_path / "home", tmp_path / "keys", database_silence_s=str(SILENCE_S))
        code, errors = finished(started(given, str(tmp_path / "in")))
        assert proxy.faults == [fault]
    assert code == 3, errors[-700:]
    assert errors.count("The database answers again.") == 1
    assert connection.execute("SELECT count(*) FROM cem.session").fetchone() == (3 * 3000 + 300 - 1,)
