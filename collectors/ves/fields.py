"""Fields of an event as they are read: each one of its type, or a `DataError` that says what is wrong where."""

from typing import Any

from collectors.problems import shown
from records.errors import DataError

Fields = dict[str, Any]

# Microseconds, milliseconds and seconds since 1970 do not meet between March 1973 and the year 5138.
_SECONDS, _MILLISECONDS, _MICROSECONDS, _TOO_LATE = 1e8, 1e11, 1e14, 7.2581184e15


def wrong(where: str, why: str, *, code: str = "field") -> DataError:
    """The error for the field at `where`, such as `eventList[2].commonEventHeader.domain`."""
    return DataError(f"{where} {why}.", code=code, column=where.rpartition(".")[2])


def mapping(parent: Fields, name: str, where: str) -> Fields:
    """A JSON object that must be there."""
    value = parent.get(name)
    if not isinstance(value, dict):
        raise wrong(f"{where}.{name}", _lack(value, "an object"))
    return value


def listing(parent: Fields, name: str, where: str) -> list[Any]:
    """A list that must be there."""
    value = parent.get(name)
    if not isinstance(value, list):
        raise wrong(f"{where}.{name}", _lack(value, "a list"))
    return value


def entries(parent: Fields, name: str, where: str) -> list[Fields]:
    """A list of objects that must be there."""
    found = listing(parent, name, where)
    for index, entry in enumerate(found):
        if not isinstance(entry, dict):
            raise wrong(f"{where}.{name}[{index}]", _lack(entry, "an object"))
    return found


def string(parent: Fields, name: str, where: str) -> str:
    """A text that must be there and not be empty."""
    value = parent.get(name)
    if not isinstance(value, str) or not value.strip():
        raise wrong(f"{where}.{name}", "is empty; a text is needed" if value == "" else _lack(value, "a text"))
    return value.strip()


def optional(parent: Fields, name: str) -> str | None:
    """A text or number as text where there is one."""
    value = parent.get(name)
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def number(parent: Fields, name: str, where: str) -> int | float:
    """A finite number that must be there."""
    value: Any = parent.get(name)
    if not is_number(value):
        raise wrong(f"{where}.{name}", _lack(value, "a number"))
    found: int | float = value
    return found


def is_number(value: object) -> bool:
    """Whether a value is a finite number of JSON."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1.7e308


def moment_us(parent: Fields, name: str, where: str) -> tuple[int, str | None]:
    """A time in microseconds since 1970 UTC, and what was mended: some senders write milliseconds or seconds."""
    value = number(parent, name, where)
    if _MICROSECONDS <= value < _TOO_LATE:
        return int(value), None
    if _MILLISECONDS <= value < _MICROSECONDS:
        return int(value * 1000), f"{name} is in milliseconds; microseconds are needed: multiplied by 1,000."
    if _SECONDS <= value < _MILLISECONDS:
        return int(value * 1_000_000), f"{name} is in seconds; microseconds are needed: multiplied by 1,000,000."
    why = f"is {shown(value)}; microseconds since 1970 are needed (16 digits)"
    raise wrong(f"{where}.{name}", why, code="time_range")


def _lack(value: object, what: str) -> str:
    return f"is missing; {what} is needed" if value is None else f"is {shown(value)}; {what} is needed"
