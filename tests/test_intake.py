"""A batch is in exactly once and whole, or not at all; what is refused is counted and kept sealed."""

import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pyarrow as pa
import pytest

from records.errors import DataError
from records.kinds import SESSIONS
from store.connection import Connection
from store.intake import Intake, Limits, Rejected, Tally
from store.keys import Keys
from store.labels import Labels
from store.ledger import quarantine_context
from store.vault import Vault
from tests.batches import NOON, counts, load, one, sessions


def test_a_batch_brings_rows_ledger_marks_and_watermark(intake: Intake, connection: Connection, vault: Vault) -> None:
    batch = sessions(
        ["a", "b", "c"],
        [60, 61, 5],
        app=pa.array(["wechat", None, "微博"]),
        rtt_client_ms=pa.array([12.5, None, 3.0]),
        bytes_dl=pa.array([1, None, 2**40]),
        tac=pa.array([35123456, None, 1], pa.int32()),
        stall_at_ms=pa.array([[1, 2], None, []], pa.list_(pa.int32())),
        subscriber_kind=pa.array(["imsi"] * 3),
    )
    assert counts(load(intake, SESSIONS, batch)) == (3, 3, 0, 0)
    rows = connection.execute(
        "SELECT session_id, a.value, rtt_client_ms, bytes_dl, tac, stall_at_ms, start_time, arrived_at, "
        "s.subscriber_key FROM cem.session s LEFT JOIN cem.label a ON label_id = app ORDER BY session_id"
    ).fetchall()
    key = vault.find("imsi:460001234567890")
    assert rows == [
        ("a", "wechat", 12.5, 1, 35123456, [1, 2], NOON - timedelta(minutes=60), NOON, key),
        ("b", None, None, None, None, None, NOON - timedelta(minutes=61), NOON, key),
        ("c", "微博", 3.0, 2**40, 1, [], NOON - timedelta(minutes=5), NOON, key),
    ]
    marks = connection.execute("SELECT kind, window_start, batch_id FROM cem.dirty ORDER BY window_start").fetchall()
    quarters = [NOON - timedelta(minutes=minutes) for minutes in (75, 60, 15)]
    assert marks == [("sessions", quarter, 1) for quarter in quarters]
    assert one(connection, "SELECT kind, watermark FROM cem.watermark") == ("sessions", NOON - timedelta(minutes=5))
    assert one(connection, "SELECT rows_read, rows_stored, name FROM cem.batch") == (3, 3, "f.csv")


def test_the_same_bytes_are_not_read_again(intake: Intake, connection: Connection) -> None:
    load(intake, SESSIONS, sessions(["a"]))

    def never() -> Iterable[pa.RecordBatch | Rejected]:
        raise AssertionError("read again")

    tally = intake.load(SESSIONS, source="probe", name="copy.csv", digest=b"1", size_bytes=9, batches=never)
    assert tally.already_loaded
    assert counts(load(intake, SESSIONS, sessions(["a"]), source="other")) == (1, 1, 0, 0)
    assert one(connection, "SELECT count(*) FROM cem.batch") == 2


def test_rows_that_are_there_already_are_counted_as_duplicates(intake: Intake, connection: Connection) -> None:
    load(intake, SESSIONS, sessions(["a", "b"]))
    connection.execute("DELETE FROM cem.dirty")
    tally = load(intake, SESSIONS, sessions(["b", "c", "c"]), digest=b"2")
    assert counts(tally) == (3, 1, 2, 0)
    assert one(connection, "SELECT count(*) FROM cem.session") == 3
    assert one(connection, "SELECT count(*) FROM cem.dirty") == 1
    connection.execute("DELETE FROM cem.dirty")
    assert counts(load(intake, SESSIONS, sessions(["a", "c"]), digest=b"3")) == (2, 0, 2, 0)
    assert one(connection, "SELECT count(*) FROM cem.dirty") == 0


def test_a_row_names_its_own_source(intake: Intake, connection: Connection) -> None:
    batch = sessions(["a", "a", "a"], [1, 1, 1], source=pa.array(["p1", None, "p2"]))
    assert counts(load(intake, SESSIONS, batch)) == (3, 3, 0, 0)
    names = connection.execute("SELECT name FROM cem.session JOIN cem.source USING (source_id) ORDER BY 1").fetchall()
    assert names == [("p1",), ("p2",), ("probe",)]
    assert one(connection, "SELECT count(*) FROM cem.watermark") == 3


def test_small_and_large_batches_become_blocks(
    opened: Callable[[], Connection], vault: Vault, labels: Labels, keys: Keys, connection: Connection
) -> None:
    intake = Intake(opened(), vault, labels, keys, NOON, block_rows=10)
    ids = [f"s{number}" for number in range(100)]
    parts = [sessions(ids[:3]), sessions(ids[3:4]), sessions(ids[4:50]), sessions(ids[50:])]
    other = sessions(["x"], app=pa.array(["wechat"]))
    assert counts(load(intake, SESSIONS, *parts, other)) == (101, 101, 0, 0)
    assert one(connection, "SELECT count(DISTINCT session_id) FROM cem.session") == 101


def test_rows_of_the_future_are_quarantined_sealed(intake: Intake, connection: Connection, keys: Keys) -> None:
    tally = load(intake, SESSIONS, sessions(["a", "b", "c"], [-14, -16, 60]))
    assert counts(tally) == (3, 2, 0, 1)
    number, code, column, sealed = one(connection, "SELECT row_number, code, column_name, sealed FROM cem.quarantine")
    assert (number, code, column) == (2, "future", "start_time")
    assert b"460001234567890" not in bytes(sealed)
    record = json.loads(keys.unseal(bytes(sealed), quarantine_context("sessions")))
    assert (record["session_id"], record["subscriber_id"]) == ("b", "imsi:460001234567890")
    assert one(connection, "SELECT watermark FROM cem.watermark") == NOON + timedelta(minutes=14)


def test_how_far_back_rows_may_be_is_a_setting(
    opened: Callable[[], Connection], vault: Vault, labels: Labels, keys: Keys
) -> None:
    limits = Limits(backward=timedelta(days=1))
    intake = Intake(opened(), vault, labels, keys, NOON, limits=limits)
    assert counts(load(intake, SESSIONS, sessions(["a", "b"], [60, 60 * 25]))) == (2, 1, 0, 1)


def test_what_the_collector_refused_is_kept_sealed_and_counted(
    intake: Intake, connection: Connection, keys: Keys
) -> None:
    refused = Rejected(row_number=7, code="not_a_number", column="rtt_client_ms", reason="is text", payload=b"46000")
    whole = Rejected(row_number=None, code="truncated", reason="the file ends early")
    assert counts(load(intake, SESSIONS, sessions(["a"]), refused, whole)) == (2, 1, 0, 2)
    rows = connection.execute("SELECT row_number, code, reason, sealed FROM cem.quarantine ORDER BY code").fetchall()
    assert rows[0][:3] == (7, "not_a_number", "is text")
    assert keys.unseal(bytes(rows[0][3]), quarantine_context("sessions")) == b"46000"
    assert rows[1] == (None, "truncated", "the file ends early", None)


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ({"app": pa.array(["we\0chat", "ok"])}, "nul"),
        ({"session_id": pa.array(["a\0", "b"])}, "nul"),
        ({"session_id": pa.array([None, "b"])}, "missing"),
        ({"subscriber_id": pa.array([None, "imsi:1"])}, "missing"),
        ({"service": pa.array([None, "web"])}, "missing"),
        ({"rtt_client_ms": pa.array([float("nan"), 1.0])}, "not_finite"),
        ({"rtt_client_ms": pa.array([1e300, 1.0])}, "not_finite"),
    ],
)
def test_a_value_that_cannot_be_stored_costs_its_row_only(
    intake: Intake, connection: Connection, column: dict[str, pa.Array], code: str
) -> None:
    batch = pa.record_batch({**dict(zip(*_parts(sessions(["a", "b"])), strict=True)), **column})
    assert counts(load(intake, SESSIONS, batch)) == (2, 1, 0, 1)
    assert one(connection, "SELECT code, row_number FROM cem.quarantine") == (code, 1)


def _parts(batch: pa.RecordBatch) -> tuple[list[str], list[pa.Array]]:
    return batch.schema.names, batch.columns


def test_a_missing_required_column_names_it_and_leaves_nothing(intake: Intake, connection: Connection) -> None:
    with pytest.raises(DataError, match="success"):
        load(intake, SESSIONS, sessions(["a"]).drop_columns(["success"]))
    assert one(connection, "SELECT count(*) FROM cem.batch") == 0


def test_an_error_half_way_leaves_nothing_and_the_next_attempt_works(intake: Intake, connection: Connection) -> None:
    def broken() -> Iterable[pa.RecordBatch | Rejected]:
        yield sessions([f"s{number}" for number in range(200_000)])
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        intake.load(SESSIONS, source="probe", name="f", digest=b"1", size_bytes=9, batches=broken)
    for table in ("session", "batch", "dirty", "watermark", "quarantine"):
        assert one(connection, f"SELECT count(*) FROM cem.{table}") == 0  # noqa: S608 - ours only
    assert counts(load(intake, SESSIONS, sessions(["s1"]))) == (1, 1, 0, 0)


def test_a_killed_loader_leaves_nothing(database: str, opened: Callable[[], Connection], tmp_path: Path) -> None:
    script = """
        import sys, time
        from datetime import UTC, datetime
        from pathlib import Path
        from records.kinds import SESSIONS
        from store.connection import connect
        from store.intake import Intake
        from store.keys import Keys
        from store.labels import Labels
        from store.vault import Vault
        from tests.batches import sessions

        def batches():
            yield sessions([f"s{number}" for number in range(140_000)])
            yield sessions(["x"])
            print("ready", flush=True)
            time.sleep(60)

        keys = Keys.create(Path(sys.argv[2]) / "keys")
        open_ = lambda: connect(sys.argv[1], autocommit=True)
        intake = Intake(open_(), Vault(open_(), keys), Labels(open_), keys, datetime(2026, 3, 2, 12, tzinfo=UTC))
        intake.load(SESSIONS, source="probe", name="f", digest=b"1", size_bytes=9, batches=batches)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), database, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent) as loader:
        assert loader.stdout is not None
        assert loader.stdout.readline() == "ready\n"
        loader.send_signal(signal.SIGKILL)
        loader.wait()
    keys = Keys.load(tmp_path / "keys")
    intake = Intake(opened(), Vault(opened(), keys), Labels(opened()), keys, NOON)
    connection = opened()
    # The dead loader's entry is waited for, then gone.
    assert counts(load(intake, SESSIONS, sessions(["a"]))) == (1, 1, 0, 0)
    assert one(connection, "SELECT count(*) FROM cem.session") == 1
    assert one(connection, "SELECT count(*) FROM cem.batch") == 1


def test_two_loaders_of_the_same_file_load_it_once(
    opened: Callable[[], Connection], keys: Keys, connection: Connection
) -> None:
    tallies: list[Tally] = []

    def run() -> None:
        intake = Intake(opened(), Vault(opened(), keys), Labels(opened()), keys, NOON)
        tallies.append(load(intake, SESSIONS, sessions([f"s{number}" for number in range(5000)])))

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(tally.already_loaded for tally in tallies) == [False, True]
    assert one(connection, "SELECT count(*) FROM cem.session") == 5000
