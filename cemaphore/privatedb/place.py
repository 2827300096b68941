"""Where a private server's data, socket, port and password are, remembered in `database.json` (mode 0600)."""

import json
import os
import secrets
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from fcntl import LOCK_EX, flock
from pathlib import Path
from urllib.parse import quote

from cemaphore.privatedb.account import Account
from records.errors import ConfigError

STATE_FILE = "database.json"
LOCK_FILE = "database.lock"
SUPERUSER = "cemaphore"
DATABASE = "cemaphore"
ELSEWHERE = Path("/var/lib/cemaphore")
# A socket's whole path must fit sun_path (107 bytes), so it cannot lie under an arbitrarily deep home.
SOCKET_PARENT = Path("/tmp")


@dataclass(frozen=True, kw_only=True)
class Place:
    """One private server: the user it runs as, its directories, TCP port and superuser's password."""

    account: str
    data_directory: Path
    socket_directory: Path
    port: int
    password: str

    def url(self, database: str = DATABASE, *, tcp: bool = False) -> str:
        """The connection string: through the local socket, or over 127.0.0.1."""
        who = f"{SUPERUSER}:{quote(self.password, safe='')}"
        if tcp:
            return f"postgresql://{who}@127.0.0.1:{self.port}/{quote(database)}"
        return (
            f"postgresql://{who}@/{quote(database)}?host={quote(str(self.socket_directory), safe='')}&port={self.port}"
        )


def remembered(home: Path) -> Place | None:
    """The place that `home` remembers, or None where no server was ever made."""
    file = home / STATE_FILE
    if not file.exists():
        return None
    try:
        state = json.loads(file.read_text())
        return Place(
            account=state["account"],
            data_directory=Path(state["data_directory"]),
            socket_directory=Path(state["socket_directory"]),
            port=int(state["port"]),
            password=state["password"],
        )
    except PermissionError:
        raise ConfigError(
            f"{file} belongs to another user of this machine: run cem as that user, or set CEMAPHORE_HOME."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file} is damaged ({error}): restore it from a backup; it holds the password.") from None


def remember(home: Path, place: Place) -> None:
    """Write `place` down in one step, readable by its owner only."""
    file = home / STATE_FILE
    partial = file.with_suffix(".new")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(asdict(place), stream, default=str, indent=2)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(file)


def prepare(home: Path, account: Account) -> Place:
    """The remembered place, mended where its socket directory is gone or its port taken; else a new one.

    Call it only while the server is stopped and the lock is held.
    """
    before = known = remembered(home)
    if known is None:
        known = Place(
            account=account.name,
            data_directory=_data_directory(home, account),
            socket_directory=_socket_directory(account),
            port=free_port(),
            password=secrets.token_urlsafe(24),
        )
    elif not _is_private(known.socket_directory, account):
        known = replace(known, socket_directory=_socket_directory(account))
    if not _is_free(known.port):
        known = replace(known, port=free_port())
    if known != before:
        remember(home, known)
    return known


def make_home(home: Path) -> None:
    """Make `home` so that the server's user can pass through it, where it does not exist.

    Raises `ConfigError` when it cannot be written.
    """
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        if not home.exists():
            home.mkdir(exist_ok=True)
            home.chmod(0o711)
    except OSError as error:
        raise ConfigError(f"CEMAPHORE_HOME {home} cannot be made: {error.strerror}.") from None
    if not os.access(home, os.W_OK | os.X_OK):
        raise ConfigError(f"CEMAPHORE_HOME {home} cannot be written by this user: set another one.")


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold `home` alone: what starts, stops or changes its server waits for the other to end."""
    with (home / LOCK_FILE).open("a") as stream:
        flock(stream, LOCK_EX)
        yield


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _data_directory(home: Path, account: Account) -> Path:
    if account.can_enter(home):
        return home / "postgres"
    ELSEWHERE.mkdir(mode=0o711, parents=True, exist_ok=True)
    return ELSEWHERE / secrets.token_hex(6)


def _socket_directory(account: Account) -> Path:
    directory = Path(tempfile.mkdtemp(prefix="cem-", dir=SOCKET_PARENT))
    account.own(directory)
    return directory


def _is_private(directory: Path, account: Account) -> bool:
    """Anyone may write into the parent, so a name that we remember may by now be someone else's directory."""
    try:
        found = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == account.uid and stat.S_IMODE(found.st_mode) == 0o700
