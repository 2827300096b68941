"""The tables of record kinds: columns, types, units, limits, identity and what a second delivery means."""

from cemaphore.reference.markdown import code, number, table
from records.columns import MAX_INT4, MAX_INT8, Column, ColumnType, Kind, Redelivery
from records.kinds import KINDS

_WORDS = {
    ColumnType.TEXT: "text",
    ColumnType.SUBSCRIBER: "identifier",
    ColumnType.LABEL: "name",
    ColumnType.DIGITS8: "8 digits",
    ColumnType.INTEGER: "whole number",
    ColumnType.REAL: "number",
    ColumnType.TIMESTAMP: "time with offset",
    ColumnType.BOOLEAN: "true or false",
    ColumnType.INTEGERS: "list of whole numbers",
}
_LARGEST = {MAX_INT4: "2^31-1", MAX_INT8: "2^63-1"}


def section(name: str) -> str:
    """The table of one kind's columns, what identifies a record, and what a second delivery means."""
    kind = KINDS[name]
    rows = [
        [code(column.name), _type(column), column.unit, _limits(column), "required" if column.required else ""]
        for column in kind.columns
    ]
    return f"{table(['column', 'type', 'unit', 'limits', ''], rows)}\n{_redelivery(kind)}\n"


def _type(column: Column) -> str:
    return " ".join(code(choice) for choice in column.choices) or _WORDS[column.type]


def _limits(column: Column) -> str:
    lo, hi = (_bound(limit) for limit in (column.lo, column.hi))
    if lo and hi:
        return f"{lo}..{hi}"
    return f"{lo} or more" if lo else f"{hi} or less" if hi else ""


def _bound(limit: float | None) -> str:
    return _LARGEST.get(int(limit), number(limit)) if limit is not None else ""


def _redelivery(kind: Kind) -> str:
    identity = f"Identity: {', '.join(code(name) for name in kind.identity)}. "
    if kind.redelivery is Redelivery.IGNORE:
        return f"{identity}Delivered again: the first one stands.\n"
    version = f"the greatest {code(kind.version_time)}, then " if kind.version_time else ""
    return f"{identity}Delivered again: all versions are kept; the current one is {version}the last to arrive.\n"
