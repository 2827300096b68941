"""Which complaints a cluster explains, and how surely: competing causes of each complaint, weighed by their rates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from customers.background import Background, Span
from customers.exposure import (
    HOUR_US,
    LINK_H,
    LINK_US,
    Complaint,
    Exposure,
    Floats,
    Ints,
    density,
    passed,
    same_place,
)
from customers.taxonomy import NO_EXPERIENCE

LINKED = 0.5
_ROUNDS = 60
_SETTLED = 1e-4
# What is believed before any complaint was seen, and its weight in complaints (own).
_MEAN_LAG_H, _LAG_WEIGHT = 12.0, 5.0
_RATE_WEIGHT, _POOL_WEIGHT = 1.0, 1.0
_TOPIC_WEIGHT, _OWN_TOPICS, _NO_EXPERIENCE_TOPICS = 4.0, 3.0, 0.1  # and what a cluster of a dimension makes people say
_SAME, _SAME_WEIGHT = (0.9, 0.3), 4.0  # share of complaints that name the cluster's place: of its own, of chance ones


@dataclass(frozen=True, kw_only=True)
class Link:
    """That the complaint would not have been made without the cluster: its probability and the reasons.

    `relative_risk` is how much likelier this customer was to complain then of that topic, for all causes together;
    `lag_h` since their last bad unit before, `bad` how many they had, `same_place` as in `exposure.same_place`,
    `topic_share` how many of the cluster's complaints are of this topic.
    """

    source_id: int
    complaint_id: str
    cluster_id: str
    probability: float
    relative_risk: float
    lag_h: float
    bad: int
    dose: float
    topic: str
    topic_share: float
    same_place: bool | None


@dataclass(frozen=True, kw_only=True)
class Linked:
    """Links of all complaints, what remains unexplained of each, and complaints per bad unit of each cluster."""

    links: tuple[Link, ...]
    unexplained: Floats
    rate: Mapping[str, float]
    mean_lag_h: float


@dataclass(frozen=True, kw_only=True)
class _Pairs:
    """Complaints (`row`) that follow bad units of a customer (`place`) of one cluster.

    `lag_h` has the shape (k, points) and is not positive where the unit came later; `same` is 1, 0, or -1 where nothing
    can be said; `whole` is the dose of all customers, `until_h` how long ago the last bad unit is on average.
    """

    exposure: Exposure
    row: Ints
    place: Ints
    lag_h: Floats
    dose: Floats
    topic: Ints
    same: Ints
    whole: float
    until_h: float


@dataclass(kw_only=True)
class _State:
    """What is estimated: rates by cluster, topics by cluster, the mean lag, and how telling a named place is."""

    rate: Floats
    topics: Floats
    mean_h: float = _MEAN_LAG_H
    same: tuple[float, float] = _SAME


def link(
    complaints: Sequence[Complaint],
    exposures: Sequence[Exposure],
    span: Span,
    dimensions: Mapping[str, str] | None = None,
) -> Linked:
    """Link the complaints of `span` to clusters; `dimensions` says which dimension a topic class speaks of.

    Each hurt customer complains of cluster c at the rate a_c * dose * g(lag) * topic * place, and by chance at the
    background's. P_c = rate of c / all rates; what remains is "nothing known", and all sum to 1. With RR = all rates /
    the background's that is (RR - 1) / RR shared over the clusters. Rates are fitted to the probabilities and these to
    the rates, in turn: stochastic declustering (Zhuang, Ogata and Vere-Jones 2002, `published`), an EM algorithm of a
    self-exciting process, every estimate drawn to the mean over all clusters.
    """
    names = sorted({each.topic for each in complaints} | set(dimensions or {}))
    pairs = [_pairs(complaints, exposure, span, names) for exposure in exposures]
    background = Background(complaints, span)
    prior = _topic_prior(names, exposures, dimensions or {})
    chances = [np.zeros(len(pair.row)) for pair in pairs]
    unexplained = np.ones(len(complaints))
    state = _State(rate=np.zeros(len(pairs)), topics=prior)
    for _ in range(_ROUNDS):
        before = unexplained
        base = background.rates(unexplained)
        state = _fitted(pairs, chances, state, prior, _usual_rate(complaints, span))
        raised = [_raised(pair, state, at) / base[pair.row] for at, pair in enumerate(pairs)]
        whole = 1 + sum_of(raised, [pair.row for pair in pairs], len(complaints))
        chances = [each / whole[pair.row] for each, pair in zip(raised, pairs, strict=True)]
        unexplained = 1 / whole
        if len(complaints) == 0 or np.abs(unexplained - before).max() < _SETTLED:
            break
    links = tuple(
        each for at, pair in enumerate(pairs) for each in _links(complaints, pair, chances[at], unexplained, state, at)
    )
    rate = {pair.exposure.cluster_id: float(state.rate[at]) for at, pair in enumerate(pairs)}
    return Linked(links=links, unexplained=unexplained, rate=rate, mean_lag_h=state.mean_h)


def sum_of(values: Sequence[Floats], rows: Sequence[Ints], size: int) -> Floats:
    """Sum of values by row."""
    whole = np.zeros(size)
    for each, row in zip(values, rows, strict=True):
        np.add.at(whole, row, each)
    return whole


def _pairs(complaints: Sequence[Complaint], exposure: Exposure, span: Span, names: Sequence[str]) -> _Pairs:
    harm = exposure.harm
    at_us = np.array([each.at_us for each in complaints], np.int64)
    place = exposure.places_of(np.array([each.customer for each in complaints], np.int64))
    rows = np.flatnonzero(place >= 0)
    first, last = harm.first_bad_us[place[rows]], harm.last_bad_us[place[rows]]
    rows = rows[(first < at_us[rows]) & (at_us[rows] <= last + LINK_US)]
    places = place[rows]
    chosen = [complaints[row] for row in rows.tolist()]
    at_h = np.array([(each.at_us - exposure.started_us) / HOUR_US for each in chosen], np.float64)
    same = [same_place(each, exposure) for each in chosen]
    return _Pairs(
        exposure=exposure,
        row=rows,
        place=places,
        lag_h=at_h.reshape(-1, 1) - exposure.moments(places),
        dose=exposure.dose(harm.n[places], harm.bad[places]),
        topic=np.array([names.index(each.topic) for each in chosen], np.int64),
        same=np.array([-1 if each is None else int(each) for each in same], np.int64),
        whole=exposure.whole_dose(),
        until_h=(span.end_us - exposure.crowd.last_bad_us) / HOUR_US,
    )


def _topic_prior(names: Sequence[str], exposures: Sequence[Exposure], dimensions: Mapping[str, str]) -> Floats:
    """What the complaints of a cluster are about, before any was seen: its own dimension above the others."""
    rows = [[_weight(dimensions.get(name), exposure.dimension) for name in names] for exposure in exposures]
    table = np.array(rows, np.float64).reshape(len(exposures), len(names))
    return np.asarray(table / np.maximum(table.sum(axis=1, keepdims=True), 1e-9), dtype=np.float64)


def _weight(spoken_of: str | None, dimension: str) -> float:
    return {dimension: _OWN_TOPICS, NO_EXPERIENCE: _NO_EXPERIENCE_TOPICS}.get(spoken_of or "", 1.0)


def _usual_rate(complaints: Sequence[Complaint], span: Span) -> float:
    """Complaints per bad unit that would double what comes by chance in 48 hours: what is believed first (own)."""
    return (len(complaints) + 1) / max(span.customers, 1) / span.hours * LINK_H


def _fitted(
    pairs: Sequence[_Pairs], chances: Sequence[Floats], state: _State, prior: Floats, usual_rate: float
) -> _State:
    """The estimates that fit the probabilities best, each drawn to the mean of its kind."""
    due = np.array([pair.whole * passed(pair.until_h, state.mean_h) for pair in pairs])
    mine = np.array([each.sum() for each in chances])
    pooled = (mine.sum() + _POOL_WEIGHT) / (due.sum() + _POOL_WEIGHT / usual_rate)
    rate = (mine + _RATE_WEIGHT) / (due + _RATE_WEIGHT / pooled)
    return _State(
        rate=rate,
        topics=_topics(pairs, chances, prior),
        mean_h=_mean_lag(pairs, chances, state),
        same=_same(pairs, chances),
    )


def _topics(pairs: Sequence[_Pairs], chances: Sequence[Floats], prior: Floats) -> Floats:
    """What each cluster's complaints are about, drawn to those of all clusters of its dimension."""
    seen = np.zeros_like(prior)
    for at, (pair, chance) in enumerate(zip(pairs, chances, strict=True)):
        np.add.at(seen[at], pair.topic, chance)
    kind = np.array([pair.exposure.dimension for pair in pairs], np.str_)
    for each in np.unique(kind):
        of_kind = kind == each
        pool = seen[of_kind].sum(axis=0) + _TOPIC_WEIGHT * prior[of_kind][0]
        seen[of_kind] += _TOPIC_WEIGHT * pool / pool.sum()
    return np.asarray(seen / np.maximum(seen.sum(axis=1, keepdims=True), 1e-9), dtype=np.float64)


def _mean_lag(pairs: Sequence[_Pairs], chances: Sequence[Floats], state: _State) -> float:
    weight, lags = _LAG_WEIGHT, _LAG_WEIGHT * _MEAN_LAG_H
    for pair, chance in zip(pairs, chances, strict=True):
        fit = density(pair.lag_h, state.mean_h)
        mean = (fit * np.nan_to_num(pair.lag_h)).sum(axis=1) / np.maximum(fit.sum(axis=1), 1e-12)
        weight, lags = weight + float(chance.sum()), lags + float((chance * mean).sum())
    return lags / weight


def _same(pairs: Sequence[_Pairs], chances: Sequence[Floats]) -> tuple[float, float]:
    """How many complaints name the cluster's place: of those it caused, and of chance ones of the same customers.

    The weights of evidence of Fellegi and Sunter (1969, `published`).
    """
    hits, counts = [_SAME_WEIGHT * each for each in _SAME], [_SAME_WEIGHT, _SAME_WEIGHT]
    for pair, chance in zip(pairs, chances, strict=True):
        said = pair.same >= 0
        for kind, weight in enumerate((chance[said], 1 - chance[said])):
            hits[kind] += float((weight * pair.same[said]).sum())
            counts[kind] += float(weight.sum())
    return hits[0] / counts[0], hits[1] / counts[1]


def _raised(pair: _Pairs, state: _State, at: int) -> Floats:
    """Complaints per hour of each pair's customer, of that topic, that the cluster causes."""
    points = np.maximum((~np.isnan(pair.lag_h)).sum(axis=1), 1)
    when = density(pair.lag_h, state.mean_h).sum(axis=1) / points
    of_cluster, of_chance = state.same
    place = np.where(pair.same == 1, of_cluster / of_chance, (1 - of_cluster) / (1 - of_chance))
    place = np.where(pair.same >= 0, place, 1.0)
    return np.asarray(state.rate[at] * pair.dose * when * state.topics[at][pair.topic] * place, dtype=np.float64)


def _links(
    complaints: Sequence[Complaint], pair: _Pairs, chance: Floats, unexplained: Floats, state: _State, at: int
) -> list[Link]:
    return [
        Link(
            source_id=complaints[row].source_id,
            complaint_id=complaints[row].complaint_id,
            cluster_id=pair.exposure.cluster_id,
            probability=float(chance[index]),
            relative_risk=float(1 / unexplained[row]),
            lag_h=float(np.nanmin(np.where(pair.lag_h[index] > 0, pair.lag_h[index], np.nan))),
            bad=int(pair.exposure.harm.bad[pair.place[index]]),
            dose=float(pair.dose[index]),
            topic=complaints[row].topic,
            topic_share=float(state.topics[at][pair.topic[index]]),
            same_place=None if pair.same[index] < 0 else bool(pair.same[index]),
        )
        for index, row in enumerate(pair.row.tolist())
        if chance[index] > 0
    ]
