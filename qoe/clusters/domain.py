"""Which domain a cluster lies in: the weights of its conditions, of what moved, and of alarms; unknown where thin."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qoe.clusters.evidence import LOADS, Evidence, speaking
from qoe.clusters.selector import Selector
from qoe.clusters.units import Floats

DOMAINS = (
    *("ran_coverage", "ran_capacity", "ran_interference", "transport", "core", "device", "app", "server"),
    *("service_touchpoint", "unknown"),
)
MOVED = 0.5  # standardised difference that counts as moved: Cohen's "medium" effect (published)
BUSY_PRB = 80.0  # % of resource blocks in use from which a cell is short of them: a usual alert threshold (provisional)
MANY_SITES = 3  # sites at once that point behind them, to what carries them all (own)
# Weights of evidence in log odds; all own. `UNKNOWN` is what the best domain has to beat.
UNKNOWN = 1.5
BY_CONDITIONS = 4.0  # the conditions name the domain themselves
MOVED_BY = 2.0  # a measurement that tells a domain moved by `MOVED`; as much again for each standard deviation
HINT = 0.75  # a sign that fits the domain, and others
ALARM = 1.5  # an alarm whose words name the domain
DEMARCATED = 1.0  # a segment that lost all of the points which were lost
JOINT = 1.5  # a domain to which the loss is due when all are estimated together
LEAST_POINTS = 2.0  # points of quality that are worth saying (as of the verdicts on single subjects)
LEAST_SHARE = 0.5
SURE = 2.0  # standard errors, one-sided 97.7 %
MOST_EFFECTS = 3.0  # standard deviations beyond which an effect says no more
# The first of these that is among a selector's columns names the domain.
_BY_ATTRIBUTE = {
    "channel": "service_touchpoint",
    "activity": "service_touchpoint",
    "model": "device",
    "os": "device",
    "app": "app",
    "server": "server",
    "core_node": "core",
}
# What a segment's points speak for, shared evenly: the radio segment is told apart by measurements.
_BY_SEGMENT = {"device": ("device",), "transport_core": ("transport", "core"), "server_app": ("server", "app")}
_PLACES = ("cell", "site", "region", "band", "vendor")
_DIMENSION = {"device": "device", "app": "app", "server": "app", "service_touchpoint": "service"}


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The likeliest domain, the belief in it (0..1), and the evidence with what each piece says."""

    domain: str
    certainty: float
    evidence: tuple[Evidence, ...]


def judge(selector: Selector, sites: int, evidence: Sequence[Evidence]) -> Judgement:
    """Weigh the evidence on a cluster that covers `sites` sites.

    Each piece adds its weights of evidence (Good 1950, `published`) to the domains that it speaks for; the belief is
    the softmax of the sums, with `UNKNOWN` for not knowing.
    """
    pieces = [*_conditions(selector), *evidence]
    if set(selector.attributes) & set(_PLACES) and not any(each in _BY_ATTRIBUTE for each in selector.attributes):
        pieces = _places(pieces, sites, alone=selector.attributes == ("cell",) and sites < MANY_SITES)
    sums = dict.fromkeys(DOMAINS, 0.0) | {"unknown": UNKNOWN}
    for piece in pieces:
        for domain, weight in piece.speaks.items():
            sums[domain] += weight
    odds = np.exp(np.array(list(sums.values())) - max(sums.values()))
    best = max(sums, key=lambda domain: sums[domain])
    certainty = float(odds[DOMAINS.index(best)] / odds.sum())
    return Judgement(domain=best, certainty=round(certainty, 3), evidence=tuple(pieces))


def _conditions(selector: Selector) -> list[Evidence]:
    for name, domain in _BY_ATTRIBUTE.items():
        if name in selector.attributes:
            count = float(len(selector.codes(name)))
            piece = Evidence(kind="conditions", metric=name, before=None, during=count, effect=0.0, unit="values")
            return [speaking(piece, domain, BY_CONDITIONS)]
    return []


def _places(pieces: list[Evidence], sites: int, *, alone: bool) -> list[Evidence]:
    """Let what moved speak: radio for coverage or interference, load for capacity, delay without both for transport."""
    effect = {each.metric: each.effect for each in pieces if each.kind == "measurement"}
    coverage, quality = effect.get("rsrp_dbm", 0.0), effect.get("sinr_db", 0.0)
    slow = max((effect.get(name, 0.0) for name in ("rtt_client_ms", "throughput_dl_kbps", "loss_dl")), default=0.0)
    load = _load(pieces)
    short = load is not None and load.effect >= MOVED and (load.during or 0.0) >= BUSY_PRB
    told: list[tuple[str, str, float]] = []  # metric, domain, weight
    if coverage >= MOVED and coverage >= quality / 2:
        told.append(("rsrp_dbm", "ran_coverage", weight_of(coverage)))
    elif quality >= MOVED:
        told.append(("sinr_db", "ran_interference", weight_of(quality)))
    slowest = max(("rtt_client_ms", "throughput_dl_kbps", "loss_dl"), key=lambda name: effect.get(name, 0.0))
    if load is not None and short and slow >= MOVED / 2:
        told.append((load.metric, "ran_capacity", weight_of(load.effect)))
    elif max(coverage, quality) < MOVED <= slow:
        if sites >= MANY_SITES and not alone:
            told.append((slowest, "transport", weight_of(slow)))
        elif load is None and min(effect.get("rtt_client_ms", 0.0), effect.get("throughput_dl_kbps", 0.0)) >= MOVED:
            told.append(("rtt_client_ms", "ran_capacity", MOVED_BY))
        else:
            told.append((slowest, "transport", HINT))
    told += [
        (each.metric, "ran_coverage", HINT)
        for each in pieces
        if each.metric == "CellAvailability" and each.effect >= MOVED and each.timely
    ]
    return [_told(piece, told) for piece in pieces]


def _told(piece: Evidence, told: Sequence[tuple[str, str, float]]) -> Evidence:
    for metric, domain, weight in told:
        if metric == piece.metric:
            piece = speaking(piece, domain, weight)
    return piece


def _load(pieces: Sequence[Evidence]) -> Evidence | None:
    """The load that moved most, of the kinds of cells that there are."""
    return max((each for each in pieces if each.metric in LOADS), key=lambda each: each.effect, default=None)


def weight_of(effect: float) -> float:
    """Weight of evidence of a measurement that moved by so many standard deviations."""
    return round(MOVED_BY * (0.5 + min(effect, MOST_EFFECTS)), 3)


def alarm_of(time_window: int, domains: Sequence[str], text: str, count: int) -> Evidence:
    """Alarms of one text on the cluster's cells or sites: they speak for the domains that their words name, shared."""
    piece = Evidence(
        kind="alarm", metric=text, before=0.0, during=float(count), effect=0.0, unit="alarms", changed=time_window
    )
    for domain in domains:
        piece = speaking(piece, domain, ALARM / len(domains))
    return piece


def demarcated(segments: Sequence[str], before: Floats, during: Floats) -> list[Evidence]:
    """Mean points that sessions lose by segment, before and during: arrays (segments, sessions), NaN not known.

    A segment that holds at least half of what was added, `LEAST_POINTS` or more, speaks for its domains.
    """
    then, now = np.nanmean(before, axis=1), np.nanmean(during, axis=1)
    added = np.maximum(now - then, 0.0)
    spread = np.sqrt((np.nanvar(before, axis=1) + np.nanvar(during, axis=1)) / 2)
    pieces = []
    for place, name in enumerate(segments):
        piece = Evidence(
            kind="demarcation",
            metric=name,
            before=float(then[place]),
            during=float(now[place]),
            effect=round(float((now - then)[place] / max(spread[place], 1e-9)), 3),
            unit="points",
        )
        share = float(added[place] / max(added.sum(), 1e-9))
        if added[place] >= LEAST_POINTS and share >= LEAST_SHARE:
            for domain in _BY_SEGMENT.get(name, ()):
                piece = speaking(piece, domain, DEMARCATED * share / len(_BY_SEGMENT[name]))
        pieces.append(piece)
    return pieces


def jointly(domains: Sequence[str], before: tuple[Floats, Floats], during: tuple[Floats, Floats]) -> list[Evidence]:
    """What each domain adds to the sessions' quality, all domains estimated together: (points, standard errors).

    The effect is the loss in standard errors. A domain speaks for itself that took at least half of what was lost,
    `LEAST_POINTS` or more and more than two standard errors.
    """
    lost = before[0] - during[0]
    error = np.hypot(before[1], during[1])
    whole = float(np.maximum(lost, 0.0).sum())
    pieces = []
    for place, name in enumerate(domains):
        points, sure = float(lost[place]), float(lost[place] / max(error[place], 1e-9))
        piece = Evidence(
            kind="joint",
            metric=name,
            before=float(before[0][place]),
            during=float(during[0][place]),
            effect=round(sure, 3),
            unit="points",
        )
        if name in DOMAINS and points >= max(LEAST_POINTS, LEAST_SHARE * whole) and sure >= SURE:
            piece = speaking(piece, name, JOINT)
        pieces.append(piece)
    return pieces


def dimension_of(domain: str) -> str:
    """The dimension of experience that a domain belongs to; network where it is not known."""
    return _DIMENSION.get(domain, "network")


def recommendation_of(domain: str) -> str:
    """Code of what to do next, by which its text is found."""
    return f"recommend.{domain}"
