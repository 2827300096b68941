"""CSV tables (UTF-8, a header row, commas): every column as text, so that our own messages name what is wrong."""

import csv
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from collectors.lines import Block, Flaw, blocks, first_line
from collectors.options import Options
from collectors.problems import shown
from collectors.raw import Notes, Raw
from records.errors import DataError
from records.kinds import Kind


def read(
    pieces: Iterable[bytes], kind: Kind, options: Options, notes: Notes, *, delimiter: str = ","
) -> Iterator[Raw | Flaw]:
    """Yield the records of a CSV file; the header is row 1, so the first record is row 2."""
    header: list[str] | None = None
    for item in blocks(pieces, block_bytes=options.block_bytes, max_record_bytes=options.max_record_bytes, quoted=True):
        if isinstance(item, Flaw):
            yield item
            if item.row_number == 1:  # that was the header, and no row after it is one
                return
            continue
        data, first = item.data, item.first
        if header is None:
            line, data = first_line(data)
            header, first = _header(line, kind, notes, delimiter), first + 1
        yield from _parse(Block(data=data, first=first, count=item.count), header, kind, delimiter)


def _header(line: bytes, kind: Kind, notes: Notes, delimiter: str) -> list[str]:
    try:
        names = [name.strip() for name in next(csv.reader([line.decode()], delimiter=delimiter, strict=True), [])]
    except csv.Error as error:
        raise DataError(f"its header row cannot be read ({str(error).split(' - ')[0]}).", code="header") from None
    if not any(names):
        raise DataError("its first row is empty; the column names are needed there.", code="header")
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise DataError(f"column {shown(sorted(twice)[0])} stands twice in the header; name each once.", code="header")
    known = {column.name for column in kind.columns}
    if not known & set(names) and any(mark in line for mark in (b";", b"\t", b"|")):
        what = "comma: columns are separated by commas" if delimiter == "," else f"{delimiter!r}"
        notes.warn(f"the header holds no {what}.")
    notes.dropped |= set(names) - known
    return names


def _parse(block: Block, header: list[str], kind: Kind, delimiter: str) -> Iterator[Raw | Flaw]:
    if not block.data.strip():
        return
    wrong: list[pacsv.InvalidRow] = []

    def keep(row: pacsv.InvalidRow) -> str:
        wrong.append(row)
        return "skip"

    known = [column.name for column in kind.columns if column.name in set(header)] or header
    table = pacsv.read_csv(
        pa.BufferReader(block.data),
        read_options=pacsv.ReadOptions(use_threads=False, column_names=header, block_size=len(block.data) + 1),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=b'"' in block.data,
            ignore_empty_lines=False,
            invalid_row_handler=keep,
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()),
            include_columns=known,
            strings_can_be_null=True,
            null_values=[""],
        ),
    )
    numbers = [row.number - 1 for row in wrong]
    rows = np.arange(max([table.num_rows + len(wrong), *(number + 1 for number in numbers)]), dtype=np.int64)
    rows = np.delete(rows, numbers)
    yield from _filled(table, block.first + rows[len(rows) - table.num_rows :])
    for row in wrong:
        yield from _malformed(row, block.first + row.number - 1, header, kind, delimiter)


def _filled(table: pa.Table, rows: np.ndarray) -> Iterator[Raw]:
    """All but empty lines."""
    batches = table.combine_chunks().to_batches()
    if not batches:
        return
    batch, numbers = batches[0], pa.array(rows)
    empty = np.logical_and.reduce([column.is_null().to_numpy(zero_copy_only=False) for column in batch.columns])
    if empty.any():
        filled = pa.array(~empty)
        batch, numbers = batch.filter(filled), numbers.filter(filled)
    if batch.num_rows:
        yield Raw(batch=batch, rows=pc.cast(numbers, pa.int64()))


def _malformed(
    row: pacsv.InvalidRow, number: int, header: list[str], kind: Kind, delimiter: str
) -> Iterator[Raw | Flaw]:
    """A record of another width; where a stray quote swallowed lines, those after the first stand for themselves."""
    line, rest = first_line(row.text.encode())
    found = f"{row.actual_columns} fields" if not rest else "a quote that is closed on another line"
    error = DataError(f"has {found}; {row.expected_columns} are needed.", code="fields")
    yield Flaw(row_number=number, error=error, payload=line)
    if rest:
        yield from _parse(
            Block(data=rest + b"\n", first=number + 1, count=rest.count(b"\n") + 1), header, kind, delimiter
        )
