"""One customer found by their number, and named again: a keyed hash leaves this program, sealed bytes come back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from records.errors import ConfigError
from records.identifiers import normalise
from store.keys import Keys
from store.vault import unsealed

Act = Callable[..., Any]  # a function of schema `act` by name, and its arguments


def find(act: Act, keys_dir: Path, typed: str, reason: str, *, kind: str | None, country: str) -> int | None:
    """Return the customer whose number that is, None where nobody has it; the audit has who asked and why.

    Raises `ConfigError` for what has the form of no identifier, or without the vault's keys; it names no number.
    """
    normalised = normalise(typed, kind, country)
    if normalised is None:
        raise ConfigError("what was typed has not the form of an IMSI, a telephone number or an account")
    lookup = Keys.load(keys_dir).lookup(normalised)
    found = act("find_customer", lookup.hex(), reason)
    return None if found is None else int(found)


def reveal(act: Act, keys_dir: Path, customer_key: int, reason: str) -> list[str]:
    """Return the identifiers of a customer, such as "msisdn:8613800000000"; the audit has who asked and why."""
    keys = Keys.load(keys_dir)
    sealed = act("reveal_customer", customer_key, reason)
    return [unsealed(keys, int(token), bytes.fromhex(text)) for token, text in sealed]
