"""The spill keeps what it took: in order, encrypted, bounded, through kills, damage and full disks."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.errors import ConfigError, DataError
from store.keys import Keys
from store.spill import Spill, SpillFullError

MIB = 1 << 20


def opened(folder: Path, keys: Keys, **given: int) -> Spill:
    return Spill(folder, keys, name="test", **{"max_bytes": MIB, **given})


def drained(spill: Spill, step_bytes: int = 1000) -> list[bytes]:
    found = []
    while part := spill.read(step_bytes).payloads:
        found += part
        spill.forget(spill.read(step_bytes).until)
    return found


def test_what_goes_in_comes_out_in_order_and_then_it_is_empty(tmp_path: Path, keys: Keys) -> None:
    spill = opened(tmp_path, keys, segment_bytes=2000)
    payloads = [f"{number} ".encode() * 40 for number in range(200)]
    assert spill.append(payloads) == 200
    assert not spill.empty
    assert drained(spill) == payloads
    assert spill.empty
    assert not list(tmp_path.glob("*.spill"))
    spill.close()


def test_reading_without_forgetting_reads_the_same_again(tmp_path: Path, keys: Keys) -> None:
    spill = opened(tmp_path, keys)
    spill.append([b"one", b"two"])
    assert spill.read(10).payloads == spill.read(10).payloads == [b"one", b"two"]
    spill.close()


def test_nothing_of_it_is_readable_on_the_disk(tmp_path: Path, keys: Keys) -> None:
    spill = opened(tmp_path, keys)
    spill.append([b"imsi 460001234567890"])
    spill.close()
    assert all(b"460001234567890" not in path.read_bytes() for path in tmp_path.iterdir())
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.glob("*.spill"))


def test_another_run_goes_on_where_this_one_stopped(tmp_path: Path, keys: Keys) -> None:
    first = opened(tmp_path, keys, segment_bytes=100)
    first.append([b"a" * 90, b"b" * 90])
    first.close()
    second = opened(tmp_path, keys)
    second.append([b"c"])
    assert drained(second) == [b"a" * 90, b"b" * 90, b"c"]
    second.close()


def test_the_size_is_bounded_and_the_rest_is_told(tmp_path: Path, keys: Keys) -> None:
    spill = opened(tmp_path, keys, max_bytes=10_000)
    taken = spill.append([b"x" * 1000] * 20)
    assert 0 < taken < 20
    assert sum(path.stat().st_size for path in tmp_path.glob("*.spill")) <= 10_000
    assert spill.append([b"x" * 1000]) == 0
    assert len(drained(spill)) == taken
    assert spill.append([b"x" * 1000]) == 1
    spill.close()


def test_two_processes_cannot_share_one(tmp_path: Path, keys: Keys) -> None:
    spill = opened(tmp_path, keys)
    with pytest.raises(ConfigError, match="in use by another listener"):
        opened(tmp_path, keys)
    spill.close()
    opened(tmp_path, keys).close()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 700))
def test_a_write_that_was_cut_off_costs_only_itself(
    tmp_path_factory: pytest.TempPathFactory, keys: Keys, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    spill = opened(folder, keys)
    payloads = [bytes([number]) * 100 for number in range(5)]
    spill.append(payloads)
    spill.close()
    file = next(folder.glob("*.spill"))
    os.truncate(file, min(cut, file.stat().st_size))
    again = opened(folder, keys)
    again.append([b"later"])
    found = drained(again)
    assert found[:-1] == payloads[: len(found) - 1]
    assert found[-1] == b"later"
    again.close()


def test_an_altered_segment_is_set_aside_and_the_rest_goes_on(tmp_path: Path, keys: Keys) -> None:
    spill = opened(tmp_path, keys, segment_bytes=100)
    spill.append([b"a" * 100, b"b" * 100, b"c" * 100])
    spill.close()
    file = sorted(tmp_path.glob("*.spill"))[1]
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    again = opened(tmp_path, keys)
    assert again.read(1000).payloads == [b"a" * 100]
    again.forget(again.read(1000).until)
    with pytest.raises(DataError, match="is damaged"):
        again.read(1000)
    assert drained(again) == [b"c" * 100]
    assert len(list(tmp_path.glob("*.damaged"))) == 1
    again.close()


def test_segments_cannot_change_places(tmp_path: Path, keys: Keys) -> None:
    spill = opened(tmp_path, keys, segment_bytes=100)
    spill.append([b"a" * 100, b"b" * 100])
    spill.close()
    first, second = sorted(tmp_path.glob("*.spill"))
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)
    again = opened(tmp_path, keys)
    with pytest.raises(DataError):
        again.read(1000)
    again.close()


def test_a_segment_of_another_key_is_kept(tmp_path: Path, keys: Keys) -> None:
    other = Keys(key_id=7, lookup_key=b"l" * 32, sealing_key=b"s" * 32)
    spill = opened(tmp_path, other)
    spill.append([b"theirs"])
    spill.close()
    again = opened(tmp_path, keys)
    with pytest.raises(DataError, match="another key"):
        again.read(1000)
    assert again.empty
    assert len(list(tmp_path.glob("*.damaged"))) == 1
    again.close()


def test_a_full_disk_takes_nothing_and_spoils_nothing(tmp_path: Path) -> None:
    """A file size limit of the process (RLIMIT_FSIZE) stands for the disk that is full: the same OSError path."""
    program = """
        import resource, signal, sys
        from pathlib import Path
        from store.keys import Keys
        from store.spill import Spill, SpillFullError
        folder = Path(sys.argv[1])
        keys = Keys.create(folder / "keys")
        spill = Spill(folder / "spill", keys, name="test", max_bytes=1 << 30)
        assert spill.append([b"before" * 100]) == 1
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
        try:
            spill.append([b"x" * 5000])
        except SpillFullError as error:
            print("refused:", "too large" in str(error))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert spill.append([b"after"]) == 1
        found = []
        while payloads := spill.read(1000).payloads:
            found += payloads
            spill.forget(spill.read(1000).until)
        print(found == [b"before" * 100, b"after"])
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused:", "True", "True"]


def test_a_directory_that_cannot_be_written_refuses_and_says_why(tmp_path: Path, keys: Keys) -> None:
    spill = opened(tmp_path / "spill", keys)
    (tmp_path / "spill" / "lock").unlink()
    (tmp_path / "spill").rmdir()
    with pytest.raises(SpillFullError, match="cannot be written"):
        spill.append([b"lost ground"])
    spill.close()


def test_a_kill_between_sync_and_replay_loses_nothing(tmp_path: Path) -> None:
    program = """
        import os, signal, sys
        from pathlib import Path
        from store.keys import Keys
        from store.spill import Spill
        folder = Path(sys.argv[1])
        spill = Spill(folder / "spill", Keys.create(folder / "keys"), name="test", max_bytes=1 << 20)
        for number in range(50):
            spill.append([str(number).encode()])
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program), str(tmp_path)], check=False)
    assert done.returncode == -9
    spill = opened(tmp_path / "spill", Keys.load(tmp_path / "keys"))
    assert drained(spill) == [str(number).encode() for number in range(50)]
    spill.close()
