"""What complaints may be about: classes with names, key words and examples, which an operator may edit (TOML)."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from records.errors import ConfigError

OTHER = "other"
NO_EXPERIENCE = "none"
DIMENSIONS = ("network", "device", "app", "service", NO_EXPERIENCE)
LEAST_EXAMPLES = 3  # of a class: with fewer, nothing can be learned and tried out (own)


@dataclass(frozen=True, kw_only=True)
class TopicClass:
    """One class: the dimension of experience that it speaks of, its names by language, key words and examples."""

    name: str
    dimension: str
    names: Mapping[str, str]
    keywords: tuple[str, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Taxonomy:
    """All classes in the order of the file, and patterns of clauses that say what is not wrong; `text` is the file."""

    classes: tuple[TopicClass, ...]
    fine: tuple[re.Pattern[str], ...]
    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """The classes' names."""
        return tuple(each.name for each in self.classes)

    @property
    def dimensions(self) -> dict[str, str]:
        """Dimension of each class."""
        return {each.name: each.dimension for each in self.classes}


def parse(text: str, file: str = "taxonomy.toml") -> Taxonomy:
    """Read a taxonomy; raises `ConfigError` that names the file, the class and what would be right."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}") from None
    fine = table.pop("fine", {}).get("patterns", [])
    classes = tuple(_class(name, entry, file) for name, entry in table.items())
    if OTHER not in table or len(classes) < 2:
        raise ConfigError(f"{file} needs the class {OTHER} and at least one more")
    return Taxonomy(classes=classes, fine=tuple(_pattern(each, file) for each in fine), text=text)


def _class(name: str, entry: Any, file: str) -> TopicClass:
    if not isinstance(entry, dict):
        raise ConfigError(f"{file}: {name} must be a table with dimension, name, keywords and examples, is {entry!r}")
    unknown = sorted(set(entry) - {"dimension", "name", "keywords", "examples"})
    if unknown:
        raise ConfigError(f"{file}: class {name} has unknown entries {', '.join(unknown)}")
    if entry.get("dimension") not in DIMENSIONS:
        raise ConfigError(
            f"{file}: dimension of class {name} must be one of {', '.join(DIMENSIONS)}, is {entry.get('dimension')!r}"
        )
    examples = _words(entry.get("examples"), f"{file}: examples of class {name}")
    if len(examples) < LEAST_EXAMPLES:
        raise ConfigError(f"{file}: class {name} needs {LEAST_EXAMPLES} examples or more, has {len(examples)}")
    return TopicClass(
        name=name,
        dimension=entry["dimension"],
        names=dict(entry.get("name", {})),
        keywords=tuple(word.casefold() for word in _words(entry.get("keywords", []), f"{file}: keywords of {name}")),
        examples=examples,
    )


def _words(value: Any, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
        raise ConfigError(f"{what} must be a list of phrases, is {value!r}")
    return tuple(value)


def _pattern(text: Any, file: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, TypeError) as error:
        raise ConfigError(f"{file}: {text!r} in fine.patterns is no regular expression: {error}") from None
