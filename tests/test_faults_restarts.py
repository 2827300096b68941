"""Collectors whose database restarts in the middle of COPY, or runs out of room, wait and finish by themselves."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from cemaphore import privatedb
from cemaphore.privatedb import server as servers
from cemaphore.privatedb.account import server_account
from cemaphore.privatedb.place import remembered
from cemaphore.settings import Settings, load_settings
from store.connection import connect
from tests import mixture
from tests.collecting import copying, environment, finished, fresh, loaded, started, until
from tests.conftest import FAST
from tests.effort import RESTARTS

# Killed servers are part of these tests: what was committed must be there when they come back.
SAFE = {**FAST, "synchronous_commit": "on"}
Scarce = tuple[str, Callable[[], object]]
BACK = "The database answers again."


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A database server of this module's own, since it is stopped, killed and filled."""
    home = tmp_path_factory.mktemp("faults")
    settings = load_settings(home=home, database_url=None, time_zone="UTC", demo=True)
    try:
        privatedb.start(settings, extra=SAFE)
        yield settings
    finally:
        privatedb.remove(settings)


def kill(settings: Settings) -> None:
    place = remembered(settings.home)
    assert place is not None
    servers.kill(place)


def test_a_database_restarted_during_copy_costs_nothing(own: Settings, tmp_path: Path) -> None:
    """Stopped and killed in turn; the collecting process stays the same and ends well."""
    folder, keys_dir = tmp_path / "in", own.home / "keys"
    process_environment = environment(None, own.home, keys_dir)
    recovered = 0
    for turn in range(RESTARTS):
        mixture.write(folder, turn, rows=10_000)
        with connect(privatedb.database_url(own), autocommit=True) as watcher:
            process = started(process_environment, str(folder))
            assert until(lambda: copying(watcher, str(watcher.info.dbname)))
        (privatedb.stop if turn % 2 else kill)(own)
        time.sleep(0.3)
        privatedb.start(own, extra=SAFE)
        code, errors = finished(process)
        assert code == 3, errors
        recovered += BACK in errors
    with fresh(own, "cem_undisturbed_restarts") as url:
        expected = loaded(url, keys_dir, [folder])
    with connect(privatedb.database_url(own), autocommit=True) as connection:
        assert mixture.held(connection) == expected
        assert mixture.strays(connection) == 0
    assert recovered >= RESTARTS - RESTARTS // 4  # a wait was seen: the restart met a transaction


def test_a_database_that_stays_away_ends_collection_with_75_and_no_traceback(own: Settings, tmp_path: Path) -> None:
    mixture.write(tmp_path / "in", 100, rows=20_000)
    with fresh(own, "cem_away") as url:
        process_environment = environment(url, own.home, own.home / "keys", database_patience_s="1")
        with connect(url, autocommit=True) as watcher:
            process = started(process_environment, str(tmp_path / "in"))
            assert until(lambda: copying(watcher, "cem_away"))
        privatedb.stop(own)
        code, errors = finished(process)
        privatedb.start(own, extra=SAFE)
    assert code == 75
    assert "waiting for it, up to 1 s" in errors
    assert "Traceback" not in errors


@contextmanager
def small_disk(settings: Settings, tmp_path: Path) -> Iterator[Scarce]:
    """A database on a file system with 3 MiB left, and what gives it more room; needs root."""
    account = server_account()
    kept = remembered(settings.home)
    assert kept is not None
    # Beside its data, where the server's user can go.
    mount = Path(tempfile.mkdtemp(prefix="small-", dir=kept.data_directory.parent))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(mount)], check=True)
    try:
        place = mount / "space"
        place.mkdir()
        account.own(place)
        with connect(privatedb.database_url(settings), autocommit=True) as admin:
            admin.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
            with fresh(settings, "cem_small") as url:
                admin.execute("ALTER DATABASE cem_small SET TABLESPACE small")
                resize(mount, shutil.disk_usage(mount).used + (3 << 20))
                yield url, lambda: resize(mount, 400 << 20)
            admin.execute("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", str(mount)], check=True)
        mount.rmdir()


def resize(mount: Path, size_bytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size_bytes}", str(mount)], check=True)


@contextmanager
def small_files(settings: Settings, tmp_path: Path) -> Iterator[Scarce]:
    """A server that may write no file past 17 MiB (its log of changes needs 16), for where we are not root."""
    pid = privatedb.status(settings).pid

    def limit(fsize: str) -> None:
        done = server_account().run(["prlimit", f"--pid={pid}", f"--fsize={fsize}:"])
        assert done.returncode == 0, done.stderr

    with fresh(settings, "cem_small") as url:
        limit(str(17 << 20))
        try:
            yield url, lambda: limit("unlimited")
        finally:
            limit("unlimited")


@pytest.mark.parametrize("scarce", [small_disk] if os.geteuid() == 0 else [small_files])
def test_a_full_disk_of_the_database_is_waited_for(
    scarce: Callable[[Settings, Path], AbstractContextManager[Scarce]], own: Settings, tmp_path: Path
) -> None:
    folder, keys_dir = tmp_path / "in", own.home / "keys"
    mixture.write(folder, 0, rows=15_000 if scarce is small_disk else 60_000)
    with scarce(own, tmp_path) as (url, give_room):
        process = started(environment(url, own.home, keys_dir), str(folder))
        assert process.stderr is not None
        said = process.stderr.readline()
        assert "waiting for it" in said, said + process.stderr.read()
        time.sleep(1)
        with connect(url, autocommit=True) as connection:
            assert mixture.strays(connection) == 0
        give_room()
        code, errors = finished(process)
        assert code == 3, errors
        with connect(url, autocommit=True) as connection:
            found = mixture.held(connection)
    with fresh(own, "cem_undisturbed_disk") as url:
        assert found == loaded(url, keys_dir, [folder])
