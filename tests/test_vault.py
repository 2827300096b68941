"""Persons are found by a keyed hash, sealed, revealed only with a trace, and erased for good."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psycopg
import pytest

from records.errors import ConfigError, DataError
from store import audit
from store.connection import Connection
from store.keys import LOOKUP_FILE, SEALING_FILE, Keys
from store.vault import Vault, open_keys

IMSI = "imsi:460001234567890"


def test_keys_are_private_files_that_do_not_print(tmp_path: Path) -> None:
    keys = Keys.create(tmp_path / "keys")
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    for name in (LOOKUP_FILE, SEALING_FILE):
        assert (tmp_path / "keys" / name).stat().st_mode & 0o777 == 0o600
    assert Keys.load(tmp_path / "keys") == keys
    assert keys.lookup_key.hex() not in repr(keys)
    assert str(keys.lookup_key) not in repr(keys)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / LOOKUP_FILE).chmod(0o640), r"open to others .* `chmod 600"),
        (lambda folder: folder.chmod(0o755), r"open to others .* `chmod 700"),
        (lambda folder: (folder / SEALING_FILE).unlink(), "missing"),
        (lambda folder: (folder / SEALING_FILE).write_text("{}"), "damaged"),
        (lambda folder: os.replace(folder / SEALING_FILE, folder / LOOKUP_FILE), "damaged"),
    ],
)
def test_unfit_keys_are_refused(tmp_path: Path, spoil: Callable[[Path], object], message: str) -> None:
    Keys.create(tmp_path / "keys")
    spoil(tmp_path / "keys")
    with pytest.raises(ConfigError, match=message):
        Keys.load(tmp_path / "keys")


def test_keys_are_never_replaced(tmp_path: Path) -> None:
    Keys.create(tmp_path / "keys")
    with pytest.raises(ConfigError, match="never replaced"):
        Keys.create(tmp_path / "keys")


def test_keys_are_made_for_an_empty_vault_only(connection: Connection, tmp_path: Path) -> None:
    keys = open_keys(connection, tmp_path / "keys")
    Vault(connection, keys).tokens([IMSI])
    assert open_keys(connection, tmp_path / "keys") == keys
    with pytest.raises(ConfigError, match="restore them from their backup"):
        open_keys(connection, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_other_keys_than_those_of_the_vault_are_refused(vault: Vault, connection: Connection, tmp_path: Path) -> None:
    vault.tokens([IMSI])
    with pytest.raises(ConfigError, match="other keys"):
        Vault(connection, Keys.create(tmp_path / "keys"))


def test_what_was_sealed_for_one_place_does_not_open_in_another(keys: Keys) -> None:
    sealed = keys.seal(b"secret", b"here")
    assert keys.unseal(sealed, b"here") == b"secret"
    for wrong, context in ((sealed, b"there"), (sealed[:-1] + b"\0", b"here"), (b"", b"here")):
        with pytest.raises(DataError, match="do not open"):
            keys.unseal(wrong, context)


def test_an_identifier_keeps_its_token_in_every_process(opened: Callable[[], Connection], keys: Keys) -> None:
    names = [f"imsi:46000{number:010d}" for number in range(3000)]
    first = Vault(opened(), keys).tokens(names)
    assert first.dtype == np.int64
    assert (first > 0).all()
    assert len(np.unique(first)) == len(names)
    again = Vault(opened(), keys)
    np.testing.assert_array_equal(again.tokens(names[::-1]), first[::-1])
    mixed = again.tokens([names[5], "account:new", names[7]])
    assert mixed[[0, 2]].tolist() == first[[5, 7]].tolist()
    assert again.find(names[9]) == first[9]
    assert again.find("imsi:unknown") is None


def test_two_processes_adding_the_same_identifiers_agree(opened: Callable[[], Connection], keys: Keys) -> None:
    one, other, names = Vault(opened(), keys), Vault(opened(), keys), [f"account:{number}" for number in range(100)]
    other.tokens(names[::2])
    one._cache.clear()
    np.testing.assert_array_equal(one.tokens(names), other.tokens(names))


def test_tokens_tell_nothing_of_the_order(vault: Vault) -> None:
    tokens = vault.tokens([f"account:{number}" for number in range(500)])
    assert abs(np.corrcoef(np.arange(500), tokens.astype(float))[0, 1]) < 0.2


def test_nothing_in_the_database_shows_an_identifier(vault: Vault, connection: Connection) -> None:
    vault.tokens([IMSI])
    rows = connection.execute("SELECT subject::text, encode(sealed, 'escape') FROM vault.subject").fetchall()
    assert not re.search("460001234567890|3436303030", json.dumps(rows, default=str))


def test_revealing_is_written_down_first(vault: Vault, connection: Connection) -> None:
    token = int(vault.tokens([IMSI])[0])
    assert vault.reveal(token, "li", "ticket 7") == IMSI
    entry = connection.execute("SELECT actor, action, subject_token, reason FROM cem.audit").fetchall()
    assert entry == [("li", "reveal", token, "ticket 7")]
    with pytest.raises(ConfigError, match="an actor and a reason"):
        vault.reveal(token, "li", "  ")
    with pytest.raises(DataError, match="no identifier behind"):
        vault.reveal(token + 1, "li", "ticket 8")


def test_an_erased_person_is_refused_and_not_found(opened: Callable[[], Connection], keys: Keys) -> None:
    vault, reader = Vault(opened(), keys), Vault(opened(), keys)
    token = int(reader.tokens([IMSI, "account:1"])[0])
    assert vault.erase(IMSI, "li", "request of 1 March") == token
    assert vault.find(IMSI) is None
    assert reader.tokens([IMSI, "account:1"])[0] == 0
    with pytest.raises(DataError, match="no identifier behind"):
        vault.reveal(token, "li", "why not")
    assert vault.erase(IMSI, "li", "again") is None


def test_a_person_can_be_erased_before_being_known(vault: Vault) -> None:
    assert vault.erase(IMSI, "li", "request") is None
    assert vault.tokens([IMSI]).tolist() == [0]


def test_the_audit_trail_cannot_be_changed_unseen(connection: Connection) -> None:
    for number in range(4):
        assert audit.record(connection, "li", "look", number, "because", {"n": number}) == number + 1
    assert audit.broken_at(connection) is None
    for statement in (
        "UPDATE cem.audit SET actor = 'wang'",
        "DELETE FROM cem.audit",
        "TRUNCATE cem.audit",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            connection.execute(statement)
    connection.execute("ALTER TABLE cem.audit DISABLE TRIGGER ALL")
    connection.execute("UPDATE cem.audit SET actor = 'wang' WHERE audit_id = 3")
    assert audit.broken_at(connection) == 3
    connection.execute("UPDATE cem.audit SET actor = 'li' WHERE audit_id = 3")
    assert audit.broken_at(connection) is None
    connection.execute("DELETE FROM cem.audit WHERE audit_id = 2")
    assert audit.broken_at(connection) == 3
