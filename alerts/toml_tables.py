"""Tables of a TOML file with the lines on which they and their keys stand, so that an error can name its line."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from records.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of an array `[[name]]`; `lines` has a line per key, of keys inside keys as `match.region`."""

    file: str
    line: int
    values: Mapping[str, Any]
    lines: dict[str, int] = field(default_factory=dict)

    def wrong(self, problem: str, key: str = "") -> NoReturn:
        """Raise `ConfigError` with file, line of the key (of the table, where it is not there) and problem."""
        parts = key.split(".")
        known = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
        line = next((self.lines[name] for name in known if name in self.lines), self.line)
        raise ConfigError(f"{self.file}:{line}: {problem}")


def tables(text: str, *, file: str, known: frozenset[str]) -> dict[str, tuple[Table, ...]]:
    """Return the arrays of tables of a file by name; raises `ConfigError` with a line for what is none of `known`."""
    try:
        whole = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: this is not valid TOML: {error}") from None
    found: dict[str, list[Table]] = {name: [] for name in known}
    current = Table(file=file, line=1, values={})
    prefix: tuple[str, ...] = ()
    for line, path, is_header in _statements(text):
        if not is_header:
            if not prefix:
                current = Table(file=file, line=line, values={})
                current.wrong(f"{path[0]} stands in no table; there are {_headers(known)}")
            _note(current, (*prefix[1:], *path), line)
            continue
        prefix = path
        rows = whole.get(path[0])
        if path[0] not in known or not isinstance(rows, list):
            Table(file=file, line=line, values={}).wrong(f"[{path[0]}] is none of {_headers(known)}")
        if len(path) > 1:
            _note(current, path[1:], line)
            continue
        current = Table(file=file, line=line, values=rows[len(found[path[0]])], lines={})
        found[path[0]].append(current)
    return {name: tuple(rows) for name, rows in found.items()}


def _note(table: Table, path: tuple[str, ...], line: int) -> None:
    for end in range(1, len(path) + 1):
        table.lines.setdefault(".".join(path[:end]), line)


def _headers(known: frozenset[str]) -> str:
    return ", ".join(f"[[{name}]]" for name in sorted(known))


def _statements(text: str) -> Iterator[tuple[int, tuple[str, ...], bool]]:
    """Yield line, path of keys and whether it is a header, of each statement; `text` is valid TOML as a whole."""
    lines = text.splitlines()
    start = 0
    while start < len(lines):
        end = start + 1
        while (parsed := _parsed(lines[start:end])) is None:
            end += 1
        if parsed:
            header = lines[start].lstrip().startswith("[")
            yield start + 1, _path(parsed, header), header
        start = end


def _parsed(lines: list[str]) -> dict[str, Any] | None:
    try:
        return tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError:
        return None


def _path(parsed: Mapping[str, Any], header: bool) -> tuple[str, ...]:
    """Follow a statement's only key inwards: to the end of a header, to the first value of `a.b = 1`."""
    path: list[str] = []
    inner: Any = parsed
    while isinstance(inner, dict) and len(inner) == 1:
        ((name, inner),) = inner.items()
        path.append(name)
        if header and isinstance(inner, list):
            inner = inner[0]
    return tuple(path)
