"""Column mapping files (TOML): a vendor's own columns, units, codes and times, read as a kind of ours without code."""

import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from records.columns import Column, ColumnType, Kind, text
from records.errors import ConfigError
from records.kinds import KINDS

EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1000, "epoch_us": 1}
_NUMERIC = (ColumnType.INTEGER, ColumnType.REAL)


class Given(BaseModel):
    """Where one column of ours comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: tuple[str, ...] = Field((), alias="from", description="Columns of the file; several are joined.")
    join: str = Field("-", description="What stands between joined columns.")
    value: str | int | float | bool | None = Field(None, description="A constant instead of a column.")
    missing: tuple[str, ...] = Field((), description="Texts that mean that nothing was measured.")
    values: dict[str, str | int | float | bool] = Field({}, description="What a text of the file means.")
    otherwise: str | int | float | bool | None = Field(None, description="What all other texts mean.")
    scale: float | None = Field(None, allow_inf_nan=False, description="Factor into our unit.")
    offset: float | None = Field(None, allow_inf_nan=False, description="Added after the factor.")
    format: str | None = Field(None, description="strptime format, or epoch_s, epoch_ms, epoch_us.")
    zone: str | None = Field(None, description="IANA time zone of times that carry no offset.")

    @field_validator("source", mode="before")
    @classmethod
    def _one_or_many(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @field_validator("zone")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        try:
            return name and ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is no IANA time zone; one is, for example, Asia/Shanghai") from None


class Mapping(BaseModel):
    """One mapping file: which files it is for, what they hold, and where each column comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    kind: str
    files: tuple[str, ...] = Field((), description="Patterns of file names, such as `xdr_*.csv*`. Empty: by name only.")
    source: str | None = Field(None, min_length=1, description="Name of the source. Empty: told by the folder.")
    delimiter: str = Field(",", pattern=r"^[^\"\r\n]$", description="What separates the columns of a CSV file.")
    columns: dict[str, Given]

    @property
    def given_kind(self) -> Kind:
        """The file's own columns as a kind, all text, for the readers of formats."""
        names = dict.fromkeys(name for given in self.columns.values() for name in given.source)
        return Kind(
            name=self.kind,
            table="mapped",
            identity=(),
            redelivery=KINDS[self.kind].redelivery,
            event_time=None,
            columns=tuple(text(name) for name in names),
        )

    def fits(self, name: str) -> bool:
        """Whether a file of this name is one of those that the mapping is for."""
        return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in self.files)


def parse(content: str, file: str) -> Mapping:
    """Read a mapping; raises `ConfigError` that names file, column, field and what would be right."""
    try:
        mapping = Mapping.model_validate(tomllib.loads(content))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}") from None
    except ValidationError as error:
        wrong = [f"{file}: {_explained(found)}" for found in error.errors(include_url=False)]
        raise ConfigError("\n".join(wrong)) from None
    wrong = [f"{file}: {problem}" for problem in _problems(mapping)]
    if wrong:
        raise ConfigError("\n".join(wrong))
    return mapping


def load(folder: Path) -> tuple[Mapping, ...]:
    """Read every mapping of a folder, in order of name; a folder that is not there holds none."""
    found: dict[str, Mapping] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            mapping = parse(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} cannot be read as text: {error}") from None
        if mapping.name in found:
            raise ConfigError(f"{path}: another file has a mapping {mapping.name!r}; a name is given once")
        found[mapping.name] = mapping
    return tuple(found.values())


def chosen(mappings: Sequence[Mapping], wanted: str | None, name: str) -> Mapping | None:
    """The mapping for a file: the one asked for, else the first whose patterns fit its name."""
    if wanted is not None:
        for mapping in mappings:
            if mapping.name == wanted:
                return mapping
        there = ", ".join(mapping.name for mapping in mappings) or "none"
        raise ConfigError(f"there is no mapping {wanted!r}; there are: {there}")
    return next((mapping for mapping in mappings if mapping.fits(name)), None)


def _problems(mapping: Mapping) -> list[str]:
    kind = KINDS.get(mapping.kind)
    if kind is None:
        return [f"kind: {mapping.kind!r} is no kind of record; one of {', '.join(KINDS)} is"]
    columns = {column.name: column for column in kind.columns}
    found = []
    for name, given in mapping.columns.items():
        if name not in columns:
            near = "".join(f"; did you mean {like}?" for like in get_close_matches(name, columns, 1))
            found.append(f"columns.{name}: {kind.name} has no such column{near}")
        else:
            found += [f"columns.{name}: {problem}" for problem in _of_column(columns[name], given)]
    lacking = [name for name in kind.required if name not in mapping.columns]
    found += [f"columns.{name}: is missing; {kind.name} cannot be without it" for name in lacking]
    return found


def _of_column(column: Column, given: Given) -> list[str]:
    found = []
    if bool(given.source) == (given.value is not None):
        found.append("give either `from` (a column of the file) or `value` (a constant)")
    if (given.scale is not None or given.offset is not None) and column.type not in _NUMERIC:
        found.append("`scale` and `offset` are for numbers")
    if given.format is not None and column.type is not ColumnType.TIMESTAMP:
        found.append("`format` is for times")
    if given.zone is not None and (given.format is None or given.format in EPOCHS or "%z" in given.format):
        found.append("`zone` is for times with a `format` that has no offset (%z) in it")
    if given.format is not None and given.format not in EPOCHS and "%z" not in given.format and given.zone is None:
        found.append("times of this format have no offset, and it is not guessed: give their `zone`")
    if given.otherwise is not None and not given.values:
        found.append("`otherwise` goes with `values`")
    if column.choices:
        meant = [*given.values.values(), *([given.otherwise] if given.otherwise is not None else [])]
        meant += [given.value] if given.value is not None else []
        wrong = sorted({str(one) for one in meant} - {*column.choices, ""})
        found += [f"{one!r} is none of {', '.join(column.choices)}" for one in wrong]
    return found


def _explained(found: Any) -> str:
    place = ".".join(str(part) for part in found["loc"])
    return f"{place or 'file'}: {str(found['msg']).removeprefix('Value error, ')}"
