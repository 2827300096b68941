"""From a record batch as collected to the columns of its table: tokens for persons, numbers for names, no bad rows."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from records.errors import DataError
from records.kinds import ColumnType, Kind
from store.labels import Labels, label_kind
from store.ledger import Delivery, Rejected
from store.masking import mask_column
from store.vault import ERASED, Vault

Mask = NDArray[np.bool_]

# PostgreSQL's -infinity as microseconds since 1970, given that its own zero is 2000-01-01.
FROM_THE_BEGINNING_US = -(2**63) + 946_684_800_000_000
_RENAMED = {"subscriber_id": "subscriber_key", "source": "source_id"}
_ROW_NUMBER = "row_number"
_MASKED = ("text",)
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, kw_only=True)
class Shaped:
    """A block ready for COPY, and what of it was refused."""

    rows: pa.RecordBatch
    rejected: list[Rejected]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How far from the moment of arrival event times may lie; `backward` None: any distance."""

    forward: timedelta = timedelta(minutes=15)
    backward: timedelta | None = None


class Shaper:
    """Shapes the blocks of one delivery; `types` are the table's columns with their Arrow types."""

    def __init__(
        self, delivery: Delivery, types: dict[str, pa.DataType], vault: Vault, labels: Labels, limits: Limits
    ) -> None:
        self._delivery = delivery
        self._kind: Kind = delivery.kind
        self._types = types
        self._vault = vault
        self._labels = labels
        self._limits = limits
        self._columns = {column.name: column.type for column in self._kind.columns}

    def shape(self, batch: pa.RecordBatch, batch_id: int) -> Shaped:
        """Return the block's rows in the order in which the table's index likes them, with refused ones left out."""
        refusals = _Refusals(batch)
        columns: dict[str, pa.Array] = {}
        self._check_required(batch, refusals)
        for name in batch.schema.names:
            self._convert(name, batch.column(name), columns, refusals)
        self._stamp(batch, batch_id, columns)
        if "holder_kind" in self._types:
            columns["holder_kind"] = self._holder_kinds(batch.column("subscriber_id"), refusals)
        self._check_times(batch, refusals)
        rows = pa.record_batch({name: _cast(name, column, self._types[name]) for name, column in columns.items()})
        _check_numbers(rows, refusals)
        accepted = refusals.accepted
        order = _order(self._kind, rows, None if accepted.all() else np.flatnonzero(accepted))
        return Shaped(rows=rows if order is None else rows.take(pa.array(order)), rejected=list(refusals.records()))

    def _convert(self, name: str, array: pa.Array, columns: dict[str, pa.Array], refusals: "_Refusals") -> None:
        target = "other_key" if self._kind.name == "identities" and name == "value" else _RENAMED.get(name, name)
        if target not in self._types:
            return
        given = self._columns.get(name)
        if given is ColumnType.SUBSCRIBER:
            columns[target] = self._tokens(name, array, refusals)
        elif given is ColumnType.LABEL:
            kind = label_kind(self._kind.name, name)
            columns[target] = self._coded(name, array, refusals, lambda values: self._labels.ids(kind, values))
        elif target == "source_id":
            coded = self._coded(name, array, refusals, self._labels.sources)
            columns[target] = pc.fill_null(coded, pa.scalar(self._delivery.source_id, coded.type))
        elif given is ColumnType.TEXT:
            text = pc.cast(array, pa.string())
            refusals.add(_holds_nul(text), "nul", name, "the text holds a NUL character")
            columns[target] = mask_column(text) if name in _MASKED else text
        elif given is not None or pa.types.is_list(array.type):
            columns[target] = array

    def _tokens(self, name: str, array: pa.Array, refusals: "_Refusals") -> pa.Array:
        coded = self._coded(name, array, refusals, self._vault.tokens)
        keys = coded.fill_null(-1)
        erased = keys.to_numpy(zero_copy_only=False) == ERASED
        refusals.add(erased, "erased", name, "this person's data were erased on request; later rows are refused")
        return keys

    def _holder_kinds(self, identifiers: pa.Array, refusals: "_Refusals") -> pa.Array:
        """What normalised identifiers (`msisdn:+86...`) are, as labels of the kinds of identities."""
        kinds = pc.struct_field(pc.extract_regex(identifiers.cast(pa.string()), r"^(?P<kind>[^:]*):"), "kind")
        return self._coded("subscriber_id", kinds, refusals, lambda values: self._labels.ids("identity_kind", values))

    def _coded(
        self, name: str, array: pa.Array, refusals: "_Refusals", number: Callable[[list[str]], NDArray[Any]]
    ) -> pa.Array:
        """Replace names by numbers, asking for each distinct name in use once."""
        coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
        valid = _valid(coded)
        indices = coded.indices.fill_null(0).to_numpy(zero_copy_only=False)
        used = np.zeros(max(1, len(coded.dictionary)), np.bool_)
        used[indices[valid]] = True
        places = np.flatnonzero(used)
        names = coded.dictionary.take(pa.array(places)).cast(pa.string())
        holds_nul = _holds_nul(names)
        if holds_nul.any():
            refusals.add(np.isin(indices, places[holds_nul]) & valid, "nul", name, "the name holds a NUL character")
            names, places = names.filter(pa.array(~holds_nul)), places[~holds_nul]
        numbers = number(names.to_pylist())
        table = np.zeros(len(used), numbers.dtype)
        table[places] = numbers
        return pa.array(table[indices], mask=None if valid.all() else ~valid)

    def _stamp(self, batch: pa.RecordBatch, batch_id: int, columns: dict[str, pa.Array]) -> None:
        """Add what no source says: where and when the rows came in, from when inventory holds, which version it is."""
        count = batch.num_rows
        delivery = self._delivery
        columns.setdefault("source_id", pa.array(np.full(count, delivery.source_id, np.int16)))
        columns["batch_id"] = pa.array(np.full(count, batch_id, np.int64))
        arrived = pa.scalar(delivery.arrived_at, pa.timestamp("us", "UTC"))
        columns["arrived_at"] = pa.array(np.full(count, arrived.value, np.int64)).cast(arrived.type)
        if "valid_from" in self._types:
            given = columns.get("valid_from", pa.nulls(count, arrived.type))
            columns["valid_from"] = given.cast(pa.int64()).fill_null(FROM_THE_BEGINNING_US).cast(arrived.type)
        if "version_at" in self._types and self._kind.version_time and self._kind.event_time:
            created = columns[self._kind.event_time]
            updated = columns.get(self._kind.version_time)
            columns["version_at"] = created if updated is None else pc.coalesce(updated, created)

    def _check_required(self, batch: pa.RecordBatch, refusals: "_Refusals") -> None:
        for name in self._kind.required:
            if name not in batch.schema.names:
                raise DataError(f"{self._kind.name} need a column {name}", code="missing_column", column=name)
            refusals.add(~_valid(batch.column(name)), "missing", name, f"{name} is missing")

    def _check_times(self, batch: pa.RecordBatch, refusals: "_Refusals") -> None:
        name = self._kind.event_time
        if name is None or name not in batch.schema.names:
            return
        times = batch.column(name)
        moments = times.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        arrived = _microseconds(self._delivery.arrived_at.timestamp())
        forward = self._limits.forward
        late = moments > arrived + _microseconds(forward.total_seconds())
        refusals.add(late, "future", name, f"{name} is more than {forward} in the future: is the source's clock right?")
        backward = self._limits.backward
        if backward is not None:
            early = moments < arrived - _microseconds(backward.total_seconds())
            refusals.add(early, "too_old", name, f"{name} is more than {backward} ago, further than accepted here")


class _Refusals:
    """Rows of one block that are refused, each for the first reason found."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.accepted: Mask = np.ones(batch.num_rows, np.bool_)
        self._batch = batch
        self._found: list[tuple[NDArray[np.intp], str, str, str]] = []

    def add(self, bad: Mask, code: str, column: str, reason: str) -> None:
        if not bad.any():
            return
        rows = np.flatnonzero(bad & self.accepted)
        self.accepted[rows] = False
        self._found.append((rows, code, column, reason))

    def records(self) -> Iterator[Rejected]:
        for rows, code, column, reason in self._found:
            chosen = self._batch.take(pa.array(rows)).to_pylist()
            for record in chosen:
                number = record.pop(_ROW_NUMBER, None)
                payload = b"" if code == "erased" else json.dumps(record, default=str, ensure_ascii=False).encode()
                yield Rejected(
                    row_number=-1 if number is None else number,
                    code=code,
                    column=column,
                    reason=reason,
                    payload=payload,
                )


def _order(kind: Kind, rows: pa.RecordBatch, kept: NDArray[np.intp] | None) -> NDArray[np.intp] | None:
    """The rows to keep, sorted by (hour, person, time) where the index is: it is then filled from left to right."""
    if kind.name not in {"sessions", "touchpoints"} or kind.event_time is None:
        return kept
    moments = rows.column(kind.event_time).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    keys = rows.column("subscriber_key").to_numpy(zero_copy_only=False)
    if kept is not None:
        moments, keys = moments[kept], keys[kept]
    hours = moments // _HOUR_US
    one_hour = len(hours) == 0 or hours.min() == hours.max()
    order = np.lexsort((moments, keys) if one_hour else (moments, keys, hours))
    return order if kept is None else kept[order]


def _check_numbers(rows: pa.RecordBatch, refusals: _Refusals) -> None:
    for name, column in zip(rows.schema.names, rows.columns, strict=True):
        if pa.types.is_floating(column.type):
            finite = pc.is_finite(column)
            if not pc.all(finite, min_count=0).as_py():
                bad = ~finite.fill_null(True).to_numpy(zero_copy_only=False)
                refusals.add(bad, "not_finite", name, f"{name} is no finite number of the stored size")


def _cast(name: str, column: pa.Array, target: pa.DataType) -> pa.Array:
    if column.type == target:
        return column
    try:
        return column.cast(target)
    except pa.ArrowInvalid as error:
        raise DataError(f"column {name} does not fit {target}: {error}", code="range", column=name) from None


def _holds_nul(texts: pa.Array) -> Mask:
    found: Mask = pc.fill_null(pc.match_substring(texts, "\0"), False).to_numpy(zero_copy_only=False)
    return found


def _valid(array: pa.Array) -> Mask:
    if array.null_count == 0:
        return np.ones(len(array), np.bool_)
    valid: Mask = array.is_valid().to_numpy(zero_copy_only=False)
    return valid


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)
