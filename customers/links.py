"""Which complaints a cluster explains, how surely, and who suffers like the complainers and says nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

LINK_US = 48 * 3_600_000_000  # a complaint is looked for this long after a bad session (domain.md 2.14)
LINKED = 0.5
# Weight of "the exposed complain like everybody", in expected complaints (own): one complaint alone is no proof.
PRIOR_COMPLAINTS = 0.5
# Bad units from which an exposed customer is hurt while no complainer shows how much it takes (own).
HURT_WITHOUT_COMPLAINERS = 2


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """One complaint: its key, whose, when (microseconds since 1970) and of which topic class."""

    source_id: int
    complaint_id: str
    customer: int
    at_us: int
    topic: str


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Customers of a cluster, sorted by key: bad units of each with the times of its first and last bad one."""

    cluster_id: str
    started_us: int
    ended_us: int
    customer: Ints
    bad: Ints
    first_bad_us: Ints
    last_bad_us: Ints


@dataclass(frozen=True, kw_only=True)
class Risk:
    """How much likelier the exposed complain of a topic: relative risk with its 95 % interval, and shrunk."""

    topic: str
    exposed: int
    exposed_complaints: int
    others: int
    other_complaints: int
    relative_risk: float
    lo: float
    hi: float
    shrunk: float


@dataclass(frozen=True, kw_only=True)
class Link:
    """That the complaint would not have been made without the cluster: its probability and the reasons."""

    source_id: int
    complaint_id: str
    cluster_id: str
    probability: float
    lag_us: int
    bad: int
    risk: Risk


@dataclass(frozen=True, kw_only=True)
class Linked:
    """Links of all complaints, the risks of each cluster, and the silent sufferers of each."""

    links: tuple[Link, ...]
    risks: Mapping[str, tuple[Risk, ...]]
    silent: Mapping[str, Ints]


def relative_risk(topic: str, exposed_complaints: int, exposed: int, other_complaints: int, others: int) -> Risk:
    """RR = (a / n1) / (b / n0) with the interval exp(ln RR +- 1.96 sqrt(1/a - 1/n1 + 1/b - 1/n0)) (`published`).

    Half a complaint is added on both sides where one has none. `shrunk` is the gamma-Poisson shrinker's mean
    (DuMouchel 1999, `published`): (a + prior) / (n1 b / n0 + prior), so that a lone complaint is worth little.
    """
    a, b = float(exposed_complaints), float(other_complaints)
    n1, n0 = float(max(exposed, 1)), float(max(others, 1))
    chance = n1 * b / n0
    shrunk = (a + PRIOR_COMPLAINTS) / (chance + PRIOR_COMPLAINTS)
    if min(a, b) == 0:
        a, b, n1, n0 = a + 0.5, b + 0.5, n1 + 1, n0 + 1
    ratio = (a / n1) / (b / n0)
    width = 1.96 * float(np.sqrt(max(1 / a - 1 / n1 + 1 / b - 1 / n0, 0.0)))
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
    )


def link(complaints: Sequence[Complaint], exposures: Sequence[Exposure], population: int) -> Linked:
    """Link complaints to clusters; `population` is the number of customers that had any session in that time.

    With RR_c of each cluster that the complaint follows, P_c = (RR_c - 1) / (1 + sum (RR - 1)), which is
    (RR - 1) / RR for one cluster; what remains is "nothing known", and all sum to 1.
    """
    candidates: dict[tuple[int, str], list[Link]] = {}
    risks: dict[str, tuple[Risk, ...]] = {}
    for exposure in exposures:
        followed = _followed(complaints, exposure)
        found = _risks(complaints, followed, exposure, population)
        risks[exposure.cluster_id] = tuple(found.values())
        for complaint, place in followed:
            candidates.setdefault((complaint.source_id, complaint.complaint_id), []).append(
                _candidate(complaint, exposure, place, found[complaint.topic])
            )
    links = tuple(shared for group in candidates.values() for shared in _shared(group))
    silent = {each.cluster_id: _silent(each, complaints, links) for each in exposures}
    return Linked(links=links, risks=risks, silent=silent)


def _followed(complaints: Sequence[Complaint], exposure: Exposure) -> list[tuple[Complaint, int]]:
    """Complaints made in (0, 48 h] after a bad unit of the same customer, with the customer's place."""
    found: list[tuple[Complaint, int]] = []
    for complaint in complaints:
        place = int(np.searchsorted(exposure.customer, complaint.customer))
        if place >= len(exposure.customer) or exposure.customer[place] != complaint.customer or not exposure.bad[place]:
            continue
        if exposure.first_bad_us[place] < complaint.at_us <= exposure.last_bad_us[place] + LINK_US:
            found.append((complaint, place))
    return found


def _risks(
    complaints: Sequence[Complaint], followed: list[tuple[Complaint, int]], exposure: Exposure, population: int
) -> dict[str, Risk]:
    """Risk by topic: customers exposed and not, that complained from the cluster's start to 48 h after its end."""
    hurt = set(exposure.customer[exposure.bad > 0].tolist())
    others = max(population - len(hurt), 1)
    until = exposure.ended_us + LINK_US
    found: dict[str, Risk] = {}
    for topic in {complaint.topic for complaint, _ in followed}:
        inside = {complaint.customer for complaint, _ in followed if complaint.topic == topic}
        outside = {
            each.customer
            for each in complaints
            if each.topic == topic and exposure.started_us < each.at_us <= until and each.customer not in hurt
        }
        found[topic] = relative_risk(topic, len(inside), len(hurt), len(outside), others)
    return found


def _candidate(complaint: Complaint, exposure: Exposure, place: int, risk: Risk) -> Link:
    last = int(exposure.last_bad_us[place])
    before = last if last < complaint.at_us else int(exposure.first_bad_us[place])
    return Link(
        source_id=complaint.source_id,
        complaint_id=complaint.complaint_id,
        cluster_id=exposure.cluster_id,
        probability=max(risk.shrunk - 1, 0.0),
        lag_us=complaint.at_us - before,
        bad=int(exposure.bad[place]),
        risk=risk,
    )


def _shared(group: list[Link]) -> list[Link]:
    whole = 1 + sum(each.probability for each in group)
    return [Link(**{**vars(each), "probability": each.probability / whole}) for each in group if each.probability > 0]


def _silent(exposure: Exposure, complaints: Sequence[Complaint], links: Sequence[Link]) -> Ints:
    """Customers with at least as many bad units as the lower quartile of the linked complainers, and no complaint."""
    linked = [each.bad for each in links if each.cluster_id == exposure.cluster_id and each.probability >= LINKED]
    least = float(np.quantile(linked, 0.25)) if linked else HURT_WITHOUT_COMPLAINERS
    until = exposure.ended_us + LINK_US
    spoke = np.array([each.customer for each in complaints if exposure.started_us < each.at_us <= until], np.int64)
    return exposure.customer[(exposure.bad >= max(least, 1)) & ~np.isin(exposure.customer, spoke)]
