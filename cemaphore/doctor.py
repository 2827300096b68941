"""Whether this installation can work: what was looked at, what was found, and what to do about it."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cemaphore import privatedb
from cemaphore.alert_receivers import receivers_of
from cemaphore.privatedb import database
from cemaphore.privatedb.edition import LACKS, Edition
from cemaphore.privatedb.programs import OLDEST_MAJOR, SETUP, installed
from cemaphore.settings import Settings, unknown_variables
from records.errors import CemaphoreError, ConfigError

OLDEST_PYTHON = (3, 11)
GIB = 1024**3
# Below these the next day's sessions of a small operator may not fit (own).
DISK_WARN_BYTES, DISK_FAIL_BYTES = 10 * GIB, GIB


class Level(StrEnum):
    """How bad a finding is: fine, worth a look, or in the way."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at; `remedy` is what to do unless the level is ok."""

    check: str
    level: Level
    found: str
    remedy: str = ""


def examine(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """Look at everything; changes nothing."""
    status = privatedb.status(settings)
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        lambda: _variables(environment),
        lambda: _programs(settings),
        lambda: _database(settings, status),
        lambda: _keys(settings),
        lambda: _apart(settings, status),
        lambda: _disk(settings, status),
        lambda: _watch_folder(settings),
        lambda: _receivers(settings),
    )
    return [finding for check in checks for finding in check()]


def _python() -> Iterator[Finding]:
    new_enough = sys.version_info >= OLDEST_PYTHON
    level = Level.OK if new_enough else Level.FAIL
    yield Finding(check="python", level=level, found=platform.python_version(), remedy="Install Python 3.11 or later.")


def _variables(environment: Mapping[str, str]) -> Iterator[Finding]:
    if unknown := unknown_variables(environment):
        remedy = "Correct or unset them: they have no effect."
        yield Finding(check="settings", level=Level.WARN, found=f"no such setting: {', '.join(unknown)}", remedy=remedy)
    else:
        yield Finding(check="settings", level=Level.OK, found="all variables are known")


def _programs(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is not None:
        yield Finding(check="server programs", level=Level.OK, found="not needed: CEMAPHORE_DATABASE_URL is set")
        return
    servers = installed()
    if not servers:
        found = f"no PostgreSQL {OLDEST_MAJOR} or later"
        yield Finding(check="server programs", level=Level.FAIL, found=found, remedy=SETUP)
        return
    best = servers[0]
    extension = f"TimescaleDB {best.timescaledb}" if best.timescaledb else "no TimescaleDB"
    usable = best.timescaledb is not None or settings.allow_plain_postgresql
    found = f"PostgreSQL {best.major} in {best.bin_dir}, {extension}"
    yield Finding(check="server programs", level=Level.OK if usable else Level.FAIL, found=found, remedy=SETUP)


def _database(settings: Settings, status: privatedb.Status) -> Iterator[Finding]:
    try:
        with database.connect(privatedb.database_url(settings)) as connection:
            where = f"port {status.port}" if status.private else "CEMAPHORE_DATABASE_URL"
            version = connection.info.server_version // 10_000
            yield Finding(check="database", level=Level.OK, found=f"PostgreSQL {version} answers ({where})")
            edition = status.edition or Edition.PLAIN
            level = Level.WARN if edition is Edition.PLAIN else Level.OK
            found = f"{edition}. {LACKS[edition]}".strip()
            yield Finding(check="edition", level=level, found=found, remedy=SETUP)
            yield from _schema(settings)
    except CemaphoreError as error:
        remedy = "Run `cem db start`." if status.private else "Check CEMAPHORE_DATABASE_URL and the server it names."
        yield Finding(check="database", level=Level.FAIL, found=str(error), remedy=remedy)


def _schema(settings: Settings) -> Iterator[Finding]:
    pending = privatedb.upgrade(settings, dry_run=True)
    found = f"{len(pending)} migrations are to come: {', '.join(pending)}" if pending else "up to date"
    level = Level.FAIL if pending else Level.OK
    yield Finding(check="schema", level=level, found=found, remedy="Run `cem db upgrade`.")


def _keys(settings: Settings) -> Iterator[Finding]:
    directory = settings.keys_dir
    try:
        files = sorted(file for file in directory.iterdir() if file.is_file()) if directory.exists() else []
    except PermissionError:
        yield Finding(
            check="keys", level=Level.FAIL, found=f"{directory} cannot be read", remedy=f"chown it: {directory}"
        )
        return
    if not files:
        remedy = "They are made with the vault. Had this installation keys before, restore them from their backup."
        yield Finding(check="keys", level=Level.WARN, found=f"none in {directory}", remedy=remedy)
        return
    open_files = [file.name for file in files if file.stat().st_mode & 0o077]
    level = Level.FAIL if open_files else Level.OK
    found = f"others may read {', '.join(open_files)}" if open_files else f"{len(files)} in {directory}, mode 0600"
    yield Finding(check="keys", level=level, found=found, remedy=f"chmod 600 {directory}/*")


def _apart(settings: Settings, status: privatedb.Status) -> Iterator[Finding]:
    """Who steals the disk must not get both the identifiers and what opens them."""
    data = Path(status.data_directory) if status.data_directory else settings.home
    together = status.private and _existing(data).stat().st_dev == _existing(settings.keys_dir).stat().st_dev
    if not together:
        yield Finding(check="keys apart", level=Level.OK, found="keys and database lie on different disks")
    elif settings.demo:
        yield Finding(check="keys apart", level=Level.OK, found="together, which demo mode accepts")
    else:
        remedy = "Set CEMAPHORE_KEYS_DIR to a directory on another disk and move the keys there."
        found = "keys and database lie on the same disk"
        yield Finding(check="keys apart", level=Level.WARN, found=found, remedy=remedy)


def _disk(settings: Settings, status: privatedb.Status) -> Iterator[Finding]:
    directory = _existing(Path(status.data_directory) if status.data_directory else settings.home)
    free = shutil.disk_usage(directory).free
    level = Level.FAIL if free < DISK_FAIL_BYTES else Level.WARN if free < DISK_WARN_BYTES else Level.OK
    remedy = "Free or add space, or shorten retention."
    yield Finding(check="disk", level=level, found=f"{free / GIB:.1f} GiB free at {directory}", remedy=remedy)


def _watch_folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.watch_folder
    if not folder.is_dir():
        remedy = f"mkdir -p {folder}, or set CEMAPHORE_WATCH_FOLDER."
        yield Finding(check="watch folder", level=Level.WARN, found=f"{folder} does not exist", remedy=remedy)
        return
    readable = os.access(folder, os.R_OK | os.X_OK)
    found = str(folder) if readable else f"{folder} cannot be read by this user"
    level = Level.OK if readable else Level.FAIL
    yield Finding(check="watch folder", level=level, found=found, remedy=f"Let this user read {folder}.")


def _receivers(settings: Settings) -> Iterator[Finding]:
    """Who is told of alerts; an address or secret that is not there is found before the first alert needs it."""
    try:
        receivers = receivers_of(settings)
        for receiver in receivers:
            for secret in (receiver.address, receiver.secret, *receiver.headers.values()):
                if secret is not None:
                    secret.read()
    except ConfigError as error:
        yield Finding(check="receivers", level=Level.FAIL, found=str(error), remedy="See docs/delivery.md.")
        return
    found = f"{len(receivers)}: {', '.join(one.name for one in receivers)}" if receivers else "nobody is told of alerts"
    remedy = f"Name receivers in {settings.receivers_file}."
    yield Finding(check="receivers", level=Level.OK if receivers else Level.WARN, found=found, remedy=remedy)


def _existing(path: Path) -> Path:
    """`path`, or the nearest directory above it that this user can see."""
    while not os.access(path, os.F_OK):
        path = path.parent
    return path
