"""Saved views: private ones are their owner's alone, and none that is shared names a person."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from store import acting, saved_views
from store.connection import Connection, connect

END_ROLES = ("cem_operations", "cem_analyst", "cem_care", "cem_admin")
Save = Callable[..., Any]


@pytest.fixture
def save(database: str) -> Save:
    """A function that saves a view as somebody in customer care."""

    def saves(who: str, name: str, *, shared: bool, **parameters: str) -> Any:
        with connect(database, role="cem_care", autocommit=True) as opened:
            return acting.call(opened, who, "save_view", [name, "customer", Jsonb(parameters), shared])

    return saves


def seen(database: str, role: str, who: str) -> list[str]:
    with connect(database, role=role, autocommit=True) as opened:
        return saved_views.of(opened, who)["name"].tolist()


def test_private_views_are_their_owners(database: str, save: Save) -> None:
    save("wang", "mine", shared=False, customer="7")
    save("wang", "ours", shared=True, day="2026-03-10")
    for role in END_ROLES:
        assert seen(database, role, "wang") == ["mine", "ours"]
        assert seen(database, role, "li") == ["ours"]
        assert seen(database, role, "") == ["ours"]


@pytest.mark.parametrize("role", END_ROLES)
def test_nobody_asks_for_somebody_elses(database: str, role: str) -> None:
    with connect(database, role=role, autocommit=True) as opened, pytest.raises(psycopg.errors.UndefinedFunction):
        opened.execute("SELECT * FROM api.saved_views('wang')")


@pytest.mark.parametrize("parameter", ["customer", "subject"])
def test_what_is_of_one_customer_is_not_shared(
    database: str, connection: Connection, save: Save, parameter: str
) -> None:
    with pytest.raises(psycopg.DataError):
        save("wang", "hers", shared=True, **{parameter: "7"})
    connection.execute(
        "INSERT INTO cem.saved_view (owner, name, screen, parameters, shared) "
        "VALUES ('wang', 'old', 'customer', %s, true)",
        [Jsonb({parameter: "7"})],
    )
    assert seen(database, "cem_operations", "li") == []
    assert seen(database, "cem_operations", "wang") == ["old"]
