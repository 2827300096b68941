"""One customer found by number and named again: by role, with a reason, audited, and never in the clear."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from records.errors import ConfigError
from records.identifiers import normalise
from store import acting, audit_trail, finding
from store.connection import Connection, connect
from store.keys import Keys
from store.vault import Vault

NUMBER = "+86 138 0013 8000"


@pytest.fixture
def keys_dir(tmp_path: Path, keys: Keys, connection: Connection) -> tuple[Path, Vault]:
    """Where the vault's keys lie, and the vault that they were made for."""
    made = Keys.create(tmp_path / "vault")
    return tmp_path / "vault", Vault(connection, made)


@pytest.fixture
def act_as(database: str) -> Callable[[str], Callable[..., Any]]:
    """A function that acts as `wang` in a role, as the screens do."""

    def acts(role: str) -> Callable[..., Any]:
        def act(function: str, *arguments: object) -> Any:
            with connect(database, role=role, autocommit=True) as opened:
                return acting.call(opened, "wang", function, arguments)

        return act

    return acts


def found(act: Callable[..., Any], directory: Path, typed: str, reason: str = "ticket 4711") -> int | None:
    return finding.find(act, directory, typed, reason, kind=None, country="CN")


def test_a_customer_is_found_by_number_and_the_audit_knows(
    keys_dir: tuple[Path, Vault], act_as: Callable[[str], Callable[..., Any]], connection: Connection
) -> None:
    directory, vault = keys_dir
    (token,) = vault.tokens([normalise(NUMBER, None, "CN") or ""])
    connection.execute("INSERT INTO cem.customer_of (subscriber_key, customer_key) VALUES (%s, 77)", [int(token)])
    assert found(act_as("cem_care"), directory, NUMBER) == 77
    assert found(act_as("cem_care"), directory, "+86 139 9999 9999") is None
    trail = audit_trail.entries(connection, None, None, None, 10)
    assert trail["customer"].dropna().tolist() == ["77"]
    assert trail["action"].unique().tolist() == ["find a customer by number"]
    assert trail["reason"].tolist() == ["ticket 4711"] * 2
    assert [detail["found"] for detail in trail["detail"]] == [False, True]
    assert "13800138" not in str(connection.execute("SELECT jsonb_agg(to_jsonb(a)) FROM cem.audit a").fetchall())


def test_a_customer_is_named_again_once_the_audit_says_why(
    keys_dir: tuple[Path, Vault], act_as: Callable[[str], Callable[..., Any]], connection: Connection
) -> None:
    directory, vault = keys_dir
    name = normalise(NUMBER, None, "CN") or ""
    (token,) = map(int, vault.tokens([name]))
    assert finding.reveal(act_as("cem_care"), directory, token, "call back") == [name]
    vault.erase_token(token)
    assert finding.reveal(act_as("cem_care"), directory, token, "call back") == []
    assert audit_trail.entries(connection, "wang", "reveal", token, 10)["reason"].tolist() == ["call back"] * 2


@pytest.mark.parametrize("role", ["cem_operations", "cem_analyst", "cem_screens"])
def test_who_works_with_groups_finds_and_names_nobody(
    keys_dir: tuple[Path, Vault], act_as: Callable[[str], Callable[..., Any]], role: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        found(act_as(role), keys_dir[0], NUMBER)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        finding.reveal(act_as(role), keys_dir[0], 7, "curious")


def test_nobody_is_looked_up_without_a_reason(
    keys_dir: tuple[Path, Vault], act_as: Callable[[str], Callable[..., Any]], connection: Connection
) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        found(act_as("cem_care"), keys_dir[0], NUMBER, " ")
    assert audit_trail.entries(connection, None, None, None, 10).empty


def test_what_is_no_number_is_refused_without_being_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refusal:
        found(lambda *_: None, tmp_path, "drop table 12!")
    assert "12" not in str(refusal.value)


def test_an_altered_audit_is_seen_by_administrators_alone(database: str, connection: Connection) -> None:
    connection.execute("INSERT INTO cem.audit (actor, action, reason) VALUES ('a', 'b', 'c'), ('d', 'e', 'f')")
    with connect(database, role="cem_admin", autocommit=True) as admin:
        assert audit_trail.broken_at(admin) is None
        connection.execute("ALTER TABLE cem.audit DISABLE TRIGGER audit_refuse")
        connection.execute("UPDATE cem.audit SET reason = 'x' WHERE audit_id = 2")
        assert audit_trail.broken_at(admin) == 2
    with connect(database, role="cem_care", autocommit=True) as care:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            audit_trail.broken_at(care)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            audit_trail.entries(care, None, None, None, 1)


def test_the_explaining_role_reads_sessions_and_no_person(database: str) -> None:
    with connect(database, role="cem_explain", autocommit=True) as explainer:
        explainer.execute("SELECT count(*) FROM cem.session")
        explainer.execute("SELECT count(*) FROM cem.holiday")
        for table in ("vault.subject", "cem.complaint", "cem.audit", "cem.app_user", "cem.survey"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                explainer.execute(f"SELECT * FROM {table}")  # noqa: S608 - ours only
