"""The private database: a real cluster started, killed, started again, by root and by an ordinary user."""

import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from cemaphore import privatedb
from cemaphore.privatedb.place import remembered
from cemaphore.privatedb.programs import choose, installed
from cemaphore.privatedb.sizing import GIB, MIB, Machine, server_settings
from cemaphore.settings import Settings
from records.errors import ConfigError

FAST = {"shared_buffers": "32MB", "fsync": "off"}
CEM = "import sys; from cemaphore.cli import main; sys.argv[0] = 'cem'; main()"


@pytest.fixture
def settings() -> Iterator[Settings]:
    """A home that the server's user can reach, unlike pytest's own directories; removed with its server."""
    home = Path(tempfile.mkdtemp(prefix="cem-test-"))
    home.chmod(0o711)
    yield from _with_home(home)


def _with_home(home: Path) -> Iterator[Settings]:
    settings = Settings(home=home, database_url=None)
    yield settings
    privatedb.remove(settings)
    shutil.rmtree(home)


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def kill_server(settings: Settings) -> None:
    pid = privatedb.status(settings).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while privatedb.status(settings).pid is not None:
        time.sleep(0.02)


def test_it_starts_twice_survives_a_kill_and_loses_nothing(settings: Settings) -> None:
    first = privatedb.start(settings, extra=FAST)
    url = privatedb.database_url(settings)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert privatedb.start(settings, extra=FAST).pid == first.pid

    kill_server(settings)
    with pytest.raises(ConfigError, match="cem db start"):
        privatedb.database_url(settings)
    again = privatedb.start(settings, extra=FAST)
    assert again.pid != first.pid
    assert privatedb.database_url(settings) == url
    assert rows(url, "SELECT answer FROM kept") == [(42,)]

    assert privatedb.stop(settings) is True
    assert privatedb.stop(settings) is False
    assert privatedb.status(settings).running is False


def test_a_pid_file_whose_number_is_another_process_is_no_server(settings: Settings) -> None:
    privatedb.start(settings, extra=FAST)
    kill_server(settings)
    place = remembered(settings.home)
    assert place is not None
    pid_file = place.data_directory / "postmaster.pid"
    pid_file.write_text("\n".join([str(os.getpid()), *pid_file.read_text().split("\n")[1:]]))
    assert privatedb.status(settings).running is False
    assert privatedb.start(settings, extra=FAST).running


def test_a_taken_port_and_a_lost_socket_directory_are_replaced(settings: Settings) -> None:
    privatedb.start(settings, extra=FAST)
    privatedb.stop(settings)
    before = remembered(settings.home)
    assert before is not None
    shutil.rmtree(before.socket_directory)
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", before.port))
        squatter.listen()
        assert privatedb.start(settings, extra=FAST).port != before.port
    assert rows(privatedb.database_url(settings, tcp=True), "SELECT 1") == [(1,)]


def test_concurrent_starts_make_one_server(settings: Settings) -> None:
    environment = {**os.environ, "CEMAPHORE_HOME": str(settings.home)}
    command = [sys.executable, "-c", CEM, "db", "start", "--json"]
    with ThreadPoolExecutor() as pool:
        ends = list(
            pool.map(lambda _: subprocess.run(command, env=environment, capture_output=True, text=True), range(3))
        )
    assert [end.returncode for end in ends] == [0, 0, 0], [end.stderr for end in ends]
    assert len({json.loads(end.stdout)["pid"] for end in ends}) == 1


def test_it_is_closed_to_others_and_sized(settings: Settings) -> None:
    privatedb.start(settings, extra=FAST)
    place = remembered(settings.home)
    assert place is not None
    assert stat.S_IMODE((settings.home / "database.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(place.socket_directory.stat().st_mode) == 0o700
    assert len(str(place.socket_directory / f".s.PGSQL.{place.port}")) < 60
    assert (place.data_directory / "PG_VERSION").stat().st_uid != 0
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(place.url(tcp=True).replace(place.password, "wrong"))
    shown = "listen_addresses", "TimeZone", "jit", "password_encryption", "timescaledb.telemetry_level"
    values = [rows(place.url(), f"SHOW {name}")[0][0] for name in shown]
    assert values == ["127.0.0.1", "UTC", "off", "scram-sha-256", "off"]


def test_further_databases_are_made_copied_and_dropped(settings: Settings) -> None:
    privatedb.start(settings, extra=FAST)
    with psycopg.connect(privatedb.create_database(settings, "one"), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (at timestamptz NOT NULL)")
        connection.execute("SELECT create_hypertable('t', by_range('at'))")
    assert rows(privatedb.create_database(settings, "two", template="one"), "SELECT count(*) FROM t") == [(0,)]
    privatedb.drop_database(settings, "one")
    privatedb.drop_database(settings, "two")


def test_an_existing_server_is_used_and_never_stopped(settings: Settings) -> None:
    privatedb.start(settings, extra=FAST)
    url = privatedb.database_url(settings, tcp=True)
    guest = Settings(home=settings.home / "guest", database_url=url)
    found = privatedb.start(guest)
    assert (found.private, found.running) == (False, True)
    assert not guest.home.exists()
    with pytest.raises(ConfigError, match="not ours"):
        privatedb.stop(guest)


def test_a_refused_server_is_told_without_its_password(settings: Settings) -> None:
    privatedb.start(settings, extra=FAST)
    url = privatedb.database_url(settings, tcp=True).replace("/cemaphore?", "/none?").rsplit("/", 1)[0] + "/none"
    with pytest.raises(ConfigError, match='"none" does not exist') as refusal:
        privatedb.start(Settings(home=settings.home, database_url=url))
    place = remembered(settings.home)
    assert place is not None
    assert place.password not in str(refusal.value)


def test_a_home_that_the_server_cannot_reach_keeps_its_data_elsewhere() -> None:
    closed = Path(tempfile.mkdtemp(prefix="cem-test-"))
    for settings in _with_home(closed):
        privatedb.start(settings, extra=FAST)
        place = remembered(closed)
        assert place is not None
        if os.geteuid() == 0:
            assert place.data_directory.parent == Path("/var/lib/cemaphore")
        else:
            assert place.data_directory == closed / "postgres"
        data = place.data_directory
    assert not data.exists()


def test_an_ordinary_user_needs_no_rights() -> None:
    """As root this becomes `nobody`; the interpreter must be one that `nobody` can reach."""
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    home = Path(tempfile.mkdtemp(prefix="cem-test-"))
    os.chown(home, user.pw_uid, user.pw_gid)
    become = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    paths = os.pathsep.join([str(Path(__file__).parents[1]), sysconfig.get_path("purelib")])
    environment = {"PATH": os.defpath, "PYTHONPATH": paths, "CEMAPHORE_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}

    def cem(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [_reachable_python(become), "-c", CEM, "db", *words, "--json"]
        return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, **become)

    started = cem("start")
    try:
        assert started.returncode == 0, started.stderr
        found = json.loads(started.stdout)
        assert found["data_directory"] == str(home / "postgres")
        assert Path(f"/proc/{found['pid']}").stat().st_uid == user.pw_uid
    finally:
        stopped = cem("stop")
        place = remembered(home)
        shutil.rmtree(home)
    assert json.loads(stopped.stdout) == {"stopped": True}
    assert place is not None
    place.socket_directory.rmdir()


def _reachable_python(become: dict[str, object]) -> str:
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, system):
        try:
            subprocess.run([python, "-c", ""], check=True, capture_output=True, cwd="/", **become)  # type: ignore[call-overload]
        except OSError:
            continue
        return python
    raise AssertionError(f"neither {sys.executable} nor {system} can be run by an ordinary user")


def test_missing_programs_are_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"make setup-system.*deploy/compose\.yaml.*CEMAPHORE_DATABASE_URL"):
        choose(installed(tmp_path), allow_plain=False)


def test_plain_postgresql_is_used_only_with_leave(tmp_path: Path) -> None:
    programs = tmp_path / "usr/lib/postgresql/16/bin"
    programs.mkdir(parents=True)
    for name, text in {"postgres": "#!/bin/sh\necho 'postgres (PostgreSQL) 16.4 (Debian)'\n", "initdb": ""}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    plain = installed(tmp_path)
    with pytest.raises(ConfigError, match="CEMAPHORE_ALLOW_PLAIN_POSTGRESQL"):
        choose(plain, allow_plain=False)
    assert choose(plain, allow_plain=True).major == 16
    with pytest.raises(ConfigError, match="PostgreSQL 15, which made the existing data"):
        choose(plain, allow_plain=True, major=15)
    control = tmp_path / "usr/share/postgresql/16/extension/timescaledb.control"
    control.parent.mkdir(parents=True)
    control.write_text("default_version = '2.19.3'\n")
    assert choose(installed(tmp_path), allow_plain=False).timescaledb == "2.19.3"


@pytest.mark.parametrize("memory_gib", [1, 8, 64, 1024])
def test_memory_settings_fit_the_machine(memory_gib: int) -> None:
    machine = Machine(memory=memory_gib * GIB, processors=4, disk_free=50 * GIB, shared_memory_free=64 * MIB)
    chosen = server_settings(machine)
    megabytes = {name: int(value.removesuffix("MB")) for name, value in chosen.items() if value.endswith("MB")}
    assert 128 <= megabytes["shared_buffers"] <= memory_gib * 1024 // 4
    assert 8 <= megabytes["work_mem"] <= 128
    assert int(chosen["max_locks_per_transaction"]) >= 256
    assert chosen["dynamic_shared_memory_type"] == "mmap"
