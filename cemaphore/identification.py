"""From a person's raw identifier to their pseudonym, looked up in the vault; every look is in the audit trail."""

import getpass
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cemaphore.settings import Settings
from records.errors import ConfigError
from records.identifiers import normalise
from store import audit, erasure, exports
from store.connection import Connection, connect
from store.vault import Vault, open_keys

AT_THE_SHELL = "asked for at the command line"


def customers_by_identifier(dsn: str, settings: Settings, file: Path, *, action: str) -> Mapping[int, list[str]]:
    """Return customer key to the raw identifiers of the file (one a line) that are theirs; unknown ones are left out.

    Raises ConfigError for a file that cannot be read or an identifier without the form of any kind.
    """
    raw = _lines(file)
    with _vault(dsn, settings) as vault:
        tokens: dict[int, str] = {}
        for number, identifier in enumerate(raw, start=1):
            token = vault.find(_normalised(identifier, settings, f"{file.name} line {number}"))
            if token is not None:
                tokens[token] = identifier
        audit.record(vault.connection, getpass.getuser(), action, None, AT_THE_SHELL, {"identifiers": len(raw)})
        return exports.customers(vault.connection, tokens)


def customer_of_file(dsn: str, settings: Settings, file: Path) -> int:
    """Return the customer of the one raw identifier that the file (or `-`, standard input) holds.

    Raises ConfigError when the file holds another number of identifiers, or nobody has that one.
    """
    found = _only_line(file)
    with _vault(dsn, settings) as vault:
        token = vault.find(_normalised(found, settings, str(file)))
        if token is None:
            raise ConfigError(f"{file}: nobody with this identifier is known.")
        return next(iter(exports.customers(vault.connection, {token: found})))


def erase_person(dsn: str, settings: Settings, file: Path, reason: str) -> erasure.Erasure:
    """Erase the person behind the one raw identifier of the file, known or not: later rows of theirs are refused.

    Raises ConfigError when the file holds another number of identifiers.
    """
    identifier = _normalised(_only_line(file), settings, str(file))
    with _vault(dsn, settings) as vault:
        return erasure.erase(vault, identifier, actor=getpass.getuser(), reason=reason)


def looked_at(connection: Connection, customer_key: int, *, action: str, reason: str = AT_THE_SHELL) -> None:
    """Write into the audit trail that somebody looked at one customer."""
    audit.record(connection, getpass.getuser(), action, customer_key, reason)


@contextmanager
def _vault(dsn: str, settings: Settings) -> Iterator[Vault]:
    with connect(dsn, autocommit=True) as connection:
        yield Vault(connection, open_keys(connection, settings.keys_dir))


def _lines(file: Path) -> list[str]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def _only_line(file: Path) -> str:
    found = _lines(file)
    if len(found) != 1:
        raise ConfigError(f"{file}: one identifier is expected, there are {len(found)}.")
    return found[0]


def _normalised(identifier: str, settings: Settings, place: str) -> str:
    found = normalise(identifier, settings.default_subscriber_kind, settings.country_code)
    if found is None:
        raise ConfigError(f"{place}: it has not the form of an IMSI, a telephone number or an account.")
    return found
