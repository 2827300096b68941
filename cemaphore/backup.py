"""The database in one file and back: PostgreSQL's own dump, with what TimescaleDB and our roles need around it."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from cemaphore import privatedb
from cemaphore.privatedb import programs
from cemaphore.settings import Settings
from records.errors import ConfigError
from store import housekeeping, schema
from store.connection import Connection, connect
from store.vault import Vault, open_keys

SCHEMAS = ("api", "act", "shadow", "cem", "vault")
_ENVIRONMENT = {"host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD"}


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A written backup and what it holds."""

    file: str
    size_bytes: int
    sessions: int
    subjects: int


def backup(settings: Settings, file: Path) -> Backup:
    """Write the database into a new file that only its owner can read; the vault's keys are not in it.

    One consistent moment, while collection goes on. Raises `ConfigError` where the file is there already.
    """
    url = privatedb.database_url(settings)
    partial = file.with_name(file.name + ".partial")
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.close(os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be written: {error.strerror}.") from None
    try:
        _run("pg_dump", url, ["--format=custom", "--file", str(partial)])
        partial.replace(file)
    except BaseException:
        for left in (file, partial):
            left.unlink(missing_ok=True)
        raise
    with connect(url, autocommit=True) as connection:
        sessions, subjects = _holds(connection)
        housekeeping.note_backup(connection, datetime.now(UTC))
    return Backup(file=str(file), size_bytes=file.stat().st_size, sessions=sessions, subjects=subjects)


def restore(settings: Settings, file: Path) -> Backup:
    """Bring a backup back into a database that holds nothing yet, schema up to date, the vault's keys checked.

    Raises `ConfigError` where records or persons are there already, the keys are not those of the backup, or the file
    is no backup; what fails halfway leaves a database that another one must replace.
    """
    if not file.is_file():
        raise ConfigError(f"{file} is not there.")
    url = privatedb.ensure(settings)  # it also makes the roles, which no backup of one database holds
    with connect(url, autocommit=True) as connection:
        if any(_holds(connection)):
            raise ConfigError("The database holds records or persons already: restore into an empty one.")
        for name in SCHEMAS:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
        with _restoring(connection):
            database = str(conninfo_to_dict(url)["dbname"])
            _run("pg_restore", url, ["--no-owner", "--exit-on-error", "--dbname", database, str(file)])
        privatedb.upgrade(settings)
        Vault(connection, open_keys(connection, settings.keys_dir))
        sessions, subjects = _holds(connection)
    return Backup(file=str(file), size_bytes=file.stat().st_size, sessions=sessions, subjects=subjects)


def _holds(connection: Connection) -> tuple[int, int]:
    row = connection.execute(
        "SELECT (SELECT count(*) FROM cem.session), (SELECT count(*) FROM vault.subject)"
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


@contextmanager
def _restoring(connection: Connection) -> Iterator[None]:
    """TimescaleDB keeps its own catalogue out of the way meanwhile; both calls belong to its Apache edition."""
    if schema.capability(connection) == "plain":
        yield
        return
    connection.execute("SELECT timescaledb_pre_restore()")
    try:
        yield
    finally:
        connection.execute("SELECT timescaledb_post_restore()")


def _run(program: str, url: str, arguments: Sequence[str]) -> None:
    """Run one of PostgreSQL's programs against the database; its password is not on the command line."""
    with connect(url, autocommit=True) as connection:
        needed = connection.info.server_version // 10_000
    found = [one for one in programs.installed() if one.major >= needed]
    if not found:
        raise ConfigError(f"{program} of PostgreSQL {needed} or later is not installed on this machine.")
    best = min(found, key=lambda one: one.major)
    where = {_ENVIRONMENT[name]: str(value) for name, value in conninfo_to_dict(url).items() if name in _ENVIRONMENT}
    done = subprocess.run(
        [best.path(program), *arguments], env={**os.environ, **where}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise ConfigError(f"{program} failed: {told[0] if told else f'exit code {done.returncode}'}")
