"""Who may send: HTTP basic authentication (RFC 7617) against a file of names and scrypt hashes.

A line of the file is `name:scrypt$SALT$HASH` (base64), as `cem listen password NAME` prints it. What was verified once
is remembered as a keyed digest, so that the hash is computed once for each client and not for each request.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections import OrderedDict
from pathlib import Path

from records.errors import ConfigError

# OWASP Password Storage Cheat Sheet: scrypt with N=2^17, r=8, p=1 (128 MiB) or N=2^14, r=8, p=5 (16 MiB).
_COST, _BLOCK, _PARALLEL = 1 << 14, 8, 5
_HASH_BYTES = 32
_REMEMBERED = 256


class Credentials:
    """The names that may send, and the hashes of their passwords."""

    def __init__(self, hashes: dict[str, tuple[bytes, bytes]]) -> None:
        self._hashes = hashes
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, str] = OrderedDict()

    @classmethod
    def load(cls, file: Path) -> "Credentials":
        """Read the file; raises `ConfigError` when it is missing, empty, open to others or damaged."""
        try:
            if file.stat().st_mode & 0o077:
                raise ConfigError(f"{file} is open to others: `chmod 600 {file}`.")
            lines = file.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise ConfigError(f"The file of users {file} cannot be read: {error.strerror}.") from None
        hashes = {}
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.startswith("#"):
                name, salt, digest = _parsed(line, f"{file}, line {number}")
                hashes[name] = (salt, digest)
        if not hashes:
            raise ConfigError(f"{file} names no user: add a line that `cem listen password NAME` prints.")
        return cls(hashes)

    def recall(self, header: str | None) -> str | None:
        """The name behind an Authorization header that was verified before."""
        return self._known.get(self._digest(header)) if header else None

    def verify(self, header: str | None) -> str | None:
        """The name behind an Authorization header, or None; takes some tens of milliseconds."""
        name, password = _basic(header)
        salt, expected = self._hashes.get(name, (b"no such name", b""))
        right = hmac.compare_digest(_scrypt(password, salt), expected)
        if not right or header is None:
            return None
        self._known[self._digest(header)] = name
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return name

    def _digest(self, header: str) -> bytes:
        return hmac.digest(self._key, header.encode(), "sha256")


def line_for(name: str, password: str) -> str:
    """A line for the file of users; raises `ConfigError` for a name that basic authentication cannot carry."""
    if not name or ":" in name or any(ord(letter) < 32 for letter in name):
        raise ConfigError("A name must be given, without colons and control characters (RFC 7617).")
    salt = os.urandom(16)
    digest = _scrypt(password.encode(), salt)
    return f"{name}:scrypt${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _parsed(line: str, where: str) -> tuple[str, bytes, bytes]:
    name, _, rest = line.strip().partition(":")
    parts = rest.split("$")
    try:
        if len(parts) != 3 or parts[0] != "scrypt":
            raise ValueError
        return name, base64.b64decode(parts[1], validate=True), base64.b64decode(parts[2], validate=True)
    except ValueError:
        raise ConfigError(f"{where} is not `name:scrypt$...`, as `cem listen password NAME` prints it.") from None


def _basic(header: str | None) -> tuple[str, bytes]:
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return "", b""
    try:
        name, _, password = base64.b64decode(token.strip(), validate=True).partition(b":")
        return name.decode(), password
    except (binascii.Error, ValueError):
        return "", b""


def _scrypt(password: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, dklen=_HASH_BYTES, maxmem=64 << 20)
