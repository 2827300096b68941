"""Bugs that the malformed corpus found, each by its name."""

import time
from pathlib import Path

import pyarrow as pa

from collectors.collection import Reading
from collectors.folders import find
from collectors.lines import Block, blocks
from collectors.options import Options
from collectors.problems import shown
from collectors.streams import identify
from tests import corpus_parts as corpus


def reasons(path: Path, content: bytes) -> list[tuple[str, str | None, int]]:
    path.write_bytes(content)
    (found,) = find([path], Options())
    reading = Reading(found, identify(path), Options(), None)
    list(reading.batches())
    return [(reason.code, reason.column, reason.count) for reason in reading.reasons()]


def test_a_list_or_struct_where_a_name_is_needed_ended_the_process(tmp_path: Path) -> None:
    for number, array in enumerate((pa.array([[1]] * corpus.LINES), pa.array([{"a": 1}] * corpus.LINES))):
        found = reasons(tmp_path / f"sessions-{number}.parquet", corpus.parquet(app=array))
        assert found == [("type", "app", corpus.LINES)]


def test_text_that_is_no_utf8_in_parquet_ended_the_process(tmp_path: Path) -> None:
    broken = pa.Array.from_buffers(pa.string(), corpus.LINES, pa.array([b"\xff"] * corpus.LINES, pa.binary()).buffers())
    for column in ("app", "subscriber_id", "rtt_client_ms", "start_time", "success", "session_id"):
        found = reasons(tmp_path / f"sessions-{column}.parquet", corpus.parquet(**{column: broken}))
        assert found == [("encoding", column, corpus.LINES)]


def test_a_message_about_a_long_value_took_minutes() -> None:
    began = time.monotonic()
    assert len(shown("c" * 2_000_000)) < 100
    assert time.monotonic() - began < 1


def test_a_block_of_line_ends_took_two_gigabytes() -> None:
    found = list(blocks([b"\n" * (4 << 20)], block_bytes=8 << 20, max_record_bytes=1 << 20, quoted=True))
    assert sum(block.count for block in found if isinstance(block, Block)) == 4 << 20
    assert max(block.count for block in found if isinstance(block, Block)) <= 2 * 262_144
