"""Columns of names out of bounded sets: trimmed, and checked once for each distinct name instead of once a row."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collectors.coded import Coded, encoded
from collectors.problems import Problem, plain
from records.kinds import Column


def labels(column: Column, values: pa.Array) -> tuple[Coded, list[Problem]]:
    """Return the column as codes into its distinct names, trimmed; '' is missing, choices and length are checked."""
    coded = encoded(values)
    if coded is None:
        why = f"is of type {values.type}; a name is needed"
        return Coded.missing(len(values)), [Problem(mask=plain(values.is_valid()), code="type", why=why)]
    problems: list[Problem] = []
    refuse_broken(coded, problems)
    coded.rename(pc.utf8_trim_whitespace(coded.names))
    coded.drop(plain(pc.equal(pc.binary_length(coded.names), 0)))
    coded.refuse(
        plain(pc.greater(pc.binary_length(coded.names), 1000)), problems, "too_long", "is longer than 1000 bytes"
    )
    coded.refuse(plain(pc.match_substring(coded.names, "\0")), problems, "nul", "holds a NUL character; text has none")
    if column.choices:
        known = pc.is_in(coded.names, value_set=pa.array(column.choices, pa.string()))
        one_of = f"; one of {', '.join(column.choices)} is needed"
        coded.refuse(~plain(known) & plain(coded.names.is_valid()), problems, "choice", one_of)
    return coded, problems


def refuse_broken(coded: Coded, problems: list[Problem]) -> None:
    """Name rows whose text is no UTF-8, and take that text away: Arrow's text functions raise on it."""
    if not is_utf8(coded.names):
        broken = not_utf8(coded.names)
        coded.refuse(broken, problems, "encoding", "is not UTF-8")
        coded.rename(pc.if_else(pa.array(broken), pa.scalar(None, coded.names.type), coded.names))


def is_utf8(values: pa.Array) -> bool:
    """Whether all text of the column is UTF-8, which Parquet promises and does not check."""
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def not_utf8(values: pa.StringArray) -> np.ndarray:
    """Which texts are no UTF-8."""

    def wrong(value: bytes | None) -> bool:
        try:
            (value or b"").decode()
        except UnicodeDecodeError:
            return True
        return False

    return np.array([wrong(value) for value in pc.cast(values, pa.binary()).to_pylist()], bool)
