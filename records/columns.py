"""What a record kind and its columns are: types, units, limits, identity, redelivery."""

from dataclasses import dataclass
from enum import StrEnum

MAX_INT4 = 2**31 - 1
MAX_INT8 = 2**63 - 1


class ColumnType(StrEnum):
    """How a column is read and stored."""

    TEXT = "text"  # stored as it is
    SUBSCRIBER = "subscriber"  # an identifier: replaced by its random token before anything is written
    LABEL = "label"  # a name out of a bounded set: stored as its number in the label dictionary
    DIGITS8 = "digits8"  # a type allocation code: eight digits, stored as an integer
    INTEGER = "integer"
    REAL = "real"
    TIMESTAMP = "timestamp"  # ISO 8601 with an offset, stored as UTC
    BOOLEAN = "boolean"
    INTEGERS = "integers"  # a list; in CSV with ';' between


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a record kind; `lo` and `hi` are inclusive limits in `unit`."""

    name: str
    type: ColumnType
    required: bool = False
    unit: str = ""
    lo: float | None = None
    hi: float | None = None
    choices: tuple[str, ...] = ()


class Redelivery(StrEnum):
    """What a second delivery of the same identity means."""

    IGNORE = "ignore"  # the first one stands
    SUPERSEDE = "supersede"  # all versions are kept, the current one has the greatest (version time, arrival)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of record: its columns, what identifies a record, and what its second delivery means."""

    name: str
    table: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    redelivery: Redelivery
    event_time: str | None
    version_time: str | None = None

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns without which a record is quarantined."""
        return tuple(column.name for column in self.columns if column.required)


def text(name: str, required: bool = False) -> Column:
    """A text, stored as it is."""
    return Column(name=name, type=ColumnType.TEXT, required=required)


def label(name: str, *choices: str, required: bool = False) -> Column:
    """A name out of a bounded set, or one of `choices`."""
    return Column(name=name, type=ColumnType.LABEL, required=required, choices=choices)


def time(name: str, required: bool = False) -> Column:
    """A moment with an offset."""
    return Column(name=name, type=ColumnType.TIMESTAMP, required=required)


def whole(
    name: str, unit: str = "", lo: float | None = 0, hi: float | None = MAX_INT4, required: bool = False
) -> Column:
    """A whole number within inclusive limits."""
    return Column(name=name, type=ColumnType.INTEGER, unit=unit, lo=lo, hi=hi, required=required)


def real(name: str, unit: str = "", lo: float | None = 0, hi: float | None = None, required: bool = False) -> Column:
    """A number within inclusive limits."""
    return Column(name=name, type=ColumnType.REAL, unit=unit, lo=lo, hi=hi, required=required)


def flag(name: str, required: bool = False) -> Column:
    """True or false."""
    return Column(name=name, type=ColumnType.BOOLEAN, required=required)


def subscriber() -> Column:
    """The identifier of the person: required, and replaced by its token."""
    return Column(name="subscriber_id", type=ColumnType.SUBSCRIBER, required=True)


def position() -> tuple[Column, Column]:
    """Latitude and longitude, WGS 84."""
    return real("lat", "degree", -90, 90), real("lon", "degree", -180, 180)
