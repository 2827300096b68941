"""A page of metrics, as text or OpenMetrics, through prometheus-client's parsers."""

import io
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
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
_CLOCK_LINES = 256


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much of a page is read: lines, bytes of one line, and seconds (some bad lines take the parser very long)."""

    max_samples: int
    max_line_bytes: int
    max_seconds: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Page:
    """The families of a page; `totals` are the counters whose names end in `_total` on the page itself.

    prometheus-client's text parser adds `_total` to all counters; `name_of` takes it away where it was not.
    """

    families: list[Metric]
    openmetrics: bool
    totals: frozenset[str] = field(default_factory=frozenset)

    def strips_total(self, family: Metric) -> bool:
        """Say whether the samples of this family bear a `_total` that is not on the page."""
        return family.type == "counter" and not self.openmetrics and family.name not in self.totals


def parse(answer: Answer, limits: Limits) -> Page:
    """Parse an exporter's answer, as its Content-Type says; raises `DataError` where it is no page of metrics."""
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
    lines = _Lines(text, limits)
    read = openmetrics.text_fd_to_metric_families if kind == _OPENMETRICS else text_fd_to_metric_families
    try:
        families = list(read(cast(TextIO, iter(lines))))
    except DataError:
        raise
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        # The message may repeat a line of the page, which may hold anything.
        raise DataError(f"not a page of metrics: line {lines.number} breaks its rules", code="syntax") from error
    totals = frozenset() if kind == _OPENMETRICS else frozenset(_TOTALS.findall(text))
    return Page(families=families, openmetrics=kind == _OPENMETRICS, totals=totals)


class _Lines:
    """The lines of a page, one at a time, so that a parser that is given them can be stopped."""

    def __init__(self, text: str, limits: Limits) -> None:
        self.number = 0
        self._text = text
        self._limits = limits

    def __iter__(self) -> Iterator[str]:
        limits = self._limits
        deadline = time.monotonic() + limits.max_seconds
        samples = 0
        for line in io.StringIO(self._text):
            self.number += 1
            if len(line) > limits.max_line_bytes:
                raise DataError(f"line {self.number} has {len(line)} characters", code="too_long")
            samples += line[0] != "#"
            if samples > limits.max_samples:
                raise DataError(f"more than max_samples = {limits.max_samples} samples", code="too_many")
            if not self.number % _CLOCK_LINES and time.monotonic() > deadline:
                raise DataError(f"not parsed within {limits.max_seconds:g} s", code="slow")
            yield line
