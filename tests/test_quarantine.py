"""Refused records: listed without what they hold, opened under audit, and in exactly once when tried again."""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from cemaphore.cli import quarantine
from collectors.collection import collect
from collectors.options import Options
from collectors.retrying import Retried, retry
from collectors.tmf621.amending import amendment
from collectors.tmf621.retrying import retry_changes
from collectors.tmf621.tickets import ticket as read_ticket
from records.errors import ConfigError, DataError
from records.kinds import ALARMS, COMPLAINTS, COUNTERS, IDENTITIES, KINDS, SESSIONS
from store.amendments import amend
from store.connection import Connection
from store.intake import Intake, Rejected
from store.keys import Keys
from store.labels import Labels
from store.ledger import Delivery
from store.quarantine import Choice, counted, groups, listed, reveal
from store.vault import Vault
from tests.batches import NOON, UTC_US, counts, load, one, sessions
from tests.ticket_server import ticket

HEADER = "session_id,start_time,subscriber_id,service,success,rtt_client_ms,tac\n"


@contextmanager
def opened_intake(opened: Callable[[], Connection], keys: Keys, now: datetime) -> Iterator[Intake]:
    yield Intake(opened(), Vault(opened(), keys), Labels(opened()), keys, now)


def again(intake: Intake, keys: Keys, choice: Choice | None = None, options: Options | None = None) -> Retried:
    """Retry all; the sums over all sources and kinds."""
    total = Retried()
    for source, kind, ids in groups(intake.connection, choice or Choice(), 1000):
        done = retry(intake, keys, source, KINDS[kind], ids, options or Options())
        for name, value in vars(done).items():
            setattr(total, name, getattr(total, name) + value)
    return total


def count(connection: Connection, table: str = "quarantine") -> int:
    return int(one(connection, f"SELECT count(*) FROM cem.{table}"))  # noqa: S608 - ours only


def given(intake: Intake, folder: Path, lines: str) -> None:
    """Collect a CSV of sessions."""
    (folder / "sessions").mkdir(exist_ok=True)
    path = folder / "sessions" / f"{hashlib.sha256(lines.encode()).hexdigest()[:8]}.csv"
    path.write_text(HEADER + lines)
    (result,) = collect([path], intake=intake)
    assert result.error is None


def test_records_of_the_future_go_in_when_their_time_has_come(
    intake: Intake, connection: Connection, keys: Keys, opened: Callable[[], Connection], vault: Vault
) -> None:
    late = sessions(
        ["a", "b"],
        [-60, 60],
        rtt_client_ms=pa.array([12.5, 1.0]),
        tac=pa.array([1234567, 1], pa.int32()),
        stall_at_ms=pa.array([[1, 2], None], pa.list_(pa.int32())),
        source=pa.array(["probe-7", None]),
    )
    assert counts(load(intake, SESSIONS, late)) == (2, 1, 0, 1)
    assert again(intake, keys) == Retried(tried=1, refused=1)
    assert count(connection) == 1
    with opened_intake(opened, keys, NOON + timedelta(hours=2)) as later:
        assert again(later, keys) == Retried(tried=1, stored=1)
        assert again(later, keys) == Retried()
    row = one(
        connection,
        "SELECT session_id, start_time, subscriber_key, rtt_client_ms, tac, stall_at_ms, name FROM cem.session "
        "JOIN cem.source USING (source_id) WHERE session_id = 'a'",
    )
    key = vault.find("imsi:460001234567890")
    assert row == ("a", NOON + timedelta(hours=1), key, 12.5, 1234567, [1, 2], "probe-7")
    assert (count(connection), count(connection, "session")) == (0, 2)
    assert one(connection, "SELECT count(*) FROM vault.subject") == 1


def test_a_record_goes_in_after_a_setting_was_put_right(
    intake: Intake, connection: Connection, keys: Keys, tmp_path: Path, vault: Vault
) -> None:
    """A short telephone number that has no form is an account once the settings say so."""
    given(intake, tmp_path, "a,2026-03-02T08:00:00Z,+12,web,true,5,\nb,2026-03-02T08:00:00Z,+12,web,true,abc,\n")
    assert [(each["code"], each["count"]) for each in counted(connection, Choice())] == [("subscriber", 2)]
    done = again(intake, keys, options=Options(subscriber_kind="account"))
    assert (done.stored, done.refused) == (1, 1)
    assert one(connection, "SELECT subscriber_key FROM cem.session") == vault.find("account:+12")
    reason = one(connection, "SELECT reason FROM cem.quarantine")
    assert reason.startswith("quarantine ")
    assert "rtt_client_ms is 'abc'; a number is needed" in reason


def test_a_record_that_came_in_otherwise_meanwhile_is_a_duplicate(
    intake: Intake, connection: Connection, keys: Keys, tmp_path: Path
) -> None:
    given(intake, tmp_path, "a,2026-03-02T08:00:00Z,+12,web,true,5,\n")
    (tmp_path / "sessions").joinpath("b.csv").write_text(HEADER + "a,2026-03-02T08:00:00Z,+12,web,true,5,\n\n")
    options = Options(subscriber_kind="account")
    list(collect([tmp_path / "sessions" / "b.csv"], intake=intake, options=options))
    assert again(intake, keys, options=options) == Retried(tried=1, duplicate=1)
    assert (count(connection), count(connection, "session")) == (0, 1)


def test_many_who_retry_at_once_bring_each_record_in_once(
    intake: Intake, connection: Connection, keys: Keys, opened: Callable[[], Connection]
) -> None:
    load(intake, SESSIONS, sessions([f"s{number}" for number in range(200)], [-60 - n for n in range(200)]))
    assert count(connection) == 200
    intakes = [
        Intake(opened(), Vault(opened(), keys), Labels(opened()), keys, NOON + timedelta(days=1)) for _ in "1234"
    ]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda each: again(each, keys), intakes))
    assert sum(one.stored for one in done) == 200
    assert (count(connection), count(connection, "session")) == (0, 200)


def test_a_retry_that_breaks_off_leaves_everything_as_it_was(
    intake: Intake, connection: Connection, keys: Keys, tmp_path: Path
) -> None:
    given(intake, tmp_path, "a,2026-03-02T08:00:00Z,+12,web,true,5,\n")
    connection.execute("ALTER TABLE cem.session ADD CONSTRAINT broken CHECK (session_id <> 'a')")
    with pytest.raises(Exception, match="broken"):
        again(intake, keys, options=Options(subscriber_kind="account"))
    assert (count(connection), count(connection, "session")) == (1, 0)


def test_what_cannot_be_read_alone_stays(intake: Intake, connection: Connection, keys: Keys, tmp_path: Path) -> None:
    given(intake, tmp_path, "a,2026-03-02T08:00:00Z,x\n")
    load(intake, SESSIONS, Rejected(row_number=3, code="erased", reason="erased"), digest=b"2")
    assert again(intake, keys) == Retried(tried=2, unreadable=2)
    assert count(connection) == 2


def test_counters_keep_their_bins_and_identities_their_kinds(
    intake: Intake, connection: Connection, keys: Keys, opened: Callable[[], Connection], vault: Vault
) -> None:
    counters = pa.record_batch(
        {
            "time": pa.array([NOON + timedelta(hours=1)], UTC_US),
            "period_s": pa.array([900], pa.int32()),
            "object_id": pa.array(["o"]),
            "counter": pa.array(["c"]),
            "bins": pa.array([[1.0, 2.5]], pa.list_(pa.float64())),
        }
    )
    assert counts(load(intake, COUNTERS, counters)) == (1, 0, 0, 1)
    wrong = {"subscriber_id": "460001234567890", "kind": "msisdn", "value": "12"}
    load(
        intake,
        IDENTITIES,
        Rejected(row_number=1, code="subscriber", reason="r", payload=json.dumps(wrong).encode()),
        digest=b"2",
    )
    with opened_intake(opened, keys, NOON + timedelta(hours=2)) as later:
        assert again(later, keys) == Retried(tried=2, stored=1, refused=1)
        right = {**wrong, "value": "+8613812345678"}
        record = Rejected(row_number=2, code="subscriber", reason="r", payload=json.dumps(right).encode())
        load(later, IDENTITIES, record, digest=b"3")
        assert again(later, keys, Choice(code="subscriber")).stored == 1
    assert one(connection, "SELECT bins FROM cem.counter") == [1.0, 2.5]
    assert vault.find("msisdn:+8613812345678") is not None


def test_events_are_read_as_events(intake: Intake, connection: Connection, keys: Keys) -> None:
    path = Path(__file__).parent / "data/ves/onap_ves_collector/src/test/resources/ves7_valid_30_1_1_event.json"
    event = json.loads(path.read_text())["event"]
    kept = Rejected(row_number=1, code="namespace", reason="r", payload=json.dumps(event).encode())
    load(intake, ALARMS, kept)
    assert again(intake, keys) == Retried(tried=1, stored=1)
    assert (count(connection), count(connection, "alarm")) == (0, 1)


def test_a_change_goes_in_once_its_ticket_is_known(
    intake: Intake, connection: Connection, keys: Keys, labels: Labels
) -> None:
    changed = read_ticket({"id": "T1", "lastUpdate": "2026-03-02T09:00:00Z", "status": "resolved"})
    source_id = int(labels.sources(["probe"])[0])
    delivery = Delivery(
        kind=COMPLAINTS, source_id=source_id, name="n", digest=b"9", size_bytes=0, arrived_at=intake.clock_now
    )
    amend(intake.connection, labels, keys, delivery, [amendment(changed, 1)])
    ((_, _, ids),) = groups(connection, Choice(), 10)
    assert retry_changes(intake, labels, keys, "probe", ids) == (0, 1)
    assert again(intake, keys) == Retried(tried=1, unreadable=1)
    whole = read_ticket(ticket(1)).columns
    load(
        intake,
        COMPLAINTS,
        Rejected(row_number=1, code="subscriber", reason="r", payload=json.dumps(dict(whole)).encode()),
    )
    assert again(intake, keys).stored == 1
    assert retry_changes(intake, labels, keys, "probe", ids) == (1, 0)
    assert one(connection, "SELECT api.label(status) FROM cem.complaint_now") == "resolved"
    assert count(connection) == 0


def test_opening_a_record_is_audited_and_listing_shows_nothing_of_it(
    intake: Intake, connection: Connection, keys: Keys
) -> None:
    load(intake, SESSIONS, sessions(["a"], [-60]))
    (record,) = listed(connection, Choice(kind="sessions"), 5)
    assert "460001234567890" not in json.dumps(record, default=str)
    held = reveal(connection, keys, record["id"], actor="li", reason="case 7")
    assert held.payload is not None
    assert json.loads(held.payload)["subscriber_id"] == "imsi:460001234567890"
    assert "460001234567890" not in repr(held)
    assert one(connection, "SELECT actor, action, reason, detail FROM cem.audit") == (
        "li",
        "show quarantined",
        "case 7",
        {"quarantine_id": record["id"]},
    )
    with pytest.raises(DataError, match="no record 999"):
        reveal(connection, keys, 999, actor="li", reason="case 7")
    with pytest.raises(ConfigError):
        reveal(connection, keys, record["id"], actor="li", reason=" ")


@pytest.fixture
def command(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run `cem quarantine ...`, returning exit code and JSON."""
    monkeypatch.setenv("CEMAPHORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CEMAPHORE_DATABASE_URL", database)
    app = typer.Typer()
    quarantine.register(app)

    def run(*arguments: str) -> tuple[int, Any]:
        result = CliRunner().invoke(app, ["quarantine", *arguments, "--json"])
        return result.exit_code, json.loads(result.stdout) if result.stdout.startswith(("{", "[")) else result.output

    return run


def test_the_command_lists_shows_and_retries(
    command: Callable[..., Any], database: str, tmp_path: Path, opened: Callable[[], Connection]
) -> None:
    keys = Keys.create(tmp_path / "home" / "keys")
    now = datetime.now(UTC)
    with opened_intake(opened, keys, now - timedelta(days=2)) as early:
        batch = sessions(["a"]).set_column(2, "start_time", pa.array([now - timedelta(days=1)], UTC_US))
        load(early, SESSIONS, batch)
    code, shape = command("list")
    assert (code, shape["reasons"][0]["code"], len(shape["records"])) == (0, "future", 1)
    number = str(shape["records"][0]["id"])
    code, shown = command("show", number, "--reason", "case 7")
    assert (code, json.loads(shown["payload"])["session_id"]) == (0, "a")
    assert command("retry")[0] == 2
    assert command("retry", number) == (
        0,
        [
            {
                "source": "probe",
                "kind": "sessions",
                "tried": 1,
                "stored": 1,
                "duplicate": 0,
                "refused": 0,
                "unreadable": 0,
            }
        ],
    )
    assert command("list")[1] == {"reasons": [], "records": []}
    assert command("show", number, "--reason", "case 7")[0] == 1
