"""What to do next in each domain, and which words of an alarm speak for it: data that an operator may edit."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qoe.clusters.domain import DOMAINS
from records.errors import ConfigError

_FIELDS = ("en", "zh", "alarm_words")


@dataclass(frozen=True, kw_only=True)
class Advice:
    """The next step in both languages; `alarm_words` in lower case."""

    en: str
    zh: str
    alarm_words: tuple[str, ...] = ()


def parse(text: str, file: str, known: Mapping[str, Advice] | None = None) -> dict[str, Advice]:
    """Read a TOML with a table for each domain; what it names replaces what is `known`.

    Raises `ConfigError` for an unknown domain or field, for a wrong value, and where a domain is left without a text.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error
    found = dict(known or {})
    for domain, table in raw.items():
        if domain not in DOMAINS or not isinstance(table, dict):
            raise ConfigError(f"{file}: {domain!r} is no domain; a table is one of {', '.join(DOMAINS)}")
        found[domain] = _advice(file, domain, table, found.get(domain))
    missing = [domain for domain in DOMAINS if domain not in found]
    if missing:
        raise ConfigError(f"{file} says nothing of {', '.join(missing)}")
    return found


def _advice(file: str, domain: str, table: Mapping[str, Any], known: Advice | None) -> Advice:
    for name, value in table.items():
        right = isinstance(value, list) and all(isinstance(word, str) for word in value)
        if name not in _FIELDS or not (right if name == "alarm_words" else isinstance(value, str) and value.strip()):
            raise ConfigError(f"{file}: {domain}.{name} is {value!r}; en and zh are texts, alarm_words a list of texts")
    texts = {name: table.get(name) or (getattr(known, name) if known else None) for name in ("en", "zh")}
    if not all(texts.values()):
        raise ConfigError(f"{file}: {domain} needs both en and zh")
    words = table.get("alarm_words", known.alarm_words if known else ())
    return Advice(en=str(texts["en"]), zh=str(texts["zh"]), alarm_words=tuple(word.lower() for word in words))


def domains_of_alarm(text: str, advice: Mapping[str, Advice]) -> tuple[str, ...]:
    """The domains whose words the alarm's text holds; a word of Latin letters counts where a word begins."""
    said = text.lower()
    return tuple(domain for domain, each in advice.items() if any(_holds(said, word) for word in each.alarm_words))


def _holds(text: str, word: str) -> bool:
    if not word.isascii():
        return word in text
    return re.search(rf"(?<![a-z0-9]){re.escape(word)}", text) is not None
