"""Who is told of alerts, as data: `receivers.toml`, a table `[[receiver]]` for each, its secrets by reference."""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from alerts.facts import Facts
from alerts.outbound import checked
from alerts.rules import SEVERITIES
from alerts.toml_tables import Table, tables
from records.errors import ConfigError

ALERTMANAGER = "alertmanager"
LANGUAGES = ("en", "zh")
STATES = ("firing", "acknowledged", "resolved")
PEOPLE = "apprise"  # the kind whose messages people read
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_KEYS = (
    *("name", "kind", "language", "severities", "states", "match", "ca_file", "headers", "header_files"),
    *("address", "address_env", "address_file", "secret_env", "secret_file"),
)
_ATTRIBUTES = ("rule", "kind", "subject", "measure", "domain", "owner", "horizon")


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A value that is named and never printed: as it is written, from a variable, or from a file."""

    value: str | None = field(default=None, repr=False)
    variable: str | None = None
    file: Path | None = None

    def read(self) -> str:
        """Return the value; raises `ConfigError` that names the variable or file."""
        if self.value is not None:
            return self.value
        if self.variable is not None:
            if self.variable not in os.environ:
                raise ConfigError(f"the environment has no {self.variable}")
            return os.environ[self.variable].strip()
        try:
            return Path(self.file or "").read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{self.file} cannot be read: {error.strerror}") from None


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """One receiver; an empty `severities` or `match` lets every alert through."""

    name: str
    kind: str
    address: Secret
    language: str = "en"
    severities: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset(STATES)
    match: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    secret: Secret | None = None
    headers: Mapping[str, Secret] = field(default_factory=dict)
    ca_file: Path | None = None
    host_allowed: bool = False  # where the operator's own settings name the address

    def wants(self, facts: Facts) -> bool:
        """Whether it is told of this alert."""
        if self.severities and facts.severity not in self.severities:
            return False
        return all(_matches(facts, name, patterns) for name, patterns in self.match.items())


def _matches(facts: Facts, name: str, patterns: Collection[str]) -> bool:
    """Whether a field of the alert, a label of its rule, or anything that it is about fits one of the patterns."""
    own = getattr(facts, name) if name in _ATTRIBUTES else facts.labels.get(name)
    attribute, _, value = facts.subject.partition("=")
    subject = (value,) if attribute == name else ()
    found = [str(each) for each in (own, *facts.about.get(name, ()), *subject) if each]
    return any(fnmatchcase(each, pattern) for each in found for pattern in patterns)


def parse_receivers(text: str, *, file: str, home: Path, kinds: Collection[str]) -> tuple[Receiver, ...]:
    """Read receivers; raises `ConfigError` with the line and what would be right. Files lie under `home`."""
    found = tables(text, file=file, known=frozenset({"receiver"}))["receiver"]
    receivers: dict[str, Receiver] = {}
    for table in found:
        receiver = _receiver(table, home, kinds)
        if receiver.name in receivers:
            table.wrong(f"there is a receiver {receiver.name} already; names must differ", "name")
        receivers[receiver.name] = receiver
    return tuple(receivers.values())


def _receiver(table: Table, home: Path, kinds: Collection[str]) -> Receiver:
    for key in table.values:
        if key not in _KEYS:
            table.wrong(f"{key} is no field of a receiver; there are {', '.join(sorted(_KEYS))}", key)
    kind = _one(table, "kind", sorted(kinds))
    address = _secret(table, "address", home, plain=True)
    if address is None:
        table.wrong("a receiver needs address, address_env or address_file", "name")
    if address.value is not None and kind != PEOPLE:
        _check_url(table, address.value)
    return Receiver(
        name=_name(table),
        kind=kind,
        address=address,
        language=_one(table, "language", LANGUAGES, "en"),
        severities=frozenset(_some(table, "severities", SEVERITIES)),
        states=frozenset(_some(table, "states", STATES) or (("firing", "resolved") if kind == PEOPLE else STATES)),
        match=_match(table),
        secret=_secret(table, "secret", home, plain=False),
        headers=_headers(table, home),
        ca_file=home / _text(table, "ca_file") if "ca_file" in table.values else None,
    )


def _check_url(table: Table, url: str) -> None:
    try:
        checked(url)
    except ConfigError as error:
        table.wrong(str(error), "address")


def _name(table: Table) -> str:
    name = _text(table, "name")
    if not _NAME.fullmatch(name):
        table.wrong(f"name {name!r} must be of a-z, 0-9, _ and -, 63 at most, such as oncall-mail", "name")
    return name


def _text(table: Table, key: str) -> str:
    value = table.values.get(key)
    if not isinstance(value, str) or not value:
        table.wrong(f"a receiver needs {key}, a text" if value is None else f"{key} must be a text", key)
    return value


def _one(table: Table, key: str, allowed: Collection[str], default: str | None = None) -> str:
    if default is not None and key not in table.values:
        return default
    value = _text(table, key)
    if value not in allowed:
        table.wrong(f"{key} {value!r} must be one of {', '.join(allowed)}", key)
    return value


def _some(table: Table, key: str, allowed: Collection[str]) -> tuple[str, ...]:
    values = _texts(table, key, table.values.get(key, []))
    for value in values:
        if value not in allowed:
            table.wrong(f"{key}: {value!r} must be one of {', '.join(allowed)}", key)
    return values


def _texts(table: Table, key: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        table.wrong(f'{key} must be a list of texts, such as ["..."]', key)
    return tuple(given)


def _match(table: Table) -> dict[str, tuple[str, ...]]:
    given = table.values.get("match", {})
    if not isinstance(given, dict):
        table.wrong('match must be a table, such as match = { region = ["west*"] }', "match")
    return {name: _texts(table, f"match.{name}", patterns) for name, patterns in given.items()}


def _secret(table: Table, key: str, home: Path, *, plain: bool) -> Secret | None:
    """Read KEY, KEY_env or KEY_file, of which there may be one."""
    given = [name for name in (key, f"{key}_env", f"{key}_file") if name in table.values]
    if len(given) > 1:
        table.wrong(f"{' and '.join(given)} say the same thing twice; give one of them", given[1])
    if not given or (given == [key] and not plain):
        return None
    text = _text(table, given[0])
    if given[0] == key:
        return Secret(value=text)
    return Secret(variable=text) if given[0].endswith("_env") else Secret(file=home / Path(text).expanduser())


def _headers(table: Table, home: Path) -> dict[str, Secret]:
    headers: dict[str, Secret] = {}
    for key in ("headers", "header_files"):
        given = table.values.get(key, {})
        if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
            table.wrong(f'{key} must be a table of texts, such as {key} = {{ Authorization = "..." }}', key)
        for name, value in given.items():
            headers[name] = Secret(value=value) if key == "headers" else Secret(file=home / Path(value).expanduser())
    return headers
