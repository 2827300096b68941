"""PostgreSQL server programs on this machine, and whether TimescaleDB is installed for them."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from records.errors import ConfigError

OLDEST_MAJOR = 15
SETUP = (
    "Run `make setup-system` in a checkout of Cemaphore (as an ordinary user: `sudo make setup-system`): it installs "
    "them from the distribution's packages. Where the distribution has none, start the container file "
    "deploy/compose.yaml, or point CEMAPHORE_DATABASE_URL at an existing server."
)
_LAYOUTS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "usr/local/pgsql/bin", "usr/local/bin", "usr/bin")


@dataclass(frozen=True, kw_only=True)
class Programs:
    """One installed PostgreSQL server: its programs, major version, and TimescaleDB's version where there is one."""

    bin_dir: Path
    major: int
    timescaledb: str | None

    def path(self, name: str) -> str:
        """The full path of the program `name`."""
        return str(self.bin_dir / name)


def installed(root: Path = Path("/")) -> list[Programs]:
    """Servers of a usable version, best first: with TimescaleDB, then the newest."""
    found = {}
    on_path = shutil.which("postgres") if root == Path("/") else None
    places = [place for layout in _LAYOUTS for place in root.glob(layout)]
    for place in [*places, *([Path(on_path).parent] if on_path else [])]:
        resolved = place.resolve()
        if (resolved / "initdb").exists() and (resolved / "postgres").exists() and resolved not in found:
            found[resolved] = _describe(resolved)
    usable = [programs for programs in found.values() if programs.major >= OLDEST_MAJOR]
    return sorted(usable, key=lambda programs: (programs.timescaledb is None, -programs.major))


def choose(servers: list[Programs], *, allow_plain: bool, major: int | None = None) -> Programs:
    """The server to run; `major` is the version that existing data were made with.

    Raises `ConfigError` saying what to install when there is none.
    """
    if major is not None:
        servers = [programs for programs in servers if programs.major == major]
    if not servers:
        wanted = (
            f"PostgreSQL {major}, which made the existing data," if major else f"PostgreSQL {OLDEST_MAJOR} or later"
        )
        raise ConfigError(f"{wanted} is not installed on this machine. {SETUP}")
    best = servers[0]
    if best.timescaledb is None and not allow_plain:
        raise ConfigError(
            f"TimescaleDB is not installed for PostgreSQL {best.major} ({best.bin_dir}). {SETUP} "
            "To run on plain PostgreSQL all the same, set CEMAPHORE_ALLOW_PLAIN_POSTGRESQL=true."
        )
    return best


def _describe(bin_dir: Path) -> Programs:
    told = subprocess.run([bin_dir / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"\) (\d+)", told)
    return Programs(
        bin_dir=bin_dir,
        major=int(number.group(1)) if number else 0,
        timescaledb=_extension_version(_share_dir(bin_dir)),
    )


def _share_dir(bin_dir: Path) -> Path | None:
    """Where the server looks for extensions; Debian keeps it apart from the programs."""
    if bin_dir.parent.parent.name == "postgresql":
        return bin_dir.parents[3] / "share" / "postgresql" / bin_dir.parent.name
    if not (bin_dir / "pg_config").exists():
        return None
    told = subprocess.run([bin_dir / "pg_config", "--sharedir"], capture_output=True, text=True, check=False)
    return Path(told.stdout.strip()) if told.returncode == 0 else None


def _extension_version(share_dir: Path | None) -> str | None:
    control = share_dir / "extension" / "timescaledb.control" if share_dir else None
    if control is None or not control.exists():
        return None
    version = re.search(r"^default_version\s*=\s*'([^']+)'", control.read_text(), re.MULTILINE)
    return version.group(1) if version else None
