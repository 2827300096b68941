"""Whose fault: what each domain adds to the mean quality of a subject's sessions, and the verdict with its evidence."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qoe.effects import Effects, at
from qoe.normal import CAUSES, Floats, Ints, Normal

DOMAINS = ("network", "device", "app", "server", "core")  # of CAUSES, one each
NONE, UNKNOWN = "none", "unknown"
NETWORK = DOMAINS.index("network")
# All own. Fewer sessions decide nothing; less than two points are not worth a verdict; a domain is to blame when it
# takes at least two points surely (two standard errors, one-sided 97.7 %) and at least half of all that is lost.
LEAST_SESSIONS = 200.0
LEAST_LOSS = 2.0
STANDARD_ERRORS = 2.0
LEAST_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Parts:
    """Points that each domain adds to the mean quality of subjects: `part` and `se` (subjects, domains)."""

    value: Ints
    n: Floats
    part: Floats
    se: Floats


@dataclass(frozen=True, eq=False)
class Verdicts:
    """One of `DOMAINS`, `none` (nothing is lost) or `unknown` per subject, and whom the network is surely not to blame
    for.
    """

    verdict: NDArray[np.str_]
    not_network: NDArray[np.bool_]


def parts_of(sums: Normal, effects: Effects, attribute: str) -> Parts:
    """The parts of every value of an attribute: means, over its sessions, of the effects of all levels they meet.

    A value's own effect is among them; errors of different levels count as independent.
    """
    cause = CAUSES.index(attribute)
    rows = np.flatnonzero(sums.factor == cause)
    n = sums.sessions[rows]
    part, variance = np.zeros((len(rows), len(CAUSES))), np.zeros((len(rows), len(CAUSES)))
    for other in range(len(CAUSES)):
        columns = np.flatnonzero(sums.factor == other)
        mine = effects.attribute == other
        shrunk = at(effects.value[mine], effects.shrunk[mine], sums.value[columns])
        error = at(effects.value[mine], effects.shrunk_se[mine], sums.value[columns])
        share = sums.cross[rows][:, columns].multiply(1.0 / n[:, None])
        part[:, other] = share @ shrunk
        variance[:, other] = share.multiply(share) @ error**2
    return Parts(value=sums.value[rows], n=n, part=part, se=np.sqrt(variance))


def parts_for(sessions: Mapping[str, Mapping[int, float]], effects: Effects) -> Parts:
    """The parts of one subject, say a customer, from its sessions per value of each cause; a value not known adds 0.

    A level that was never seen is as uncertain as its attribute's effects are spread.
    """
    part, variance = np.zeros((1, len(CAUSES))), np.zeros((1, len(CAUSES)))
    most = 0.0
    for cause, name in enumerate(CAUSES):
        counted = sessions.get(name, {})
        total = float(sum(counted.values()))
        if not total:
            continue
        mine, most = effects.attribute == cause, max(most, total)
        values = np.array(list(counted), dtype=np.int64)
        share = np.array(list(counted.values()), dtype=np.float64) / total
        known = np.isin(values, effects.value[mine])
        error = np.where(known, at(effects.value[mine], effects.shrunk_se[mine], values), effects.prior[cause])
        part[0, cause] = share @ at(effects.value[mine], effects.shrunk[mine], values)
        variance[0, cause] = share**2 @ error**2
    return Parts(value=np.zeros(1, dtype=np.int64), n=np.array([most]), part=part, se=np.sqrt(variance))


def verdicts(parts: Parts, least_sessions: float = LEAST_SESSIONS) -> Verdicts:
    """Name the domain at fault of each subject.

    `unknown`: fewer than `least_sessions`, or points are lost and no domain surely takes `LEAST_LOSS` of them and half
    of what all take. `none`: what is lost is less than that. `not_network`: there is enough evidence, and the network
    surely takes less than `LEAST_LOSS`.
    """
    taken = np.maximum(-parts.part, 0.0)
    worst = np.argmax(taken, axis=1)
    rows = np.arange(len(worst))
    most, error = taken[rows, worst], parts.se[rows, worst]
    lost = taken.sum(axis=1)
    enough = parts.n >= least_sessions
    sure = (most >= LEAST_LOSS) & (most - STANDARD_ERRORS * error > 0) & (most >= LEAST_SHARE * lost)
    verdict = np.where(sure, np.array(DOMAINS)[worst], np.where(most < LEAST_LOSS, NONE, UNKNOWN))
    at_most = -parts.part[:, NETWORK] + STANDARD_ERRORS * parts.se[:, NETWORK]
    return Verdicts(verdict=np.where(enough, verdict, UNKNOWN), not_network=enough & (at_most < LEAST_LOSS))
