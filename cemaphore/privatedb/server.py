"""One private PostgreSQL server: made, started, stopped, and found running or dead."""

import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from cemaphore.privatedb.account import Account
from cemaphore.privatedb.place import SUPERUSER, Place
from cemaphore.privatedb.programs import Programs
from cemaphore.privatedb.sizing import server_settings, this_machine
from records.errors import ConfigError, TransientError

OURS = "cemaphore.conf"
OPERATORS = "operator.conf"
# Crash recovery replays at most max_wal_size; ten minutes is ample on any disk.
START_TIMEOUT_S = 600
STOP_TIMEOUT_S = 60
ORPHANS_LEAVE_WITHIN_S = 5.0


def made_with(place: Place) -> int | None:
    """The major version that made the data, or None where there are none."""
    version = place.data_directory / "PG_VERSION"
    try:
        return int(version.read_text())
    except FileNotFoundError:
        return None


def running_pid(place: Place) -> int | None:
    """The server's process, or None; a pid file left by a killed server does not count."""
    try:
        pid = int((place.data_directory / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    return pid if pid in _processes(place.data_directory) else None


def make(place: Place, account: Account, programs: Programs) -> None:
    """Make an empty cluster; interrupted anywhere, the next call starts afresh."""
    partial = place.data_directory.with_name(place.data_directory.name + ".new")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    account.own(partial)
    password_file = place.socket_directory / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(place.password)
    account.own(password_file)
    options = ["--auth=scram-sha-256", "--data-checksums", "--encoding=UTF8", "--locale=C.UTF-8"]
    owner = [f"--username={SUPERUSER}", f"--pwfile={password_file}"]
    done = account.run([programs.path("initdb"), f"--pgdata={partial}", *owner, *options])
    password_file.unlink()
    if done.returncode != 0:
        raise ConfigError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
    with (partial / "postgresql.conf").open("a") as stream:
        stream.write(f"\n# What lies further down wins.\ninclude_if_exists = '{OURS}'\n")
        stream.write(f"include_if_exists = '{OPERATORS}'\n")
    partial.rename(place.data_directory)


def start(place: Place, account: Account, programs: Programs, extra: Mapping[str, str]) -> None:
    """Start the stopped server and wait until it answers."""
    _clear_remains(place)
    _write_settings(place, account, programs, extra)
    log = place.data_directory / "start.log"
    log.write_text("")
    account.own(log)
    options = [f"--pgdata={place.data_directory}", "--wait", f"--timeout={START_TIMEOUT_S}", f"--log={log}"]
    done = account.run([programs.path("pg_ctl"), "start", "--silent", *options])
    if done.returncode != 0:
        raise TransientError(f"The database server did not start: {_last_lines(place) or done.stderr.strip()}")


def stop(place: Place, account: Account, programs: Programs) -> None:
    """Stop the running server: sessions are ended, what is committed stays."""
    options = [f"--pgdata={place.data_directory}", "--mode=fast", "--wait", f"--timeout={STOP_TIMEOUT_S}"]
    done = account.run([programs.path("pg_ctl"), "stop", "--silent", *options])
    if done.returncode != 0:
        raise TransientError(f"The database server did not stop: {done.stderr.strip()}")


def kill(place: Place) -> None:
    """End the server at once and for good: only for data that are being removed."""
    for pid in _processes(place.data_directory):
        _signal(pid, signal.SIGKILL)


def _write_settings(place: Place, account: Account, programs: Programs, extra: Mapping[str, str]) -> None:
    """Terse errors and no statements in the log: a row's values in it could be a person's."""
    fixed = {
        "listen_addresses": "127.0.0.1",
        "port": str(place.port),
        "unix_socket_directories": str(place.socket_directory),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "cluster_name": "cemaphore",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "logging_collector": "on",
        "log_directory": "log",
        "log_filename": "postgresql-%a.log",
        "log_rotation_age": "1d",
        "log_truncate_on_rotation": "on",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }
    if programs.timescaledb:
        fixed |= {"shared_preload_libraries": "timescaledb", "timescaledb.telemetry_level": "off"}
    lines = {**fixed, **server_settings(this_machine(place.data_directory)), **extra}
    file = place.data_directory / OURS
    text = "".join(f"{name} = '{value}'\n" for name, value in lines.items())
    file.write_text(f"# Written at every start. Put changes into {OPERATORS} beside this file.\n{text}")
    account.own(file)


def _clear_remains(place: Place) -> None:
    """Remove what a killed server left, once no process of its own is alive.

    Its backends end by themselves soon after it; one in a long query is asked to. The pid file must go by hand
    because its number may by now be another process of the same user, which PostgreSQL would take for a live server.
    """
    for attempt in range(2):
        deadline = time.monotonic() + ORPHANS_LEAVE_WITHIN_S
        while (alive := _processes(place.data_directory)) and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid in alive if attempt == 0 else []:
            _signal(pid, signal.SIGQUIT)
    if alive:
        raise TransientError(f"Processes of a killed database server are still alive: {sorted(alive)}. Try again.")
    for file in (place.data_directory / "postmaster.pid", *place.socket_directory.glob(".s.PGSQL.*")):
        file.unlink(missing_ok=True)


def _processes(data_directory: Path) -> set[int]:
    """Processes that work in `data_directory`, as every process of a PostgreSQL server does."""
    here = str(data_directory.resolve())
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if os.readlink(entry / "cwd") == here:
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _last_lines(place: Place) -> str:
    newest = sorted((place.data_directory / "log").glob("*.log"), key=lambda file: file.stat().st_mtime)[-1:]
    lines = [line for file in (place.data_directory / "start.log", *newest) for line in file.read_text().splitlines()]
    return " / ".join(line for line in lines[-20:] if "FATAL" in line or "ERROR" in line or "LOG" not in line)
