"""How much likelier the exposed complain: relative risk with its interval, lift, and the share they would not make."""

from dataclasses import dataclass

import numpy as np

# Weight of "the exposed complain like everybody", in expected complaints (own): one complaint alone is no proof.
PRIOR_COMPLAINTS = 0.5
_NORMAL_95 = 1.96


@dataclass(frozen=True, kw_only=True)
class Risk:
    """Customers exposed and others, how many of each complained of a topic, and what that says.

    `relative_risk` with its 95 % interval `lo` to `hi`; `shrunk` is it drawn to 1; `lift` the exposed customers' rate
    over everybody's; `attributable` the share of all these complaints that would not have been made (0 at least).
    """

    topic: str
    exposed: int
    exposed_complaints: int
    others: int
    other_complaints: int
    relative_risk: float
    lo: float
    hi: float
    shrunk: float
    lift: float
    attributable: float


def relative_risk(topic: str, exposed_complaints: int, exposed: int, other_complaints: int, others: int) -> Risk:
    """RR = (a / n1) / (b / n0) with the interval exp(ln RR +- 1.96 sqrt(1/a - 1/n1 + 1/b - 1/n0)) (`published`).

    Half a complaint is added on both sides where one has none. Lift = (a / n1) / ((a + b) / (n1 + n0)); population
    attributable fraction = pc (RR - 1) / RR with pc = a / (a + b), the share of the complainers who are exposed
    (Miettinen 1974, `published`). `shrunk` is the gamma-Poisson shrinker's mean (DuMouchel 1999, `published`):
    (a + prior) / (n1 b / n0 + prior), so that a lone complaint is worth little.
    """
    a, b = float(exposed_complaints), float(other_complaints)
    n1, n0 = float(max(exposed, 1)), float(max(others, 1))
    shrunk = (a + PRIOR_COMPLAINTS) / (n1 * b / n0 + PRIOR_COMPLAINTS)
    if min(a, b) == 0:
        a, b, n1, n0 = a + 0.5, b + 0.5, n1 + 1, n0 + 1
    ratio = (a / n1) / (b / n0)
    width = _NORMAL_95 * float(np.sqrt(max(1 / a - 1 / n1 + 1 / b - 1 / n0, 0.0)))
    return Risk(
        topic=topic,
        exposed=exposed,
        exposed_complaints=exposed_complaints,
        others=others,
        other_complaints=other_complaints,
        relative_risk=ratio,
        lo=ratio * float(np.exp(-width)),
        hi=ratio * float(np.exp(width)),
        shrunk=shrunk,
        lift=(a / n1) / ((a + b) / (n1 + n0)),
        attributable=max(a / (a + b) * (ratio - 1) / ratio, 0.0),
    )
