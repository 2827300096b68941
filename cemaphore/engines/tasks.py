"""What a Spark task does: it rates the parts that it is dealt with the functions that every engine uses."""

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from cemaphore.engines.local import frames_of, rate_frames
from cemaphore.engines.parts import keep_company, keep_scores, kept_comparison, read_part
from cemaphore.pipeline.demarcating import session_company
from cemaphore.pipeline.frame import SessionFrame, TouchpointFrame
from cemaphore.pipeline.hours import Scoring
from qoe.expectation import Margins

DEALT = "hour_s long, place string"
DONE = "place string"


@dataclass(frozen=True, kw_only=True)
class Wave:
    """What some hours of one local day are rated with besides the scoring: their margins, and names of labels."""

    margins: Margins
    names: Mapping[str, Mapping[int, str]]


def packed(scoring: Scoring) -> bytes:
    """The scoring for another process: its catalogues hold compiled formulas, which plain pickle does not take."""
    from pyspark import cloudpickle

    return bytes(cloudpickle.dumps(scoring))


@lru_cache(maxsize=1)
def _unpacked(scoring: bytes) -> Scoring:
    """The scoring, once in each of Spark's processes."""
    made = pickle.loads(scoring)
    assert isinstance(made, Scoring)
    return made


def rate_dealt(scoring: Any, wave: Any, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rate each part that a batch of `DEALT` names, and say so as `DONE`; the first two are Spark's broadcasts."""
    for batch in batches:
        for row in batch.to_pylist():
            _rate(row, _unpacked(scoring.value), wave.value)
        yield batch.select(["place"])


def hear_dealt(scoring: Any, wave: Any, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """As `rate_dealt`, but only note what the sessions of each part are compared by with those of other parts."""
    for batch in batches:
        for row in batch.to_pylist():
            _hear(row, _unpacked(scoring.value), wave.value)
        yield batch.select(["place"])


def _rate(row: Mapping[str, Any], scoring: Scoring, wave: Wave) -> None:
    place = Path(row["place"])
    keep_scores(place, rate_frames(*_frames(row, scoring, wave), scoring, wave.margins, kept_comparison(place)))


def _hear(row: Mapping[str, Any], scoring: Scoring, wave: Wave) -> None:
    sessions, _ = _frames(row, scoring, wave)
    keep_company(Path(row["place"]), session_company(sessions, scoring.context))


def _frames(row: Mapping[str, Any], scoring: Scoring, wave: Wave) -> tuple[SessionFrame, TouchpointFrame]:
    hour = datetime.fromtimestamp(row["hour_s"], UTC)
    return frames_of(*read_part(Path(row["place"])), wave.names, hour, scoring)
