"""Zones of sites and their likelihood ratios, and what the greatest of them is when nothing is wrong."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.special import xlogy

from qoe.clusters.space import Space
from qoe.clusters.units import Floats, Ints

RAISED = 1.5  # bad over expected from which a site may be part of a connected group (own)
_EULER = 0.5772156649015329


def kulldorff(bad: Floats, expected: Floats, total: float) -> Floats:
    """Log likelihood ratio of a zone with `bad` cases where `expected` are, of `total` cases everywhere.

    c ln(c / E) + (C - c) ln((C - c) / (C - E)), 0 where the zone is not raised (Kulldorff 1997, `published`); the
    expectations of all zones sum to C.
    """
    inside, outside = np.maximum(expected, 1e-9), np.maximum(total - expected, 1e-9)
    gain = xlogy(bad, bad / inside) + xlogy(total - bad, np.maximum(total - bad, 0.0) / outside)
    return np.asarray(np.where(bad * outside > (total - bad) * inside, gain, 0.0), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Units of each site by age in windows: arrays (windows, sites), the newest window first."""

    n: Floats
    bad: Floats
    expected: Floats

    def of(self, best: "Best") -> tuple[float, float, float]:
        """Units, bad units and expected bad units of a zone, by history's expectation."""
        n, bad, expected = (float(each[: best.windows, best.sites].sum()) for each in (self.n, self.bad, self.expected))
        return n, bad, expected

    def without(self, sites: Ints) -> "Counts":
        """The counts with nothing at these sites."""
        kept = np.ones(self.n.shape[1])
        kept[sites] = 0.0
        return Counts(n=self.n * kept, bad=self.bad * kept, expected=self.expected * kept)


@dataclass(frozen=True, kw_only=True)
class Best:
    """The zone with the greatest likelihood ratio: its sites, and how many windows back it reaches."""

    gain: float
    sites: Ints
    windows: int


def best_zone(counts: Counts, space: Space) -> Best | None:
    """The likeliest of all circles and connected groups over the last 1, 2, ... windows; None where none is raised."""
    bad, expected = np.cumsum(counts.bad, axis=0), np.cumsum(counts.expected, axis=0)
    best: Best | None = None
    for row in range(len(bad)):
        found = _best_of(bad[row], expected[row], space)
        if found is not None and (best is None or found[0] > best.gain):
            best = Best(gain=found[0], sites=found[1], windows=row + 1)
    return best


def _best_of(bad: Floats, expected: Floats, space: Space) -> tuple[float, Ints] | None:
    total, mean = float(bad.sum()), float(expected.sum())
    if total <= 0 or mean <= 0:
        return None
    expected = expected * (total / mean)
    gain = _circles(bad, expected, total, space)
    place = int(np.argmax(gain))
    centre, size = divmod(place, space.nearest.shape[1])
    best, sites = float(gain.flat[place]), space.nearest[centre, : size + 1]
    groups = _groups(bad, expected, space)
    if groups is not None:
        inside = np.bincount(groups, bad)[1:].astype(np.float64)
        mean_inside = np.bincount(groups, expected)[1:].astype(np.float64)
        raised = np.where(mean_inside <= total / 2, kulldorff(inside, mean_inside, total), 0.0)
        if len(raised) and raised.max() > best:
            best, sites = float(raised.max()), np.flatnonzero(groups == int(np.argmax(raised)) + 1)
    return (best, np.sort(sites)) if best > 0 else None


def _circles(bad: Floats, expected: Floats, total: float, space: Space) -> Floats:
    inside = np.cumsum(bad[space.nearest], axis=1)
    mean = np.cumsum(expected[space.nearest], axis=1)
    return np.where(mean <= total / 2, kulldorff(inside, mean, total), 0.0)


def _groups(bad: Floats, expected: Floats, space: Space) -> Ints | None:
    """Number of each site's connected group of raised sites, 0 for sites that are not raised (Patil, Taillie 2004)."""
    raised = np.flatnonzero(bad > RAISED * expected)
    if len(raised) < 2:
        return None
    part = space.graph[raised][:, raised]
    _, label = connected_components(part, directed=False)
    groups = np.zeros(space.size, np.int64)
    groups[raised] = label + 1
    return groups


def maxima(
    counts: Counts, space: Space, spread: float, error: float, replications: int, rng: np.random.Generator
) -> Floats:
    """Draw counts in which nothing is wrong, and return the greatest likelihood ratio of each draw.

    Each site's rate has the relative error of its expectation, the same in all windows, and each window's count a
    negative binomial's variance `spread` times its mean.
    """
    windows, sites = counts.expected.shape
    found = np.zeros(replications)
    for draw in range(replications):
        rate = rng.gamma(1 / error**2, error**2, sites) if error > 0 else np.ones(sites)
        mean = counts.expected * rate
        if spread > 1:
            mean = rng.gamma(np.maximum(mean / (spread - 1), 1e-9), spread - 1, (windows, sites))
        drawn = Counts(n=counts.n, bad=rng.poisson(mean).astype(np.float64), expected=counts.expected)
        best = best_zone(drawn, space)
        found[draw] = best.gain if best is not None else 0.0
    return found


def gumbel_tail(gain: float, drawn: Floats) -> float:
    """Probability of so great a maximum, by the Gumbel distribution with the drawn maxima's mean and variance.

    Abrams, Kulldorff and Kleinman 2010 (`published`): the tail beyond the draws, where a rank says only 1 / (N + 1).
    """
    scale = max(float(drawn.std(ddof=1)) * np.sqrt(6) / np.pi, 1e-9)
    place = float(drawn.mean()) - _EULER * scale
    return float(-np.expm1(-np.exp(-(gain - place) / scale)))
