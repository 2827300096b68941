"""What each kind of record means to the store: versions, masked text, marked windows, customers, erasure."""

from datetime import timedelta

import pyarrow as pa

from records.kinds import CELLS, COMPLAINTS, COUNTERS, IDENTITIES, SESSIONS, SUBSCRIBERS, SURVEYS, TOUCHPOINTS
from store.connection import Connection
from store.erasure import erase
from store.intake import Intake
from store.vault import Vault
from tests.batches import NOON, UTC_US, complaints, counts, identities, load, one, sessions


def test_an_erased_person_is_refused_and_counted(intake: Intake, connection: Connection, vault: Vault) -> None:
    people = ["imsi:460001234567890", "imsi:460009999999999"]
    load(intake, SESSIONS, sessions(["a", "b"], who=people))
    load(intake, IDENTITIES, identities([(people[0], "msisdn", "msisdn:+8613812345678")]))
    complaint = complaints(["k"], ["very slow"], who=["msisdn:+8613812345678"])
    load(intake, COMPLAINTS, complaint)
    erased = erase(vault, people[0], actor="li", reason="request")
    assert erased.identifiers == 2
    assert one(connection, "SELECT text FROM cem.complaint") is None
    assert counts(load(intake, SESSIONS, sessions(["c", "d"], who=people), digest=b"2")) == (2, 1, 0, 1)
    assert one(connection, "SELECT code, sealed FROM cem.quarantine") == ("erased", None)
    assert counts(load(intake, COMPLAINTS, complaint, digest=b"2")) == (1, 0, 0, 1)
    assert one(connection, "SELECT count(*) FROM cem.audit") == 2


def test_every_version_of_a_complaint_is_kept_and_the_newest_is_current(intake: Intake, connection: Connection) -> None:
    def updated(hours: float) -> pa.Array:
        return pa.array([NOON - timedelta(hours=hours)], UTC_US)

    load(intake, COMPLAINTS, complaints(["k"], ["first"]))
    load(intake, COMPLAINTS, complaints(["k"], ["third"], updated_at=updated(1)), digest=b"2")
    load(intake, COMPLAINTS, complaints(["k"], ["second"], updated_at=updated(2)), digest=b"3")
    assert one(connection, "SELECT count(*) FROM cem.complaint") == 3
    assert one(connection, "SELECT text FROM cem.complaint_now") == "third"


def test_of_two_rows_of_one_version_in_a_file_the_last_wins(intake: Intake, connection: Connection) -> None:
    assert counts(load(intake, COMPLAINTS, complaints(["k", "k", "l"], ["old", "new", "l"]))) == (3, 2, 1, 0)
    assert connection.execute("SELECT text FROM cem.complaint_now ORDER BY 1").fetchall() == [("l",), ("new",)]
    cells = pa.record_batch({"cell_id": pa.array(["c", "c"]), "region": pa.array(["north", "south"])})
    assert counts(load(intake, CELLS, cells)) == (2, 1, 1, 0)
    query = "SELECT value, valid_from = '-infinity' FROM cem.cell_now JOIN cem.label ON label_id = region"
    assert one(connection, query) == ("south", True)


def test_free_text_is_masked_before_it_is_stored(intake: Intake, connection: Connection) -> None:
    load(intake, COMPLAINTS, complaints(["k"], ["打13812345678"]))
    survey = pa.record_batch(
        {
            "survey_id": pa.array(["s"]),
            "time": pa.array([NOON], UTC_US),
            "subscriber_id": pa.array(["account:1"]),
            "kind": pa.array(["nps"]),
            "score": pa.array([3.0]),
            "text": pa.array(["a@example.com"]),
        }
    )
    load(intake, SURVEYS, survey)
    assert one(connection, "SELECT text FROM cem.complaint") == "打[phone]"
    assert one(connection, "SELECT text, score FROM cem.survey") == ("[email]", 3.0)


def test_a_period_marks_the_window_of_its_start(intake: Intake, connection: Connection) -> None:
    counters = pa.record_batch(
        {
            "time": pa.array([NOON - timedelta(minutes=30)] * 3, UTC_US),
            "period_s": pa.array([900, 900, 900], pa.int32()),
            "object_id": pa.array(["o", "o", "o"]),
            "counter": pa.array(["RRC.ConnEstabAtt", "RRC.ConnEstabAtt", "x"]),
            "value": pa.array([1.0, 2.0, None]),
        }
    )
    assert counts(load(intake, COUNTERS, counters)) == (3, 2, 1, 0)
    assert one(connection, "SELECT kind, window_start FROM cem.dirty") == ("counters", NOON - timedelta(minutes=45))
    assert one(connection, "SELECT max(value) FROM cem.counter") == 2.0


def test_inventory_keeps_the_time_from_which_it_holds(intake: Intake, connection: Connection) -> None:
    rows = pa.record_batch(
        {
            "subscriber_id": pa.array(["account:1", "account:1"]),
            "plan": pa.array(["basic", "gold"]),
            "home_cell": pa.array(["c1", "c1"]),
            "valid_from": pa.array([None, NOON], UTC_US),
        }
    )
    assert counts(load(intake, SUBSCRIBERS, rows)) == (2, 2, 0, 0)
    query = (
        "SELECT value, valid_from = '-infinity' FROM cem.subscriber_now JOIN cem.label ON label_id = plan ORDER BY 1"
    )
    assert connection.execute(query).fetchall() == [("basic", True), ("gold", False)]
    assert one(connection, "SELECT count(*) FROM cem.label WHERE kind = 'cell'") == 1


def test_identifiers_of_one_person_become_one_customer_and_their_hours_dirty(
    intake: Intake, connection: Connection, vault: Vault
) -> None:
    load(intake, SESSIONS, sessions(["a", "b"], [60, 200], who=["imsi:1", "imsi:2"]))
    touch = pa.record_batch(
        {
            "event_id": pa.array(["e"]),
            "time": pa.array([NOON - timedelta(hours=9)], UTC_US),
            "subscriber_id": pa.array(["msisdn:+1"]),
        }
    )
    load(intake, TOUCHPOINTS, touch)
    connection.execute("DELETE FROM cem.dirty")
    load(intake, IDENTITIES, identities([("imsi:1", "msisdn", "msisdn:+1"), ("imsi:2", "account", "account:9")]))
    assert one(connection, "SELECT count(DISTINCT customer_key), count(*) FROM cem.customer_of") == (2, 4)
    load(intake, IDENTITIES, identities([("msisdn:+1", "account", "account:9")]), digest=b"2")
    tokens = vault.tokens(["imsi:1", "imsi:2", "msisdn:+1", "account:9"])
    customers = connection.execute("SELECT DISTINCT customer_key FROM cem.customer_of").fetchall()
    assert customers == [(tokens.min(),)]
    assert one(connection, "SELECT count(*) FROM cem.customer_of") == 4
    marked = {row[0] for row in connection.execute("SELECT window_start FROM cem.dirty")}
    keys = dict(zip(("imsi:1", "imsi:2", "msisdn:+1"), tokens.tolist(), strict=False))
    places = {"imsi:1": timedelta(minutes=60), "imsi:2": timedelta(minutes=210), "msisdn:+1": timedelta(hours=9)}
    assert marked >= {NOON - ago for name, ago in places.items() if keys[name] != tokens.min()}


def test_a_placeholder_shared_by_many_joins_nobody(intake: Intake, connection: Connection) -> None:
    rows = [(f"imsi:{number}", "account", "account:0") for number in range(60)]
    tally = load(intake, IDENTITIES, identities(rows))
    assert tally.rows_stored == 60
    assert one(connection, "SELECT code FROM cem.quarantine") == "customer_too_large"
    assert one(connection, "SELECT count(*) FROM cem.customer_of") == 0
