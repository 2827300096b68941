"""Each parser over any bytes and over damaged sound files: it yields records or names what is wrong, and ends."""

import gzip
import json
import time
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest
import zstandard
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from collectors.collection import Reading
from collectors.folders import find
from collectors.options import Options
from collectors.streams import identify
from store.intake import Rejected
from tests import corpus_parts as corpus
from tests.effort import FUZZ_S

LONGEST_S = 10.0
DATA = corpus.DATA
REAL_PM = sorted((DATA / "pm_xml").rglob("*.xml"))
REAL_TICKETS = sorted((DATA / "tmf621").glob("*.json"))
REAL_EVENTS = sorted((DATA / "ves").rglob("*event*.json"))
TICKETS = json.dumps([corpus.ticket(number) for number in range(5)]).encode()
SOUND: dict[str, list[bytes]] = {
    "sessions.csv": [corpus.csv(10, app='"x\ny"').encode(), corpus.csv(3).encode()],
    "sessions.ndjson": [corpus.ndjson(10).encode()],
    "sessions.parquet": [corpus.parquet()],
    "counters.xml": [corpus.pm(corpus.measured(5)).encode(), *(path.read_bytes() for path in REAL_PM)],
    "complaints.json": [TICKETS, *(path.read_bytes() for path in REAL_TICKETS)],
    "alarms.json": [path.read_bytes() for path in REAL_EVENTS],
    "sessions.csv.gz": [gzip.compress(corpus.csv(20).encode())],
    "sessions.csv.zst": [zstandard.compress(corpus.csv(20).encode())],
    "counters.xml.gz": [gzip.compress(path.read_bytes()) for path in REAL_PM],
}


def read(path: Path) -> tuple[int, int]:
    """How many records of a file are good, and how many are not."""
    (found,) = find([path], Options())
    reading = Reading(found, identify(path), Options(block_bytes=4096), None)
    good, refused = 0, 0
    for item in reading.batches():
        if isinstance(item, Rejected):
            refused += 1
        else:
            assert isinstance(item, pa.RecordBatch)
            item.validate(full=True)
            good += item.num_rows
    assert sum(reason.count for reason in reading.reasons()) == refused
    return good, refused


@pytest.mark.parametrize("name", SOUND)
def test_no_bytes_end_a_parser(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    contents = st.one_of(
        st.binary(max_size=2000),
        st.builds(
            lambda content, number: corpus.damaged(content, Random(number)),
            st.sampled_from(SOUND[name]),
            st.integers(0, 1 << 40),
        ),
    )

    def check(content: bytes) -> None:
        path.write_bytes(content)
        began = time.monotonic()
        read(path)
        assert time.monotonic() - began < LONGEST_S

    rounds, end = 0, time.monotonic() + FUZZ_S / len(SOUND)
    while rounds == 0 or time.monotonic() < end:
        fuzz = settings(
            max_examples=100, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
        )(given(contents)(check))
        seed(rounds)(fuzz)()
        rounds += 1


def test_sound_files_are_read_whole(tmp_path: Path) -> None:
    for name, lines in (("sessions.csv", 3), ("sessions.ndjson", 10), ("sessions.parquet", corpus.LINES)):
        path = tmp_path / name
        path.write_bytes(SOUND[name][-1])
        assert read(path) == (lines, 0)
