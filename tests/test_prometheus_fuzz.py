"""Whatever comes over the wire: a page or an answer is read, or named as wrong, and nothing else happens."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collectors.prometheus import Access, ScrapeTarget
from collectors.prometheus.exposition import Limits, parse
from collectors.prometheus.fetching import Answer
from collectors.prometheus.memory import Memory
from collectors.prometheus.sampling import Sampled, Sampler
from collectors.prometheus.server import Steps, contents, series
from records.errors import CemaphoreError, DataError
from tests.exporter import OPENMETRICS, TEXT

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PAGE = (Path(__file__).parent / "data" / "open5gs" / "s5uishida_upf.prom").read_bytes()
RICH = b"""# TYPE a counter
a_total{b="1",c="x\\"y"} 5 1700000000.5 # {trace="1"} 0.5
a_created{b="1",c="x\\"y"} 1.7e9
# TYPE h histogram
h_bucket{le="1"} 1
h_bucket{le="+Inf"} 2
h_count 2
h_sum 1.5
# EOF
"""
PIECES = st.sampled_from(
    [b"{", b"}", b'"', b"\\", b"\n", b" ", b"#", b"# TYPE x counter\n", b"NaN", b"-1", b"1e999", b"_total", b"=", b"\0",
     b"\xff", b"# EOF\n", b'{le="', b"9" * 400, "中".encode(), b"\r", b"+Inf", b"0x1"]
)  # fmt: skip
LIMITS = Limits(max_samples=1000, max_line_bytes=4096)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["metric", "values", "status", "data", "error", "errorType"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


def sampled(body: bytes, kind: str) -> Sampled:
    target = ScrapeTarget(name="x", access=Access(url="http://127.0.0.1/"))
    answer = Answer(status=200, content_type=kind, body=body)
    return Sampler(target, Memory()).sample(parse(answer, LIMITS), NOON)


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from([PAGE[:1500], RICH]), st.sampled_from([TEXT, OPENMETRICS]))
def test_a_page_with_something_wrong_in_it_is_read_or_named(data: st.DataObject, page: bytes, kind: str) -> None:
    body = bytearray(page)
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(body)))
        length = data.draw(st.integers(0, 30))
        body[place : place + length] = data.draw(PIECES)
    with suppress(DataError):
        found = sampled(bytes(body), kind)
        values = found.samples.value
        assert len(values) == len(np.unique(found.places)) <= found.read
        assert not np.isinf(values).any()
        assert not (values[found.samples.monotone] < 0).any()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([TEXT, OPENMETRICS]))
@example(b"a 1 9e999\n", TEXT)
@example(b"a 1 NaN\n", TEXT)
def test_bytes_are_read_or_named(body: bytes, kind: str) -> None:
    with suppress(DataError):
        sampled(body, kind)


@settings(max_examples=200, deadline=None)
@given(JSON, st.sampled_from([200, 400, 422, 503]))
def test_any_answer_of_a_server_is_read_or_named(body: object, status: int) -> None:
    answer = Answer(status=status, content_type="application/json", body=json.dumps(body).encode())
    with suppress(CemaphoreError):
        contents(answer, "/api/v1/query_range", "up")
    with suppress(DataError):
        series(body, Steps(start=NOON, step_s=60, count=3))


def test_a_large_page_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(DataError) as caught:
        sampled(b"a 1\n" * 1002, TEXT)
    assert caught.value.code == "too_many"
