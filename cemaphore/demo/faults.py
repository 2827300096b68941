"""What a fault is: whom it hits, when, and what it does to a session or a touchpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np

from cemaphore.demo.arrays import Bools, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What a fault does; every default does nothing. Probabilities are per session or touchpoint."""

    noise_db: float = 0.0  # rise of noise and interference at the receiver
    load: float = 0.0  # added offered load over capacity
    crowd_share: float = 0.0  # share of all people whom it draws to its cells
    rtt_ms: float = 0.0  # delay between probe and user
    jitter_ms: float = 0.0
    loss: float = 0.0
    squeeze: float = 0.0  # ln of the factor by which throughput shrinks
    access_failure: float = 0.0
    server_rtt_ms: float = 0.0
    think: float = 0.0  # ln of the factor by which a server thinks longer
    dns_failure: float = 0.0
    server_failure: float = 0.0
    crash: float = 0.0
    render: float = 0.0  # ln of the factor by which a phone draws more slowly
    decode_stalls: float = 0.0  # stalls per minute of video that the phone makes by itself
    wait: float = 0.0  # ln of the factor by which a touchpoint makes people wait longer
    touch_failure: float = 0.0
    surge: float = 0.0  # further touchpoints of that kind, over the usual number


_SESSION_EFFECTS = tuple(
    name
    for name in (item.name for item in fields(Effect))
    if name not in ("crowd_share", "wait", "touch_failure", "surge")
)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault, or with no effect one thing that must not be flagged.

    `selector` is what the truth file prints; `lookups` says the same for each attribute of a session or touchpoint
    as one flag per index. `begins_h` and `ends_h` count hours from the world's beginning, half-open.
    """

    id: str
    domain: str
    dimension: str
    over: str
    selector: Mapping[str, tuple[str, ...]]
    lookups: Mapping[str, Bools]
    begins_h: float
    ends_h: float
    topic: str = ""
    effect: Effect = field(default_factory=Effect)

    @property
    def hurts(self) -> bool:
        """Whether it does anything."""
        return self.effect != Effect()

    def active(self, hour: int) -> bool:
        """Whether any part of that hour of the world lies in it."""
        return self.begins_h < hour + 1 and hour < self.ends_h

    def hits(self, attributes: Mapping[str, Ints], at_h: Floats) -> Bools:
        """Return which records it hits, by their attributes' indices and their time in hours."""
        mask = (at_h >= self.begins_h) & (at_h < self.ends_h)
        for name, lookup in self.lookups.items():
            mask &= lookup[attributes[name]]
        return np.asarray(mask, dtype=np.bool_)


@dataclass(frozen=True, kw_only=True)
class Impairment:
    """The sum of all effects on each session; arrays of the sessions' length, named as in `Effect`."""

    noise_db: Floats
    load: Floats
    rtt_ms: Floats
    jitter_ms: Floats
    loss: Floats
    squeeze: Floats
    access_failure: Floats
    server_rtt_ms: Floats
    think: Floats
    dns_failure: Floats
    server_failure: Floats
    crash: Floats
    render: Floats
    decode_stalls: Floats


def impairment(count: int, hits: list[tuple[Effect, Bools]]) -> Impairment:
    """Return the summed effects on `count` sessions of which each effect hits those that its flags name."""
    sums = {name: np.zeros(count) for name in _SESSION_EFFECTS}
    for effect, mask in hits:
        for name in _SESSION_EFFECTS:
            amount = getattr(effect, name)
            if amount:
                sums[name][mask] += amount
    return Impairment(**sums)


def lookup(size: int, chosen: Ints | list[int]) -> Bools:
    """Return one flag per index, set for the chosen ones."""
    flags = np.zeros(size, dtype=np.bool_)
    flags[np.asarray(chosen, dtype=np.int64)] = True
    return flags
