"""The HTTP API of a Prometheus server: which series there are, of what type, and their values over a range."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collectors.prometheus.fetching import Answer, Fetcher
from collectors.prometheus.targets import MOST_POINTS, ServerTarget
from records.errors import ConfigError, DataError, TransientError

_COUNTED = frozenset({"counter", "histogram", "summary"})
_ENDINGS = ("_bucket", "_count", "_sum", "_total")


@dataclass(frozen=True, kw_only=True)
class Range:
    """One series over the steps of a query; `value` is NaN where `there` is False, and may be NaN where it is True."""

    labels: Mapping[str, str]
    value: NDArray[np.float64]
    there: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The instants of a range query: `start`, `start + step_s`, ... `count` of them."""

    start: datetime
    step_s: int
    count: int

    @property
    def first_s(self) -> int:
        """The first instant in seconds since 1970 UTC."""
        return round(self.start.timestamp())

    @property
    def instants_s(self) -> NDArray[np.int64]:
        """All instants in seconds since 1970 UTC."""
        return self.first_s + np.arange(self.count, dtype=np.int64) * self.step_s

    def __post_init__(self) -> None:
        """Refuse what the server would refuse."""
        if not 1 <= self.count <= MOST_POINTS:
            raise ConfigError(f"{self.count} points per series were asked for; 1 to {MOST_POINTS} are possible")


@dataclass(kw_only=True)
class Server:
    """Asks one server; `warnings` gathers what it said besides its answers (partial results and the like)."""

    target: ServerTarget
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the connection."""
        self._fetcher = Fetcher(self.target.access)

    def close(self) -> None:
        """Close the connection."""
        self._fetcher.close()

    def names(self, selector: str, steps: Steps) -> list[str]:
        """Return the metric names of the series that a selector matches between the steps."""
        query = {"match[]": selector, "start": str(steps.first_s), "end": str(int(steps.instants_s[-1]))}
        return sorted(_texts(self._ask("/api/v1/label/__name__/values", query)))

    def counters(self, names: Sequence[str]) -> set[str]:
        """Return those of the metrics that only grow: by the server's metadata, else by their endings."""
        known = _mapping(self._ask("/api/v1/metadata", {}))
        return {name for name in names if _is_counter(name, known)}

    def range(self, query: str, steps: Steps) -> list[Range]:
        """Return the series of a query over the steps."""
        asked = {
            "query": query,
            "start": str(steps.first_s),
            "end": str(int(steps.instants_s[-1])),
            "step": str(steps.step_s),
        }
        data = _mapping(self._ask("/api/v1/query_range", asked))
        if data.get("resultType") != "matrix" or not isinstance(data.get("result"), list):
            raise DataError(f"resultType is {data.get('resultType')!r}; a matrix was asked for", code="answer")
        return [series(found, steps) for found in data["result"]]

    def _ask(self, path: str, query: Mapping[str, str]) -> Any:
        answer = self._fetcher.get(path, query)
        body = contents(answer, path, query.get("query") or query.get("match[]", ""))
        self.warnings += [text for key in ("warnings", "infos") for text in _texts(body.get(key) or [])]
        return body["data"]


def contents(answer: Answer, path: str, query: str) -> dict[str, Any]:
    """Return the body of a good answer; what else the server can say becomes an error with its own words.

    `ConfigError`: a bad query (400), no right (401, 403), no such API (404); `DataError`: it cannot be executed (422);
    `TransientError`: timed out, overloaded or away (429, 5xx).
    """
    try:
        body = json.loads(answer.body)
        kept = isinstance(body, dict)
    except (ValueError, RecursionError):
        body, kept = {}, False
    said = str(body.get("error", ""))[:1000] if kept else ""
    kind = str(body.get("errorType", ""))[:100] if kept else ""
    asked = f"{path} {query}".strip()
    if answer.status == 400 or (kind == "bad_data" and answer.status == 200):
        raise ConfigError(f"The server does not understand {asked!r} (400 {kind}): {said}")
    if answer.status in (401, 403):
        raise ConfigError(f"The server refuses {asked!r} ({answer.status}): set headers or header_files of the source.")
    if answer.status == 404:
        raise ConfigError(f"{path} is not there (404): url must be a Prometheus server's, without /api/v1.")
    if answer.status == 422:
        message = f"the server cannot execute {asked!r} (422 {kind}): {said}; fewer series or chunk_points may do"
        raise DataError(message, code=kind or "execution")
    if answer.status != 200:
        raise TransientError(f"The server answered {answer.status} {kind} to {asked!r}: {said}".rstrip(": "))
    if not kept or body.get("status") != "success" or "data" not in body:
        raise DataError(f"the answer to {asked!r} is not that of a Prometheus server", code="answer")
    return dict(body)


def series(found: Any, steps: Steps) -> Range:
    """Return one series of a matrix on the steps; raises `DataError` where it is none."""
    value = np.full(steps.count, np.nan)
    there = np.zeros(steps.count, bool)
    try:
        labels = {str(name): str(text) for name, text in found["metric"].items()}
        pairs = found.get("values") or []
        places = np.array([round((float(at) - steps.first_s) / steps.step_s) for at, _ in pairs], np.intp)
        values = np.array([float(text) for _, text in pairs], np.float64)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise DataError("a series of the answer has not the form of a Prometheus server's", code="answer") from error
    if len(places) and (places.min() < 0 or places.max() >= steps.count):
        raise DataError("the answer has times outside the range that was asked for", code="answer")
    value[places], there[places] = values, True
    return Range(labels=labels, value=value, there=there)


def _is_counter(name: str, known: Mapping[str, Any]) -> bool:
    """Histograms and summaries are described under their base name; a summary's quantiles are no counters."""
    base = next((name.removesuffix(ending) for ending in _ENDINGS if name.endswith(ending)), name)
    for described in (name, base):
        entries = known.get(described)
        kinds = {entry.get("type") for entry in entries if isinstance(entry, dict)} if entries else set()
        if len(kinds) == 1 and (kind := kinds.pop()) not in ("unknown", "untyped"):
            return kind == "counter" or (kind in _COUNTED and described != name)
    return base != name


def _texts(data: Any) -> list[str]:
    return [str(text) for text in data] if isinstance(data, list) else []


def _mapping(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise DataError(f"the answer's data is a {type(data).__name__}; an object was asked for", code="answer")
    return data


def on_time(at_s: NDArray[np.float64], steps: Steps) -> NDArray[np.int64]:
    """Return the index of the step that each sample time belongs to: the first one not before it."""
    return np.ceil(np.nan_to_num((at_s - steps.first_s) / steps.step_s)).astype(np.int64)
