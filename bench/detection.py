"""One window's search against a pandas group-by of the same sessions over the same attributes, and how it grows."""

import time
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import pandas as pd

from bench.pairs import arguments, close, measure, pairs, tell
from qoe.clusters import SESSION_ATTRIBUTES, History, Policy, Units, level_for, search

TARGET = 5.0
# How many values each attribute has in a large city, in the order of SESSION_ATTRIBUTES (own).
VALUES = (30, 4, 12, 16, 5, 40, 8, 120, 400, 900, 4000, 12000)


@dataclass(frozen=True, kw_only=True)
class Size:
    """Sessions of one window, their different combinations of attributes, and their customers."""

    sessions: int
    leaves: int
    users: int
    attributes: int = len(SESSION_ATTRIBUTES)


FULL = Size(sessions=10_000_000, leaves=200_000, users=3_000_000)
LESS = Size(sessions=500_000, leaves=10_000, users=150_000)


def window(size: Size) -> Units:
    """Draw the sessions of one window; one device model and one pair of values are worse."""
    rng = np.random.default_rng(1)
    leaf = rng.integers(0, size.leaves, size.sessions)
    names = SESSION_ATTRIBUTES[-size.attributes :]
    most = VALUES[-size.attributes :]
    of_leaf = {name: rng.integers(1, top + 1, size.leaves) for name, top in zip(names, most, strict=True)}
    worse = (of_leaf[names[-3]] == 7) | ((of_leaf[names[0]] == 3) & (of_leaf[names[1]] == 2))
    chance = np.where(worse, 0.4, 0.05)[leaf]
    return Units(
        time_us=np.zeros(size.sessions, np.int64),
        window=np.zeros(size.sessions, np.int64),
        customer=rng.integers(1, size.users + 1, size.sessions),
        n=np.ones(size.sessions),
        bad=(rng.random(size.sessions) < chance).astype(np.float64),
        expected=np.full(size.sessions, 0.05),
        attributes={name: codes[leaf] for name, codes in of_leaf.items()},
    )


def ours(units: Units) -> int:
    """Search the window; returns how many causes were found."""
    level = level_for(0.2, families=2)
    policy = Policy(level=level, attributes=tuple(units.attributes), scales=(1,))
    return len(search(units, 0, policy, History()).findings)


def peer(units: Units) -> int:
    """Add up the same columns over the same attributes; returns how many leaves there are."""
    frame = pd.DataFrame({**units.attributes, "n": units.n, "bad": units.bad, "expected": units.expected})
    return len(frame.groupby(list(units.attributes))[["n", "bad", "expected"]].sum())


def seconds(size: Size) -> float:
    """Processor seconds of one search."""
    units = window(size)
    began = time.process_time()
    ours(units)
    return time.process_time() - began


def main() -> int:
    """Run the pairs, then vary attributes, leaves and users; exit 1 when the search costs more than the target."""
    asked = arguments(__doc__ or "")
    size = LESS if asked.small else FULL
    units = window(size)
    leaves = peer(units)
    tell(f"{size.sessions:,} sessions, {leaves:,} leaves, {size.users:,} users; {ours(units)} causes found of 2")
    found = pairs(lambda: measure(lambda: ours(units)), lambda: measure(lambda: peer(units)), 3, tell)
    figure = median(mine.cpu_s / theirs.cpu_s for mine, theirs in found)
    base = LESS if asked.small else replace(FULL, sessions=FULL.sessions // 5, users=FULL.users // 5)
    growth: dict[str, float] = {}
    for label, each in (
        ("as it is", base),
        ("half of the attributes", replace(base, attributes=base.attributes // 2)),
        ("a quarter of the leaves", replace(base, leaves=base.leaves // 4)),
        ("a quarter of the users", replace(base, users=base.users // 4)),
        ("a quarter of the sessions", replace(base, sessions=base.sessions // 4)),
    ):
        growth[label] = seconds(each)
        tell(f"{label}: {growth[label]:.2f} CPU s of {base.sessions:,} sessions")
    detail: dict[str, object] = {"pairs": found, "growth": growth}
    unit = "times a group-by"
    return close("detection", figure, unit, TARGET, at_most=True, detail=detail, as_json=asked.json)


if __name__ == "__main__":
    raise SystemExit(main())
