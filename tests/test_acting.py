"""What people do from the screens: by role, under a name, with a reason, and always in the audit."""

from collections.abc import Callable

import psycopg
import pytest

from store.connection import Connection, connect

END_ROLES = ("cem_operations", "cem_analyst", "cem_care", "cem_admin")
LOOK = "SELECT act.look_at_customer(7, 'page', %s)"


@pytest.fixture
def as_role(database: str) -> Callable[..., Connection]:
    """A function that connects as a role, on behalf of somebody."""

    def connected(role: str, actor: str = "") -> Connection:
        opened = connect(database, role=role, autocommit=True)
        opened.execute("SELECT set_config('cem.actor', %s, false)", [actor])
        return opened

    return connected


def test_a_look_at_a_customer_says_who_why_and_in_which_role(
    as_role: Callable[..., Connection], connection: Connection
) -> None:
    with as_role("cem_care", "wang") as care:
        care.execute(LOOK, ["rang us at noon"])
    rows = connection.execute("SELECT actor, action, subject_token, reason, detail FROM cem.audit").fetchall()
    assert rows == [("wang", "look at a customer", 7, "rang us at noon", {"what": "page", "role": "cem_care"})]


def test_a_look_at_a_list_says_which_and_how_long(as_role: Callable[..., Connection], connection: Connection) -> None:
    look = "SELECT act.look_at_list('complaints', 12, %s)"
    with as_role("cem_care", "wang") as care:
        care.execute(look, ["my shift"])
    rows = connection.execute("SELECT actor, action, subject_token, reason, detail FROM cem.audit").fetchall()
    detail = {"what": "complaints", "shown": 12, "role": "cem_care"}
    assert rows == [("wang", "look at a list of persons", None, "my shift", detail)]
    with as_role("cem_analyst", "li") as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
        other.execute(look, ["curious"])


@pytest.mark.parametrize(("actor", "reason"), [("", "why"), ("  ", "why"), ("wang", ""), ("wang", None)])
def test_nobody_acts_without_a_name_and_a_reason(
    as_role: Callable[..., Connection], connection: Connection, actor: str, reason: str | None
) -> None:
    refusals = (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)
    with as_role("cem_care", actor) as care, pytest.raises(refusals):
        care.execute(LOOK, [reason])
    assert connection.execute("SELECT count(*) FROM cem.audit").fetchone() == (0,)


@pytest.mark.parametrize("role", ["cem_operations", "cem_analyst"])
def test_who_works_with_groups_opens_no_customer(as_role: Callable[..., Connection], role: str) -> None:
    with as_role(role, "li") as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
        other.execute(LOOK, ["curious"])


def test_every_act_keeps_to_the_pattern(connection: Connection) -> None:
    """Functions of `act` run as their owner with a search_path of their own, and PUBLIC may execute none."""
    rows = connection.execute(
        "SELECT p.oid::regprocedure::text, prosecdef, coalesce(array_to_string(proconfig, ','), ''), "
        "       EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0) "
        "FROM pg_proc p WHERE pronamespace = 'act'::regnamespace"
    ).fetchall()
    assert rows
    for name, definer, config, public in rows:
        assert definer, f"{name} is no SECURITY DEFINER function"
        assert "search_path=" in config, f"{name} has no search_path of its own"
        assert not public, f"{name} may be executed by PUBLIC"


def test_readings_of_the_screens_cannot_write(database: str) -> None:
    from store.connection import pool

    with pool(database, role="cem_care", read_only=True) as opened, opened.connection() as connection:
        connection.execute("SELECT set_config('cem.actor', 'wang', false)")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute(LOOK, ["why"])
