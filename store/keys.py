"""The vault's two keys: one that finds identifiers, one that seals them; files of mode 0600 outside the database."""

import base64
import hmac
import json
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from records.errors import ConfigError, DataError

LOOKUP_FILE = "lookup.key"
SEALING_FILE = "sealing.key"
LOOKUP_BYTES = 16  # of the 32 of HMAC-SHA-256: by chance two of 10**9 identifiers meet once in 10**20 vaults
_KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D, 5.2.1.1
_PURPOSES = {LOOKUP_FILE: "lookup", SEALING_FILE: "sealing"}


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Two 256-bit keys with their number; neither prints."""

    key_id: int
    lookup_key: bytes = field(repr=False)
    sealing_key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cipher", AESGCM(self.sealing_key))

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read the keys; raises `ConfigError` when one is missing, damaged, or open to others."""
        _check_directory(directory)
        key_id, lookup_key = _read(directory / LOOKUP_FILE)
        other_id, sealing_key = _read(directory / SEALING_FILE)
        if key_id != other_id:
            raise ConfigError(f"The keys in {directory} do not belong together ({key_id} and {other_id}).")
        return cls(key_id=key_id, lookup_key=lookup_key, sealing_key=sealing_key)

    @classmethod
    def create(cls, directory: Path, *, key_id: int = 1) -> Self:
        """Make new keys in `directory`; raises `ConfigError` rather than replace existing ones."""
        present = [name for name in _PURPOSES if (directory / name).exists()]
        if present:
            raise ConfigError(f"{directory} already holds {' and '.join(present)}: a vault's keys are never replaced.")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_directory(directory)
        for name in _PURPOSES:
            _write(directory / name, key_id, secrets.token_bytes(_KEY_BYTES))
        return cls.load(directory)

    @property
    def check(self) -> bytes:
        """What the vault remembers of the keys so that others are refused; tells nothing about them."""
        text = b"cemaphore key check"
        return self.lookup(text.decode()) + hmac.digest(self.sealing_key, text, "sha256")[:LOOKUP_BYTES]

    def lookup(self, identifier: str) -> bytes:
        """Return the 16 bytes by which the vault finds a normalised identifier."""
        return hmac.digest(self.lookup_key, identifier.encode(), "sha256")[:LOOKUP_BYTES]

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Return nonce and ciphertext (AES-256-GCM); it opens with the same `context` only."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plain, context)

    def unseal(self, sealed: bytes, context: bytes) -> bytes:
        """Open what `seal` made; raises `DataError` when it was altered or sealed with another key or context."""
        try:
            return self._aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise DataError("sealed bytes do not open: altered, or sealed with another key", code="sealed") from None

    @property
    def _aead(self) -> AESGCM:
        cipher: AESGCM = self.__dict__["_cipher"]
        return cipher


def keys_present(directory: Path) -> bool:
    """Whether `directory` holds a vault's keys, whole or in part."""
    return any((directory / name).exists() for name in _PURPOSES)


def _check_directory(directory: Path) -> None:
    try:
        mode = stat.S_IMODE(directory.stat().st_mode)
    except FileNotFoundError:
        raise ConfigError(
            f"The vault's keys are missing: there is no {directory}. Restore it, or set keys_dir."
        ) from None
    if mode & 0o077:
        raise ConfigError(f"{directory} is open to others (mode {mode:04o}): `chmod 700 {directory}`.")


def _read(file: Path) -> tuple[int, bytes]:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o177:
            raise ConfigError(f"{file} is open to others (mode {mode:04o}): `chmod 600 {file}`.")
        content = json.loads(file.read_text(encoding="ascii"))
        key = base64.b64decode(content["key"], validate=True)
        if content["purpose"] != _PURPOSES[file.name] or len(key) != _KEY_BYTES:
            raise ValueError
        return int(content["key_id"]), key
    except FileNotFoundError:
        raise ConfigError(f"The vault's key {file} is missing: restore it from its backup.") from None
    except OSError as error:
        raise ConfigError(f"The vault's key {file} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"The vault's key {file} is damaged: restore it from its backup.") from None


def _write(file: Path, key_id: int, key: bytes) -> None:
    """Exclusively, with its mode from the first byte on, and on the disk before anything is sealed with it."""
    content = {"key_id": key_id, "purpose": _PURPOSES[file.name], "key": base64.b64encode(key).decode()}
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        json.dump(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
