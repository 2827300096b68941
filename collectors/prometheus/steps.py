"""What the steps of a range query tell: increases between samples, and when a target was down."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from collectors.prometheus.server import Range, Steps
from store.scrapes import Outage


@dataclass(frozen=True, kw_only=True)
class Told:
    """Values by the steps between which they hold; a value NaN was reported without a value."""

    ends: NDArray[np.int64]
    starts: NDArray[np.int64]
    value: NDArray[np.float64]
    resets: int = 0


def increases(found: Range, place: NDArray[np.int64], fallen: NDArray[np.float64], limit: int, since: int = 0) -> Told:
    """Return how much a counter grew between the steps that had samples of their own.

    `place` is the step that each value's sample was taken in; `fallen` how often the counter began again within each
    step. Where it fell or began again the increase is its value since, at least. Samples more than `limit` steps apart
    tell nothing of the time between them. Only increases that end after the step `since` are returned.
    """
    index = np.arange(len(place))
    fresh = found.there & (place == index)
    at = np.flatnonzero(fresh)
    if len(at) < 2:
        return Told(ends=at[:0], starts=at[:0], value=np.zeros(0))
    ends, starts = at[1:], at[:-1]
    value, base = found.value[ends], found.value[starts]
    again = np.add.reduceat(fallen, np.minimum(at[:-1] + 1, len(fallen) - 1)) > 0
    reset = again | (value < base)
    known = np.isfinite(base) & (ends - starts <= limit) & (ends > since) & ~(value < 0)
    grown = np.where(reset, value, value - base)
    return Told(ends=ends[known], starts=starts[known], value=grown[known], resets=int((reset & known).sum()))


def outages(found: Range, steps: Steps, target: str, since: int = 0) -> Iterator[Outage]:
    """Yield the runs of steps, from step `since` on, at which `up` was 0."""
    down = found.there & (found.value == 0) & (np.arange(steps.count) >= since)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], down, [False]]).astype(np.int8)))
    for first, after in zip(edges[::2], edges[1::2], strict=True):
        begin, end = (datetime.fromtimestamp(steps.first_s + int(n) * steps.step_s, UTC) for n in (first, after))
        yield Outage(target=target, started_at=begin, ended_at=end, reason="up: Prometheus could not scrape it")
