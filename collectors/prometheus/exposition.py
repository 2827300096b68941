"""A page of metrics, as text or OpenMetrics, through prometheus-client's parsers."""

import io
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from operator import length_hint
from typing import TextIO, cast

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_fd_to_metric_families

from collectors.prometheus.fetching import Answer
from records.errors import DataError

ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"

_OPENMETRICS = "application/openmetrics-text"
_TEXT = ("text/plain", "")
_TOTALS = re.compile(r"^#[ \t]+TYPE[ \t]+(\S+)_total[ \t]+counter\b", re.MULTILINE)
_BLOCK_LINES = 64


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much of a page is read: lines, bytes of one line, and seconds (some bad lines take the parser very long)."""

    max_samples: int
    max_line_bytes: int
    max_seconds: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Page:
    """The families of a page, parsed as they are asked for; `totals` are its counters whose names end in `_total`.

    prometheus-client's text parser adds `_total` to all counters; `strips_total` says where it was not on the page.
    """

    families: Iterator[Metric]
    openmetrics: bool
    totals: frozenset[str] = field(default_factory=frozenset)

    def strips_total(self, family: Metric) -> bool:
        """Say whether the samples of this family bear a `_total` that is not on the page."""
        return family.type == "counter" and not self.openmetrics and family.name not in self.totals


def parse(answer: Answer, limits: Limits) -> Page:
    """Parse an exporter's answer, as its Content-Type says.

    Raises `DataError` where it is no page of metrics, which may show only when the last family is asked for.
    """
    kind = answer.content_type.partition(";")[0].strip().lower()
    if kind != _OPENMETRICS and kind not in _TEXT:
        raise DataError(
            f"Content-Type is {kind!r}; text/plain or {_OPENMETRICS} is read. Is it an exporter's address?",
            code="content_type",
        )
    try:
        text = answer.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"byte {error.start} is not UTF-8", code="encoding") from None
    strict = kind == _OPENMETRICS
    totals = frozenset() if strict else frozenset(_TOTALS.findall(text))
    return Page(families=_families(_Lines(text, limits), strict), openmetrics=strict, totals=totals)


def _families(lines: "_Lines", strict: bool) -> Iterator[Metric]:
    read = openmetrics.text_fd_to_metric_families if strict else text_fd_to_metric_families
    try:
        yield from read(cast(TextIO, iter(lines)))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        # The message may repeat a line of the page, which may hold anything.
        raise DataError(f"not a page of metrics: line {lines.number} breaks its rules", code="syntax") from error


class _Lines:
    """The lines of a page in blocks, so that a parser that is given them can be stopped."""

    def __init__(self, text: str, limits: Limits) -> None:
        self._text = text
        self._limits = limits
        self._before = 0
        self._block: list[str] = []
        self._rest: Iterator[str] = iter(())

    @property
    def number(self) -> int:
        """Number of the last line that was taken."""
        return self._before + len(self._block) - length_hint(self._rest)

    def __iter__(self) -> Iterator[str]:
        limits, text = self._limits, self._text
        samples = text.count("\n") - text.count("\n#") - text.count("\n\n")
        if samples > limits.max_samples:
            raise DataError(f"more than max_samples = {limits.max_samples} samples", code="too_many")
        deadline = time.monotonic() + limits.max_seconds
        stream = io.StringIO(text)
        while block := list(islice(stream, _BLOCK_LINES)):
            self._before += len(self._block)
            self._block, self._rest = block, iter(block)
            if max(map(len, block)) > limits.max_line_bytes:
                raise DataError(f"a line has more than {limits.max_line_bytes} characters", code="too_long")
            yield from self._rest
            if time.monotonic() > deadline:
                raise DataError(f"not parsed within {limits.max_seconds:g} s", code="slow")
