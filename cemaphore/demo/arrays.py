"""Array types of the demo world and the one way in which its random streams are opened."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Stream(IntEnum):
    """What a random stream is for; one number never serves two purposes, so that adding one moves no other."""

    CITY = 1
    PEOPLE = 2
    WHEREABOUTS = 3
    SESSIONS = 4
    LOAD = 5
    COUNTERS = 6
    TOUCHPOINTS = 7
    COMPLAINTS = 8
    SURVEYS = 9
    FAULTS = 10


def stream(seed: int, purpose: Stream, *path: int) -> np.random.Generator:
    """Return the generator of that purpose and place (an hour, a fault); independent of what was drawn before it."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, int(purpose), *path])))


def sigmoid(x: Floats) -> Floats:
    """Return the logistic function of x."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -40.0, 40.0))), dtype=np.float64)


def pick(uniforms: Floats, weights: Floats) -> Ints:
    """Return the index that each uniform number falls on when [0, 1) is divided in proportion to the weights."""
    edges = np.cumsum(weights)
    found = np.searchsorted(edges / edges[-1], uniforms, side="right")
    return np.minimum(found, len(weights) - 1).astype(np.int64)
