"""From samples of series to values of periods: increases of what only grows, values of the rest, never a guess."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collectors.prometheus.memory import NEVER

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Samples:
    """One sample a series: time in microseconds since 1970 UTC, and since when the series counts (`NEVER`: untold)."""

    value: Floats
    at_us: Ints
    created_us: Ints
    monotone: Bools

    def take(self, chosen: NDArray[np.intp]) -> "Samples":
        """Return the samples at these positions."""
        return Samples(
            value=self.value[chosen],
            at_us=self.at_us[chosen],
            created_us=self.created_us[chosen],
            monotone=self.monotone[chosen],
        )


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What each sample says of the period that it ends; where `tells` is False it says nothing yet.

    `value` NaN: the period was reported without a value. `reset`: the value is what was counted since the reset, so
    at least that much. `first`: a counter from which the next sample is counted.
    """

    value: Floats
    start_us: Ints
    tells: Bools
    reset: Bools
    first: Bools


def changes(
    samples: Samples, last: Floats, last_us: Ints, *, previous_us: int, interval_us: int, max_gap_us: int
) -> Changes:
    """Compare samples with the last ones of their series (`last_us` `NEVER`: none).

    Counters: the increase since the last sample, or since 0 where the counter fell or says that it was made after
    that sample. A counter without a last sample within `max_gap_us` tells nothing, unless it says that it was made
    after `previous_us`, when the source was last read: it then grew from 0. Gauges: the value, for one interval or
    the time since `previous_us` where that is shorter. A sample no newer than the last one tells nothing.
    """
    at, value, monotone = samples.at_us, samples.value, samples.monotone
    seen = last_us != NEVER
    since = np.where(seen, last_us, at)
    fresh = ~seen | (at > since)
    known = seen & fresh & np.isfinite(last) & (at - since <= max_gap_us)
    read_before = previous_us != NEVER
    previous = np.full_like(at, previous_us) if read_before else at - interval_us
    near = read_before & (previous < at) & (at - previous <= max_gap_us)
    born = ~known & fresh & near & (samples.created_us > previous)
    base = np.where(known, last, 0.0)
    reset = monotone & known & ((value < base) | (samples.created_us > since))
    tells = np.where(monotone, known | born, fresh)
    gauge_start = np.maximum(at - interval_us, np.where(previous < at, previous, NEVER))
    return Changes(
        value=np.where(monotone & ~reset & ~born, value - base, value),
        start_us=np.where(monotone, np.where(known, since, previous), gauge_start),
        tells=tells,
        reset=reset,
        first=monotone & fresh & ~tells,
    )
