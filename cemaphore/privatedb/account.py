"""The system user that the database server runs as: never root."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from records.errors import ConfigError

CANDIDATES = ("postgres", "cemaphore")


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user of this machine; `switch` tells whether we are root and must become it."""

    name: str
    uid: int
    gid: int
    switch: bool

    def run(self, command: Sequence[str], *, cwd: Path = Path("/")) -> "subprocess.CompletedProcess[str]":
        """Run `command` as this user, away from our terminal; standard output and error are captured as text."""
        if not self.switch:
            return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=_environment())
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            env=_environment(),
            user=self.uid,
            group=self.gid,
            extra_groups=[],
        )

    def can_enter(self, directory: Path) -> bool:
        """Whether this user can reach `directory` through all that lies above it."""
        return self.run(["/bin/sh", "-c", 'cd "$1"', "sh", str(directory)]).returncode == 0

    def own(self, path: Path) -> None:
        """Make `path` this user's."""
        if self.switch:
            os.chown(path, self.uid, self.gid)


def server_account(remembered: str | None = None) -> Account:
    """The user to run the server as: oneself, or, for root, a system user.

    Raises `ConfigError` where root has no such user to become.
    """
    if os.geteuid() != 0:
        return Account(name=_own_name(), uid=os.geteuid(), gid=os.getegid(), switch=False)
    for name in (remembered, *CANDIDATES):
        try:
            entry = pwd.getpwnam(name) if name else None
        except KeyError:
            continue
        if entry and entry.pw_uid != 0:
            return Account(name=name or "", uid=entry.pw_uid, gid=entry.pw_gid, switch=True)
    raise ConfigError(
        "A database server must not run as root, and this machine has no system user for it "
        f"({' or '.join(CANDIDATES)}). Make one: `useradd --system --shell /usr/sbin/nologin cemaphore`."
    )


def _own_name() -> str:
    """A container may run as a user number that has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _environment() -> dict[str, str]:
    """A server's environment is ours without settings of another server and without a language."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "CEMAPHORE_", "LC_"))}
    return {**kept, "LC_ALL": "C", "HOME": "/"}
