"""Files that appear whole or not at all: written under a hidden name, then renamed; plain, gz or zst, table or text."""

import gzip
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import zstandard


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Give a hidden path beside `path` to write to, and rename it on success; on failure nothing stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write content, compressed as the name says; the same content gives the same bytes."""
    if path.suffix == ".gz":
        content = gzip.compress(content, compresslevel=3, mtime=0)
    elif path.suffix == ".zst":
        content = zstandard.ZstdCompressor(level=3).compress(content)
    with written(path) as part:
        part.write_bytes(content)


def write_csv(path: Path, table: pa.Table) -> None:
    """Write a table as CSV with a header row; nulls are empty."""
    sink = pa.BufferOutputStream()
    pacsv.write_csv(table, sink, pacsv.WriteOptions(quoting_style="needed"))
    write_bytes(path, sink.getvalue().to_pybytes())


def write_ndjson(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as one JSON object per line, without the keys that are null."""
    lines = (
        json.dumps({key: value for key, value in row.items() if value is not None}, ensure_ascii=False) for row in rows
    )
    write_bytes(path, "".join(f"{line}\n" for line in lines).encode())


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a table as one Parquet file."""
    with written(path) as part:
        pq.write_table(table, part, compression="snappy", store_schema=False)


@contextmanager
def parquet_writer(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """Give a writer of one Parquet file, to which row groups are added; the file appears at the end."""
    with written(path) as part, pq.ParquetWriter(part, schema, compression="snappy", store_schema=False) as writer:
        yield writer
