"""Exports as CSV or Parquet: files whole or not at all, tables of screens, spreadsheet formulas made harmless."""

import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from records.errors import ConfigError

FORMATS = (".csv", ".parquet")
_FORMULA = r"^[=+\-@\t\r]"  # what a spreadsheet would run (OWASP ASVS 5.0, 1.2.10)


def write(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write batches to a `.csv` or `.parquet` file and return the number of rows.

    The file appears under its name only when it is complete. Raises ConfigError for another ending.
    """
    opened = _writer(path)
    as_text = path.suffix == ".csv"
    part = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    try:
        with opened(part, _flat(schema) if as_text else schema) as writer:
            for batch in batches:
                writer.write_batch(_plain(batch) if as_text else batch)
                rows += batch.num_rows
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return rows


def identified(
    schema: pa.Schema, batches: Iterable[pa.RecordBatch], named: Mapping[int, list[str]]
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Add a `subscriber_id` column, filled for the customers in `named` and NULL for all others.

    A customer asked for by several identifiers has a row for each of them.
    """
    pairs = [(key, identifier) for key, identifiers in named.items() for identifier in identifiers]
    wanted = pa.table(
        {
            "subscriber_key": pa.array([key for key, _ in pairs], pa.int64()),
            "subscriber_id": pa.array([identifier for _, identifier in pairs], pa.string()),
        }
    )
    wider = pa.schema([*schema, pa.field("subscriber_id", pa.string())])

    def joined() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            keys = pa.table({"subscriber_key": batch["subscriber_key"], "row": pa.array(range(batch.num_rows))})
            found = keys.join(wanted, keys="subscriber_key", join_type="left outer").sort_by("row")
            rows = pa.table(batch).take(found["row"])
            yield from rows.append_column(wider.field("subscriber_id"), found["subscriber_id"]).to_batches()

    return wider, joined()


def as_csv(frame: pd.DataFrame) -> bytes:
    """Return a table as CSV (RFC 4180), in UTF-8 with the mark that spreadsheets look for; times as ISO 8601."""
    shown = _simple(frame)
    for name in shown.columns:
        shown[name] = shown[name].map(_harmless)
    return shown.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def as_parquet(frame: pd.DataFrame) -> bytes:
    """Return a table as Parquet; what is structured in a cell is JSON there."""
    written = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(_simple(frame), preserve_index=False), written, compression="zstd")
    return written.getvalue()


def _simple(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with structures in cells as JSON."""
    return frame.map(lambda cell: json.dumps(cell, ensure_ascii=False) if isinstance(cell, dict | list) else cell)


def _harmless(cell: object) -> object:
    if isinstance(cell, datetime):
        return None if pd.isna(cell) else cell.isoformat()
    return f"'{cell}" if isinstance(cell, str) and re.match(_FORMULA, cell) else cell


def _writer(path: Path) -> Any:
    if path.suffix not in FORMATS:
        raise ConfigError(f"{path.name}: the ending says the format; it is one of {', '.join(FORMATS)}.")
    return pq.ParquetWriter if path.suffix == ".parquet" else pa_csv.CSVWriter


def _flat(schema: pa.Schema) -> pa.Schema:
    """Return the schema with text where CSV cannot hold the type."""
    return pa.schema([pa.field(f.name, pa.string() if pa.types.is_list(f.type) else f.type) for f in schema])


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch as CSV can hold it: lists with ';' between, and no text that a spreadsheet would run."""
    columns = []
    for column in batch.columns:
        if pa.types.is_list(column.type):
            column = pc.binary_join(column.cast(pa.list_(pa.string())), ";")
        elif pa.types.is_string(column.type):
            column = pc.if_else(
                pc.match_substring_regex(column, _FORMULA), pc.binary_join_element_wise("'", column, ""), column
            )
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
