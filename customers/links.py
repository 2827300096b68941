"""Which complaints a cluster explains, how surely, and who suffers like the complainers and says nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LINK_US = 48 * 3_600_000_000  # a complaint is looked for this long after a bad session (domain.md 2.14)
LINKED = 0.5
# Weight of "the exposed complain like everybody", in expected complaints (own): one complaint alone is no proof.
PRIOR_COMPLAINTS = 0.5
# A complaint comes in this time after its cause on average (own, provisional); half of the belief is in "any time".
MEAN_LAG_US = 12 * 3_600_000_000
ANY_TIME = 0.5
_ROUNDS = 20
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
    shrunk = _shrunk(a, chance)
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

    Odds of each cluster that the complaint follows: o_c = (R_c - 1) * dose * lag, with the shrunk risk R_c of its
    topic among the exposed; P_c = o_c / (1 + sum o). What remains is "nothing known", and all sum to 1. Complaints
    that another cluster explains count for R_c only in so far as it does not: found by repetition.
    """
    topics = np.array([each.topic for each in complaints], dtype=np.str_)
    pairs = [_pairs(complaints, exposure) for exposure in exposures]
    chances = [np.zeros(len(pair.row)) for pair in pairs]
    for _ in range(_ROUNDS):
        odds = [_odds(pair, topics, chances, pairs, at, population) for at, pair in enumerate(pairs)]
        whole = 1 + _per_complaint(odds, pairs, len(complaints))
        chances = [each / whole[pair.row] for each, pair in zip(odds, pairs, strict=True)]
    risks = {pair.exposure.cluster_id: _risks(complaints, topics, pair, population) for pair in pairs}
    links = tuple(
        _link(complaints[row], pair, place, float(chance), risks[pair.exposure.cluster_id])
        for pair, each in zip(pairs, chances, strict=True)
        for row, place, chance in zip(pair.row.tolist(), pair.place.tolist(), each, strict=True)
        if chance > 0
    )
    silent = {each.cluster_id: _silent(each, complaints, links) for each in exposures}
    return Linked(links=links, risks={name: tuple(each.values()) for name, each in risks.items()}, silent=silent)


@dataclass(frozen=True, kw_only=True)
class _Pairs:
    """Complaints (`row`) that follow bad units of an exposed customer (`place`), and how well dose and lag fit.

    `outside`: which complaints were made in that time by customers whom the cluster did not hurt.
    """

    exposure: Exposure
    row: Ints
    place: Ints
    fit: Floats
    outside: NDArray[np.bool_]
    hurt: int


def _pairs(complaints: Sequence[Complaint], exposure: Exposure) -> _Pairs:
    customer = np.array([each.customer for each in complaints], np.int64)
    at_us = np.array([each.at_us for each in complaints], np.int64)
    hurt = exposure.customer[exposure.bad > 0]
    followed = _followed(complaints, exposure)
    row, place = np.array([each[0] for each in followed], np.int64), np.array([each[1] for each in followed], np.int64)
    until = exposure.ended_us + LINK_US
    return _Pairs(
        exposure=exposure,
        row=row,
        place=place,
        fit=_dose(exposure, place) * _lag_fit(exposure, at_us[row], place),
        outside=(exposure.started_us < at_us) & (at_us <= until) & ~np.isin(customer, hurt),
        hurt=len(hurt),
    )


def _dose(exposure: Exposure, place: Ints) -> Floats:
    """How much likelier a caused complaint is this customer's than a chance one: each bad unit is an occasion."""
    mean = float(exposure.bad[exposure.bad > 0].mean()) if (exposure.bad > 0).any() else 1.0
    return np.asarray(exposure.bad[place] / mean, dtype=np.float64)


def _lag_fit(exposure: Exposure, at_us: Ints, place: Ints) -> Floats:
    """How much likelier a caused complaint comes at this lag than a chance one, which comes at any time."""
    lag = _lags(exposure, at_us, place)
    soon = np.exp(-lag / MEAN_LAG_US) / MEAN_LAG_US / -np.expm1(-LINK_US / MEAN_LAG_US)
    return np.asarray(ANY_TIME + (1 - ANY_TIME) * soon * LINK_US, dtype=np.float64)


def _lags(exposure: Exposure, at_us: Ints, place: Ints) -> Ints:
    last, first = exposure.last_bad_us[place], exposure.first_bad_us[place]
    return np.asarray(at_us - np.where(last < at_us, last, first), dtype=np.int64)


def _per_complaint(values: Sequence[Floats], pairs: Sequence[_Pairs], size: int) -> Floats:
    whole = np.zeros(size)
    for each, pair in zip(values, pairs, strict=True):
        np.add.at(whole, pair.row, each)
    return whole


def _odds(
    pair: _Pairs, topics: NDArray[np.str_], chances: Sequence[Floats], pairs: Sequence[_Pairs], at: int, population: int
) -> Floats:
    explained = _per_complaint(chances, pairs, len(topics))
    mine = 1 - explained[pair.row] + chances[at]
    others = max(population - pair.hurt, 1)
    odds = np.zeros(len(pair.row))
    for topic in np.unique(topics[pair.row]):
        inside = topics[pair.row] == topic
        outside = float((1 - explained)[pair.outside & (topics == topic)].sum())
        odds[inside] = max(_shrunk(float(mine[inside].sum()), pair.hurt * outside / others) - 1, 0.0)
    return odds * pair.fit


def _shrunk(seen: float, chance: float) -> float:
    return (seen + PRIOR_COMPLAINTS) / (chance + PRIOR_COMPLAINTS)


def _followed(complaints: Sequence[Complaint], exposure: Exposure) -> list[tuple[int, int]]:
    """Places of complaints made in (0, 48 h] after a bad unit of the same customer, with the customer's place."""
    found: list[tuple[int, int]] = []
    for row, complaint in enumerate(complaints):
        place = int(np.searchsorted(exposure.customer, complaint.customer))
        if place >= len(exposure.customer) or exposure.customer[place] != complaint.customer or not exposure.bad[place]:
            continue
        if exposure.first_bad_us[place] < complaint.at_us <= exposure.last_bad_us[place] + LINK_US:
            found.append((row, place))
    return found


def _risks(complaints: Sequence[Complaint], topics: NDArray[np.str_], pair: _Pairs, population: int) -> dict[str, Risk]:
    """Risk by topic: customers exposed and not, that complained from the cluster's start to 48 h after its end."""
    others = max(population - pair.hurt, 1)
    found: dict[str, Risk] = {}
    for topic in sorted({complaints[row].topic for row in pair.row.tolist()}):
        inside = {complaints[row].customer for row in pair.row.tolist() if complaints[row].topic == topic}
        outside = {complaints[row].customer for row in np.flatnonzero(pair.outside & (topics == topic)).tolist()}
        found[topic] = relative_risk(topic, len(inside), pair.hurt, len(outside), others)
    return found


def _link(complaint: Complaint, pair: _Pairs, place: int, probability: float, risks: Mapping[str, Risk]) -> Link:
    exposure = pair.exposure
    lag = _lags(exposure, np.array([complaint.at_us]), np.array([place]))
    return Link(
        source_id=complaint.source_id,
        complaint_id=complaint.complaint_id,
        cluster_id=exposure.cluster_id,
        probability=probability,
        lag_us=int(lag[0]),
        bad=int(exposure.bad[place]),
        risk=risks[complaint.topic],
    )


def _silent(exposure: Exposure, complaints: Sequence[Complaint], links: Sequence[Link]) -> Ints:
    """Customers with at least as many bad units as the lower quartile of the linked complainers, and no complaint."""
    linked = [each.bad for each in links if each.cluster_id == exposure.cluster_id and each.probability >= LINKED]
    least = float(np.quantile(linked, 0.25)) if linked else HURT_WITHOUT_COMPLAINERS
    until = exposure.ended_us + LINK_US
    spoke = np.array([each.customer for each in complaints if exposure.started_us < each.at_us <= until], np.int64)
    return exposure.customer[(exposure.bad >= max(least, 1)) & ~np.isin(exposure.customer, spoke)]
