"""The identifier vault: from a normalised identifier to its random token, and, audited, back."""

import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from struct import pack

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from records.errors import ConfigError, DataError
from store import audit
from store.connection import Connection
from store.copying import copy_in
from store.keys import LOOKUP_BYTES, Keys, keys_present

ERASED = 0  # the "token" of an erased person: rows of it are refused
_CHUNK = 1 << 16
_CACHED = 1 << 18
_UUID_OID, _UUID_ARRAY_OID = 2950, 2951


class Lookups:
    """Many 16-byte lookups as one value, sent as a binary uuid array."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data) // LOOKUP_BYTES


class _LookupsDumper(Dumper):
    format = Format.BINARY
    oid = _UUID_ARRAY_OID

    def dump(self, obj: Lookups) -> Buffer:
        elements = np.empty(len(obj), [("length", ">i4"), ("value", f"V{LOOKUP_BYTES}")])
        elements["length"] = LOOKUP_BYTES
        elements["value"] = np.frombuffer(obj.data, f"V{LOOKUP_BYTES}")
        return pack(">iiiii", 1, 0, _UUID_OID, len(obj), 1) + elements.tobytes()


def open_keys(connection: Connection, directory: Path) -> Keys:
    """Load the vault's keys, or make them while the vault is empty.

    Raises `ConfigError` when they are missing although the vault has rows: they are never made anew then.
    """
    if keys_present(directory):
        return Keys.load(directory)
    row = connection.execute("SELECT EXISTS (SELECT FROM vault.subject) OR EXISTS (SELECT FROM vault.key)").fetchone()
    if row and row[0]:
        raise ConfigError(
            f"The vault holds identifiers and its keys are not in {directory}: restore them from their backup, "
            "or set CEMAPHORE_KEYS_DIR. Without them no identifier can be found or revealed."
        )
    return Keys.create(directory)


class Vault:
    """Tokens of identifiers; needs an autocommit connection of its own, on which each call commits at once."""

    def __init__(self, connection: Connection, keys: Keys) -> None:
        """Take the connection and check the keys; raises `ConfigError` when the vault was filled with others."""
        self.connection = connection
        self._keys = keys
        self._cache: dict[str, int] = {}
        self._epoch = -1
        connection.adapters.register_dumper(Lookups, _LookupsDumper)
        connection.execute(
            "INSERT INTO vault.key (key_id, key_check) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [keys.key_id, keys.check],
        )
        row = connection.execute("SELECT key_check FROM vault.key WHERE key_id = %s", [keys.key_id]).fetchone()
        if row is None or bytes(row[0]) != keys.check:
            raise ConfigError("The vault was filled with other keys than these: restore the right ones.")

    def tokens(self, identifiers: Sequence[str]) -> NDArray[np.int64]:
        """Return the token of each normalised identifier ("imsi:46000..."), in order; new ones are added.

        Give each distinct identifier once. 0 stands for an erased person, whose rows are to be refused.
        """
        self._forget_erased()
        found = list(map(self._cache.get, identifiers))
        missing = [index for index, token in enumerate(found) if token is None]
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            names = [identifiers[index] for index in chunk]
            tokens = self._find_or_add(names)
            for index, token in zip(chunk, tokens, strict=True):
                found[index] = token
            self._remember(names, tokens)
        return np.array(found, np.int64)

    def find(self, identifier: str) -> int | None:
        """Return the token of one identifier, or None when it is unknown or erased; adds nothing."""
        row = self.connection.execute(
            "SELECT token FROM vault.subject WHERE lookup = %s::uuid AND erased_at IS NULL",
            [self._keys.lookup(identifier).hex()],
        ).fetchone()
        return int(row[0]) if row else None

    def reveal(self, token: int, actor: str, reason: str) -> str:
        """Return the identifier behind a token, once the audit trail says who asked and why.

        Raises `DataError` for an unknown or erased token, `ConfigError` without actor and reason.
        """
        audit.record(self.connection, actor, "reveal", token, reason)
        row = self.connection.execute("SELECT sealed FROM vault.subject WHERE token = %s", [token]).fetchone()
        if row is None or row[0] is None:
            raise DataError(f"there is no identifier behind the token {token}", code="unknown_subject")
        return unsealed(self._keys, token, bytes(row[0]))

    def erase(self, identifier: str, actor: str, reason: str) -> int | None:
        """Put a tombstone in the place of an identifier; returns the token that it had, None if it had none.

        Nothing leads from the person to that token any more; `store.erasure.erase` does the rest.
        """
        lookup = self._keys.lookup(identifier).hex()
        with self.connection.transaction():
            row = self.connection.execute(
                "SELECT token FROM vault.subject WHERE lookup = %s::uuid AND erased_at IS NULL FOR UPDATE", [lookup]
            ).fetchone()
            self._entomb(lookup)
            audit.record(self.connection, actor, "erase", None, reason)
        return int(row[0]) if row else None

    def erase_token(self, token: int) -> None:
        """Put a tombstone in the place of whatever identifier a token stands for; the caller audits it."""
        row = self.connection.execute("SELECT lookup::text FROM vault.subject WHERE token = %s", [token]).fetchone()
        if row:
            self._entomb(row[0])

    def _entomb(self, lookup: str) -> None:
        fresh = int(_random_tokens(1)[0])
        self.connection.execute(
            "INSERT INTO vault.subject (token, lookup, key_id, erased_at) VALUES (%s, %s::uuid, %s, now()) "
            "ON CONFLICT (lookup) DO UPDATE SET token = excluded.token, sealed = NULL, erased_at = now() "
            "WHERE vault.subject.erased_at IS NULL",
            [fresh, lookup, self._keys.key_id],
        )
        self.connection.execute("UPDATE vault.erasure SET epoch = epoch + 1")

    def _forget_erased(self) -> None:
        row = self.connection.execute("SELECT epoch FROM vault.erasure").fetchone()
        epoch = int(row[0]) if row else 0
        if epoch != self._epoch:
            self._cache.clear()
            self._epoch = epoch

    def _remember(self, names: list[str], tokens: list[int]) -> None:
        """Keep memory flat: when the cache is full, the older half goes."""
        self._cache.update(zip(names, tokens, strict=True))
        if len(self._cache) > _CACHED:
            for name in list(islice(self._cache, len(self._cache) - _CACHED // 2)):
                del self._cache[name]

    def _find_or_add(self, names: list[str]) -> list[int]:
        lookups = [self._keys.lookup(name) for name in names]
        found = self._find(lookups)
        missing = [index for index, token in enumerate(found) if token is None]
        if missing:
            added = self._add([names[index] for index in missing], [lookups[index] for index in missing])
            for index, token in zip(missing, added, strict=True):
                found[index] = token
        return [ERASED if token is None else token for token in found]

    def _find(self, lookups: list[bytes]) -> list[int | None]:
        found: list[int | None] = [None] * len(lookups)
        cursor = self.connection.execute(
            "SELECT wanted.n::integer - 1, CASE WHEN subject.erased_at IS NULL THEN subject.token ELSE 0 END "
            "FROM unnest(%s) WITH ORDINALITY AS wanted (lookup, n) JOIN vault.subject USING (lookup)",
            [Lookups(b"".join(lookups))],
            prepare=False,
            binary=True,
        )
        for index, token in cursor:
            found[index] = token
        return found

    def _add(self, names: list[str], lookups: list[bytes]) -> list[int]:
        """In the order of the lookups, so that two processes adding the same ones cannot deadlock."""
        tokens = _random_tokens(len(names))
        sealed = [
            self._keys.seal(name.encode(), _context(token)) for name, token in zip(names, tokens.tolist(), strict=True)
        ]
        batch = pa.record_batch(
            {
                "token": pa.array(tokens),
                "lookup": pa.array(lookups, pa.binary(LOOKUP_BYTES)),
                "key_id": pa.array(np.full(len(names), self._keys.key_id, np.int16)),
                "sealed": pa.array(sealed, pa.binary()),
            }
        )
        with self.connection.transaction():
            self.connection.execute(
                "CREATE TEMPORARY TABLE IF NOT EXISTS new_subject "
                "(token bigint, lookup uuid, key_id smallint, sealed bytea) ON COMMIT DELETE ROWS"
            )
            copy_in(self.connection, "pg_temp.new_subject", batch)
            added = self.connection.execute(
                "INSERT INTO vault.subject (token, lookup, key_id, sealed) "
                "SELECT token, lookup, key_id, sealed FROM pg_temp.new_subject ORDER BY lookup "
                "ON CONFLICT (lookup) DO NOTHING"
            ).rowcount
        if added == len(names):
            return list(map(int, tokens))
        return [ERASED if token is None else token for token in self._find(lookups)]


def unsealed(keys: Keys, token: int, sealed: bytes) -> str:
    """Return the identifier that the vault holds sealed for a token."""
    return keys.unseal(sealed, _context(token)).decode()


def _random_tokens(count: int) -> NDArray[np.int64]:
    """Positive, from the system's own randomness: a token must tell nothing about its identifier."""
    return (np.frombuffer(os.urandom(8 * count), np.int64) & np.int64(2**63 - 1)) | np.int64(1)


def _context(token: int) -> bytes:
    return b"vault.subject" + token.to_bytes(8, "big")
