"""Records with a vendor's columns turned into columns of ours, as a mapping says; what cannot be turned stays as it is
and is refused by name where every record is checked."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from collectors.casting import INSTANT
from collectors.lines import Flaw
from collectors.mapping import EPOCHS, Given, Mapping
from collectors.raw import Raw
from records.columns import Column, ColumnType
from records.kinds import KINDS

_LAST_S = 253_402_300_799  # year 9999


def mapped(items: Iterable[Raw | Flaw], mapping: Mapping) -> Iterator[Raw | Flaw]:
    """Yield the same records under our column names."""
    for item in items:
        yield item if isinstance(item, Flaw) else Raw(batch=translate(item.batch, mapping), rows=item.rows)


def translate(batch: pa.RecordBatch, mapping: Mapping) -> pa.RecordBatch:
    """Return the block with our columns; those whose source the file lacks are absent."""
    kind = KINDS[mapping.kind]
    columns = {}
    for name, given in mapping.columns.items():
        if given.value is not None:
            columns[name] = pa.repeat(pa.scalar(_text(given.value)), batch.num_rows)
        elif set(given.source) <= set(batch.schema.names):
            columns[name] = _column(kind.column(name), given, [as_text(batch.column(one)) for one in given.source])
    return pa.RecordBatch.from_pydict(columns) if columns else batch


def as_text(values: pa.Array) -> pa.StringArray:
    """Any column as text, times as ISO 8601."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
        values = pc.strftime(pc.cast(values, INSTANT, safe=False), "%Y-%m-%dT%H:%M:%SZ")
    return pc.cast(values, pa.string())


def _column(column: Column, given: Given, parts: list[pa.StringArray]) -> pa.Array:
    values = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, given.join)
    values = pc.utf8_trim_whitespace(values)
    if given.missing:
        gone = pc.is_in(values, value_set=pa.array(given.missing, pa.string()))
        values = pc.if_else(gone, pa.scalar(None, pa.string()), values)
    if given.values:
        values = _meant(values, given)
    if given.scale is not None or given.offset is not None:
        values = _scaled(values, given, whole=column.type is ColumnType.INTEGER)
    return values if given.format is None else _instants(values, given.format, given.zone)


def _meant(values: pa.StringArray, given: Given) -> pa.Array:
    coded = values.dictionary_encode()
    meaning = {text: _text(value) for text, value in given.values.items()}
    other = None if given.otherwise is None else _text(given.otherwise)
    names = [meaning.get(text, text if other is None else other) for text in coded.dictionary.to_pylist()]
    return pa.array([name or None for name in names], pa.string()).take(coded.indices)


def _scaled(values: pa.StringArray, given: Given, *, whole: bool) -> pa.Array:
    numbers = _numbers(values) * (1.0 if given.scale is None else given.scale) + (given.offset or 0.0)
    numbers = np.rint(numbers) if whole else numbers
    good = np.isfinite(numbers)
    scaled = pa.array(numbers, mask=~good)
    left = pa.array(~good & values.is_valid().to_numpy(zero_copy_only=False))
    return pc.if_else(left, values, pc.cast(scaled, pa.string())) if pc.any(left).as_py() else scaled


def _instants(values: pa.StringArray, form: str, zone: str | None) -> pa.Array:
    """Times with their offset as text; a local time that does not occur, or occurs twice, stays as it is."""
    if form in EPOCHS:
        numbers = _numbers(values)
        fits = np.isfinite(numbers) & (np.abs(numbers) * EPOCHS[form] <= _LAST_S * 1e6)
        whole = np.where(fits, numbers, 0.0)
        factor = EPOCHS[form]
        micros = np.rint(whole if factor == 1 else whole * factor).astype(np.int64)
        found = pd.Series(pd.DatetimeIndex(micros.view("M8[us]"), tz="UTC")).where(fits)
    else:
        series = pd.Series(values.to_pandas(), dtype="str")
        parsed = pd.to_datetime(series, format=form, errors="coerce", utc="%z" in form)
        local = parsed.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT") if zone is not None else parsed
        found = local.dt.tz_convert("UTC")
    good = found.notna().to_numpy()
    times = pa.array(found.dt.as_unit("us"), INSTANT, from_pandas=True)
    if good[values.is_valid().to_numpy(zero_copy_only=False)].all():
        return times
    return pc.if_else(pa.array(good), pc.strftime(times, "%Y-%m-%dT%H:%M:%SZ"), values)


def _numbers(values: pa.StringArray) -> np.ndarray:
    numbers = pd.to_numeric(pd.Series(values.to_pandas(), dtype="object"), errors="coerce")
    return np.asarray(numbers, np.float64)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
