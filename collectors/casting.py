"""One column as it stands in a file to the type that is stored, with every value that is wrong found and named."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collectors.names import is_utf8, not_utf8
from collectors.problems import Problem, plain
from records.kinds import Column, ColumnType

INSTANT = pa.timestamp("us", "UTC")
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^(?i:nan|[+-]?inf(inity)?)$"
_WHOLE = r"^[+-]?[0-9]{1,19}(\.0*)?$"
_WITH_OFFSET = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$"
)
_WITHOUT_OFFSET = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?$"
_INT4 = 2**31 - 1


@dataclass(kw_only=True)
class Cast:
    """A column as stored (wrong values are null) and what was wrong."""

    values: pa.Array
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, mask: pa.BooleanArray | np.ndarray, code: str, why: str) -> None:
        """Name the values under `mask` (null: not) as wrong and make them null."""
        wrong = mask if isinstance(mask, np.ndarray) else plain(mask)
        if wrong.any():
            self.problems.append(Problem(mask=wrong, code=code, why=why))
            self.values = pc.if_else(pa.array(wrong), pa.scalar(None, self.values.type), self.values)


def stored_type(table: str, column: Column) -> pa.DataType:
    """The Arrow type that a column is stored from."""
    if column.type is ColumnType.INTEGER:
        return pa.int64() if column.hi is None or column.hi > _INT4 else pa.int32()
    if column.type is ColumnType.REAL:
        return pa.float64() if table == "counter" else pa.float32()
    return {
        ColumnType.TEXT: pa.string(),
        ColumnType.DIGITS8: pa.int32(),
        ColumnType.TIMESTAMP: INSTANT,
        ColumnType.BOOLEAN: pa.bool_(),
        ColumnType.INTEGERS: pa.list_(pa.int32()),
    }[column.type]


def cast(column: Column, values: pa.Array, target: pa.DataType) -> Cast:
    """Return the column as `target`; NaN and empty text are missing, never zero."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        values = pc.cast(values, pa.string())
    if pa.types.is_null(values.type):
        return Cast(values=pa.nulls(len(values), target))
    reader = {
        ColumnType.TEXT: _text,
        ColumnType.DIGITS8: _digits,
        ColumnType.INTEGER: _number,
        ColumnType.REAL: _number,
        ColumnType.TIMESTAMP: _instant,
        ColumnType.BOOLEAN: _boolean,
        ColumnType.INTEGERS: _list,
    }[column.type]
    if not pa.types.is_string(values.type) or is_utf8(values):
        return reader(column, values, target)
    checked = Cast(values=values)
    checked.refuse(not_utf8(values), "encoding", "is not UTF-8")
    result = reader(column, checked.values, target)
    return Cast(values=result.values, problems=checked.problems + result.problems)


def _text(column: Column, values: pa.Array, target: pa.DataType) -> Cast:
    if pa.types.is_integer(values.type):
        values = pc.cast(values, pa.string())
    if not pa.types.is_string(values.type):
        return _of_wrong_type(values, target, "text")
    result = Cast(values=values)
    if b"\0" in memoryview(result.values.buffers()[2] or b"").tobytes():
        result.refuse(pc.match_substring(result.values, "\0"), "nul", "holds a NUL character; text has none")
    empty = pc.equal(pc.binary_length(result.values), 0)
    if pc.any(empty).as_py():
        result.values = pc.if_else(empty, pa.scalar(None, target), result.values)
    return result


def _digits(column: Column, values: pa.Array, target: pa.DataType) -> Cast:
    why = "; 8 digits are needed"
    if pa.types.is_string(values.type):
        return _from_text(values, target, r"^[0-9]{8}$", "tac", why)
    if not pa.types.is_integer(values.type):
        return _of_wrong_type(values, target, "8 digits")
    result = _from_number(values, target, "tac", why)
    return _limited(result, 0, 99_999_999, "tac", why)


def _number(column: Column, values: pa.Array, target: pa.DataType) -> Cast:
    whole = column.type is ColumnType.INTEGER
    noun = "a whole number" if whole else "a number"
    if pa.types.is_string(values.type):
        result = _from_text(
            values, pa.int64() if whole else pa.float64(), _WHOLE if whole else _NUMBER, "number", f"; {noun} is needed"
        )
    elif _is_number(values.type):
        result = Cast(values=values)
    else:
        return _of_wrong_type(values, target, noun)
    if pa.types.is_floating(result.values.type):
        _finite(result)
    unit = f" {column.unit}" if column.unit not in ("", "1") else ""
    result = _limited(result, column.lo, column.hi, "limit", f"; {_between(column.lo, column.hi)}{unit} is needed")
    if result.values.type != target:
        narrowed = _from_number(result.values, target, "number", f"; {noun} is needed")
        result = Cast(values=narrowed.values, problems=result.problems + narrowed.problems)
        if pa.types.is_floating(target):
            _finite(result)
    return result


def _instant(column: Column, values: pa.Array, target: pa.DataType) -> Cast:
    if pa.types.is_timestamp(values.type):
        result = Cast(values=values)
        if values.type.tz is None:
            result.refuse(
                values.is_valid(),
                "no_offset",
                "has no time zone; write the column as timestamps with a time zone (UTC)",
            )
            result.values = pa.nulls(len(values), target)
            return result
        return _from_number(values, target, "time", "; a time from year 1 to 9999 is needed")
    if not pa.types.is_string(values.type):
        return _of_wrong_type(values, target, "a time with its offset")
    try:
        return Cast(values=pc.cast(values, target))
    except pa.ArrowInvalid:
        pass
    trimmed = pc.utf8_trim_whitespace(values)
    trimmed = pc.replace_substring_regex(trimmed, r"(\.[0-9]{6})[0-9]+", r"\1")
    result = Cast(values=pc.utf8_upper(trimmed))
    result.refuse(
        pc.match_substring_regex(trimmed, _WITHOUT_OFFSET),
        "no_offset",
        "has no offset, and it is not guessed; write for example 2026-03-01T12:00:00+08:00",
    )
    why = "; a time as 2026-03-01T12:00:00+08:00 is needed"
    rest = _from_text(result.values, target, _WITH_OFFSET, "time", why)
    return Cast(values=rest.values, problems=result.problems + rest.problems)


def _boolean(column: Column, values: pa.Array, target: pa.DataType) -> Cast:
    why = "; true, false, 1 or 0 is needed"
    if pa.types.is_boolean(values.type):
        return Cast(values=values)
    if pa.types.is_string(values.type):
        return _from_text(values, target, r"^(?i:true|false|1|0)$", "boolean", why)
    if not _is_number(values.type):
        return _of_wrong_type(values, target, "a boolean")
    result = Cast(values=values)
    if pa.types.is_floating(values.type):
        result.values = _without_nan(result.values)
    result = _limited(result, 0, 1, "boolean", why)
    return Cast(values=pc.not_equal(result.values, 0), problems=result.problems)


def _list(column: Column, values: pa.Array, target: pa.DataType) -> Cast:
    why = f"; whole numbers of {column.unit or 'units'} from {column.lo:g} on are needed"
    problems: list[Problem] = []
    if pa.types.is_string(values.type):
        shaped = Cast(values=pc.utf8_trim_whitespace(values))
        shaped.values = pc.if_else(pc.equal(shaped.values, ""), pa.scalar(None, pa.string()), shaped.values)
        shaped.refuse(
            pc.invert(pc.match_substring_regex(shaped.values, r"^\s*[0-9]{1,10}\s*(;\s*[0-9]{1,10}\s*)*$")),
            "list",
            "; whole numbers with ';' between are needed",
        )
        parts = pc.split_pattern(pc.replace_substring_regex(shaped.values, r"\s", ""), ";")
        values, problems = pc.cast(parts, pa.list_(pa.int64())), shaped.problems
    elif not (pa.types.is_list(values.type) or pa.types.is_large_list(values.type)):
        return _of_wrong_type(values, target, "a list of whole numbers")
    if not _is_number(values.type.value_type) and not pa.types.is_null(values.type.value_type):
        return _of_wrong_type(values, target, "a list of whole numbers")
    result = Cast(values=values, problems=problems)
    parts = pc.list_flatten(values)
    wrong = pc.fill_null(pc.or_(pc.less(parts, column.lo), pc.greater(parts, column.hi)), True)
    mask = np.zeros(len(values), bool)
    mask[pc.list_parent_indices(values).filter(wrong).to_numpy()] = True
    result.refuse(mask, "list", why)
    narrowed = _from_number(result.values, target, "list", why)
    return Cast(values=narrowed.values, problems=result.problems + narrowed.problems)


def _from_text(values: pa.StringArray, target: pa.DataType, pattern: str, code: str, why: str) -> Cast:
    """Parse text: in one go where all of it is right, else the wrong ones are found first."""
    try:
        if code == "tac" and not pc.all(pc.match_substring_regex(values, pattern)).as_py():
            raise pa.ArrowInvalid
        return Cast(values=pc.cast(values, target))
    except pa.ArrowInvalid:
        trimmed = pc.utf8_trim_whitespace(values)
        trimmed = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
        result = Cast(values=trimmed)
        result.refuse(pc.invert(pc.match_substring_regex(trimmed, pattern)), code, why)
        if pa.types.is_integer(target):
            result.values = pc.replace_substring_regex(result.values, r"\.0*$|^\+", "")
        rest = _from_number(result.values, target, code, why)
        return Cast(values=rest.values, problems=result.problems + rest.problems)


def _from_number(values: pa.Array, target: pa.DataType, code: str, why: str) -> Cast:
    """Cast; where some value does not fit, halves are tried until it is found."""
    if pa.types.is_floating(values.type) and not pa.types.is_floating(target):
        values = _without_nan(values)
    wrong = np.zeros(len(values), bool)
    safe = not (pa.types.is_floating(target) or pa.types.is_timestamp(target))
    pieces = _pieces(values, target, safe, 0, wrong)
    result = Cast(values=pa.concat_arrays(pieces) if pieces else pa.nulls(0, target))
    result.refuse(wrong, code, why)
    return result


def _pieces(values: pa.Array, target: pa.DataType, safe: bool, start: int, wrong: np.ndarray) -> list[pa.Array]:
    try:
        return [pc.cast(values, target, safe=safe)]
    except pa.ArrowInvalid:
        if len(values) == 1:
            wrong[start] = True
            return [pa.nulls(1, target)]
    half = len(values) // 2
    left = _pieces(values.slice(0, half), target, safe, start, wrong)
    return left + _pieces(values.slice(half), target, safe, start + half, wrong)


def _finite(result: Cast) -> None:
    total = pc.sum(result.values).as_py()
    if total is not None and not np.isfinite(total):
        result.values = _without_nan(result.values)
        result.refuse(pc.is_inf(result.values), "number", "is not finite; a finite number is needed")


def _without_nan(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)


def _limited(result: Cast, lo: float | None, hi: float | None, code: str, why: str) -> Cast:
    least, most = (bound.as_py() for bound in pc.min_max(result.values).values())
    if least is not None and ((lo is not None and least < lo) or (hi is not None and most > hi)):
        below = pc.less(result.values, lo) if lo is not None else pa.array([False] * len(result.values))
        above = pc.greater(result.values, hi) if hi is not None else pa.array([False] * len(result.values))
        result.refuse(pc.or_(below, above), code, why)
    return result


def _between(lo: float | None, hi: float | None) -> str:
    least = "" if lo is None else f"at least {lo:g}"
    most = "" if hi is None or hi >= _INT4 else f"at most {hi:g}"
    return f"{lo:g} to {hi:g}" if least and most else least or most or "a number"


def _of_wrong_type(values: pa.Array, target: pa.DataType, noun: str) -> Cast:
    result = Cast(values=pa.nulls(len(values), target))
    result.refuse(values.is_valid(), "type", f"is of type {values.type}; {noun} is needed")
    return result


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
