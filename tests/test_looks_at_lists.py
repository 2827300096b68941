"""Who opens a list whose rows are persons' is in the audit, once a stay; who sees no persons in it is not."""

from datetime import UTC, datetime
from typing import Any

import pytest

from store.connection import Connection
from tests.screen_app import Opened
from tests.test_cluster_page import saved

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = 4611686018427387904


@pytest.fixture
def filled(connection: Connection) -> Connection:
    """A cluster that hurt a customer, who complained of it, and another who suffers silently."""
    cluster = saved(connection, over_kind="sessions")
    connection.execute("INSERT INTO cem.source (name) VALUES ('crm')")
    connection.execute(
        "INSERT INTO cem.complaint (source_id, complaint_id, created_at, version_at, batch_id, arrived_at, "
        "subscriber_key, text) VALUES (1, 'k1', %(at)s, %(at)s, 1, %(at)s, %(key)s, 'it was slow')",
        {"at": NOON, "key": KEY},
    )
    connection.execute("INSERT INTO cem.complaint_link VALUES (1, 'k1', %s, 0.9, '[]')", [cluster])
    connection.execute(
        "INSERT INTO cem.cluster_user (cluster_id, customer_key, n, bad) VALUES (%s, %s, 9, 5)", [cluster, KEY]
    )
    connection.commit()
    return connection


def looks(connection: Connection) -> list[tuple[Any, ...]]:
    """What the audit has of lists: which, how many rows, in which role."""
    found = connection.execute(
        "SELECT detail->>'what', (detail->>'shown')::integer, detail->>'role' FROM cem.audit "
        "WHERE action = 'look at a list of persons' ORDER BY audit_id"
    ).fetchall()
    connection.commit()
    return found


PAGES = {
    "complaints": ({}, "complaints"),
    "clusters": ({"cluster": "surge-1"}, "complaints of cluster surge-1"),
    "customer": ({}, "customers hurt by clusters"),
}


@pytest.mark.parametrize("view", PAGES)
def test_a_list_of_persons_is_a_look_once_a_stay(screen: Opened, filled: Connection, view: str) -> None:
    asked, what = PAGES[view]
    app = screen(view, "care", lang="en", **asked)
    assert not app.exception
    assert looks(filled) == [(what, 1, "cem_care")]
    app.run()
    assert len(looks(filled)) == 1


@pytest.mark.parametrize("view", ["complaints", "clusters"])
def test_who_sees_no_persons_leaves_no_look(screen: Opened, filled: Connection, view: str) -> None:
    app = screen(view, "operations", lang="en", **PAGES[view][0])
    assert not app.exception
    assert looks(filled) == []


def test_one_complaint_is_a_look_at_its_customer(screen: Opened, filled: Connection) -> None:
    app = screen("complaints", "care", lang="en", complaint="k1", source="crm")
    assert not app.exception
    found = filled.execute("SELECT subject_token, detail->>'what' FROM cem.audit").fetchall()
    assert found == [(KEY, "complaint")]
