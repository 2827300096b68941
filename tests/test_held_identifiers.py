"""A number that passed to somebody else: each holder's page has the holder's own time with it, and no other."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from records.identifiers import normalise
from store import care, explaining, surveys
from store.connection import Connection, connect
from store.erasure import erase
from store.frames import read_customer_sessions
from store.labels import Labels
from store.vault import Vault

PASSED = datetime(2026, 3, 2, 12, tzinfo=UTC)
EARLIER, LATER = PASSED - timedelta(hours=1), PASSED + timedelta(hours=1)
DAY = (PASSED - timedelta(days=1), PASSED + timedelta(days=1))
NAMES = [
    normalise(name, None, "CN") or "" for name in ("imsi:460001234567890", "+8613800138000", "imsi:460001234567891")
]


@pytest.fixture
def holders(connection: Connection, labels: Labels, vault: Vault) -> tuple[int, int]:
    """The old holder and the new one of a number under which each had a session, a contact and an answer."""
    old, number, new = map(int, vault.tokens(NAMES))
    labels.sources(["probe"])
    web, cell, kind, *plans = (
        int(labels.ids(sort, [word])[0])
        for sort, word in [
            ("service", "web"),
            ("cell", "c1"),
            ("survey_kind", "nps"),
            ("plan", "small"),
            ("plan", "big"),
        ]
    )
    connection.execute(
        "INSERT INTO cem.customer_of (subscriber_key, customer_key, valid_from) "
        "VALUES (%(old)s, %(old)s, '-infinity'), (%(number)s, %(old)s, '-infinity'), "
        "(%(number)s, %(new)s, %(passed)s), (%(new)s, %(new)s, '-infinity')",
        {"old": old, "number": number, "new": new, "passed": PASSED},
    )
    for at, name in ((EARLIER, "old"), (PASSED, "first"), (LATER, "new")):
        row = {"key": number, "at": at, "name": name, "web": web, "cell": cell, "kind": kind}
        connection.execute(
            "INSERT INTO cem.session (subscriber_key, start_time, source_id, session_id, batch_id, arrived_at, "
            "service, cell_id, success) VALUES (%(key)s, %(at)s, 1, %(name)s, 1, %(at)s, %(web)s, %(cell)s, true)",
            row,
        )
        connection.execute(
            "INSERT INTO cem.touchpoint (subscriber_key, time, source_id, event_id, batch_id, arrived_at) "
            "VALUES (%(key)s, %(at)s, 1, %(name)s, 1, %(at)s)",
            row,
        )
        connection.execute(
            "INSERT INTO cem.survey (subscriber_key, time, source_id, survey_id, batch_id, arrived_at, kind, score, "
            "text) VALUES (%(key)s, %(at)s, 1, %(name)s, 1, %(at)s, %(kind)s, 5, %(name)s)",
            row,
        )
    for token, since, plan in ((old, "-infinity", plans[0]), (number, LATER, plans[1])):
        connection.execute(
            "INSERT INTO cem.subscriber (subscriber_key, valid_from, source_id, batch_id, arrived_at, plan) "
            "VALUES (%s, %s, 1, 1, now(), %s)",
            [token, since, plan],
        )
    return old, new


def test_each_holders_page_has_the_time_that_was_theirs(database: str, holders: tuple[int, int]) -> None:
    with connect(database, role="cem_care", autocommit=True) as asked:
        for key, theirs in zip(holders, (["old"], ["first", "new"]), strict=True):
            sessions = asked.execute("SELECT session_id FROM api.session_timeline(%s, %s, %s)", [key, *DAY]).fetchall()
            assert [name for (name,) in sessions] == theirs
            assert care.replay(asked, key, *DAY)["session_id"].tolist() == theirs
            assert sorted(care.touchpoints(asked, key, *DAY)["time"]) == [
                {"old": EARLIER, "first": PASSED, "new": LATER}[name] for name in theirs
            ]
            assert care.answers(asked, key)["text"].tolist() == theirs[::-1]
            for counted in ("customer_cells", "customer_exposure"):
                found = asked.execute(f"SELECT sum(sessions) FROM api.{counted}(%s, %s, %s)", [key, *DAY])  # noqa: S608
                assert found.fetchone() == (len(theirs),), counted


def test_the_profile_is_of_what_a_customer_holds_now(database: str, holders: tuple[int, int]) -> None:
    with connect(database, role="cem_care", autocommit=True) as asked:
        profiles = [care.profile(asked, key) for key in holders]
    assert [(p["plan"], p["identifiers"]) for p in profiles if p is not None] == [("small", 1), ("big", 2)]


def test_what_the_inventory_said_of_the_old_holder_is_not_the_new_ones(
    database: str, connection: Connection, holders: tuple[int, int]
) -> None:
    """The number's newest row is from before it passed: the row of the new holder's own identifier counts."""
    connection.execute("UPDATE cem.subscriber SET valid_from = %s WHERE valid_from = %s", [EARLIER, LATER])
    connection.execute(
        "INSERT INTO cem.subscriber (subscriber_key, source_id, batch_id, arrived_at, plan) "
        "SELECT %s, 1, 1, now(), plan FROM cem.subscriber WHERE subscriber_key = %s",
        [holders[1], holders[0]],
    )
    with connect(database, role="cem_care", autocommit=True) as asked:
        profile = care.profile(asked, holders[1])
    assert profile is not None
    assert profile["plan"] == "small"


def test_naming_a_customer_names_what_is_theirs_now(database: str, vault: Vault, holders: tuple[int, int]) -> None:
    with connect(database, role="cem_care", autocommit=True) as asked:
        asked.execute("SELECT set_config('cem.actor', 'wang', false)")
        named = [
            {int(token) for token, _ in row[0]}
            for key in holders
            if (row := asked.execute("SELECT act.reveal_customer(%s, 'call back')", [key]).fetchone())
        ]
    old, number, new = map(int, vault.tokens(NAMES))
    assert named == [{old}, {number, new}]


def test_explaining_a_customer_keeps_to_their_time(database: str, holders: tuple[int, int]) -> None:
    with connect(database, role="cem_explain", autocommit=True) as asked:
        for key, theirs in zip(holders, (["old"], ["first", "new"]), strict=True):
            told = explaining.sessions(asked, key, *DAY, None, 10)
            assert [row["session_id"] for row in told] == theirs
            assert np.sort(read_customer_sessions(asked, key, *DAY)["start_time"]).size == len(theirs)


def test_a_survey_counts_in_the_plan_of_who_answered(connection: Connection, holders: tuple[int, int]) -> None:
    monday = datetime(2026, 3, 2, tzinfo=UTC)
    surveys.sum_up(connection, monday, "UTC")
    weeks = connection.execute(
        "SELECT api.label(value), answers FROM cem.survey_week WHERE attribute = 'plan' ORDER BY 1"
    ).fetchall()
    assert weeks == [("big", 1), ("small", 1), (None, 1)]


def test_erasing_the_old_holder_leaves_the_number_to_the_new_one(
    connection: Connection, vault: Vault, holders: tuple[int, int]
) -> None:
    """What the old holder wrote under the number goes, and nothing of the new holder's."""
    erased = erase(vault, NAMES[0], actor="li", reason="request")
    assert erased.identifiers == 1
    assert [vault.find(name) is None for name in NAMES] == [True, False, False]
    texts = connection.execute("SELECT survey_id, text FROM cem.survey ORDER BY time").fetchall()
    assert texts == [("old", None), ("first", "first"), ("new", "new")]
    assert connection.execute("SELECT api.label(plan) FROM cem.subscriber").fetchall() == [("big",)]


def test_erasing_the_new_holder_erases_the_number(
    connection: Connection, vault: Vault, holders: tuple[int, int]
) -> None:
    assert erase(vault, NAMES[1], actor="li", reason="request").identifiers == 2
    assert [vault.find(name) is None for name in NAMES] == [False, True, True]
    assert connection.execute("SELECT api.label(plan) FROM cem.subscriber").fetchall() == [("small",)]
