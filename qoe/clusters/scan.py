"""Neighbouring sites that are worse together: Kulldorff's scan statistic over circles, components and time."""

from dataclasses import replace

import numpy as np

from qoe.clusters.counts import gain_of, same_harm
from qoe.clusters.findings import Finding, Search
from qoe.clusters.history import History
from qoe.clusters.policy import Policy
from qoe.clusters.selector import Selector
from qoe.clusters.significance import design_effect, upper_tail, within_customer_correlation
from qoe.clusters.space import Space
from qoe.clusters.units import Bools, Floats, Ints, Units
from qoe.clusters.zones import Best, Counts, best_zone, gumbel_tail, maxima

__all__ = ["Space", "with_space"]

PLACES = ("cell", "site", "region")
REPLICATIONS = 99  # drawn maxima that the Gumbel tail is fitted to (own; Abrams et al. 2010 find 99 enough)
MOST = 5  # clusters of one window (own)
SIMPLER = 0.9  # share of a zone's gain by which a description that names places by attribute is kept (own)
_SEED = 20_260_302


def with_space(found: Search, units: Units, last: int, space: Space, policy: Policy, history: History) -> Search:
    """Add the neighbourhoods that nothing found so far describes as well; `units` with the search's drift.

    What other conditions than places explain is taken out first. A zone of whole sites that a finding by place
    describes nearly as well stays that finding: the simpler words are kept.
    """
    recent = units.between(last - policy.support_windows + 1, last)
    findings = list(found.findings)
    for each in found.findings:
        if not set(each.selector.attributes) & set(PLACES):
            recent = recent.where(~each.selector.chosen(recent))
    for zone in scan(recent, last, space, policy, history):
        mine = zone.selector.chosen(recent)
        gain = gain_of(recent, zone.selector, history)
        known = [each for each in findings if _by_place(each)]
        alike = [each for each in known if same_harm(recent, mine, each.selector.chosen(recent), SIMPLER)]
        if any(gain_of(recent, each.selector, history) >= SIMPLER * gain for each in alike):
            continue
        findings = [each for each in findings if each not in alike] + [zone]
    return replace(found, findings=tuple(findings))


def _by_place(finding: Finding) -> bool:
    return set(finding.selector.attributes) <= set(PLACES)


def scan(units: Units, last: int, space: Space, policy: Policy, history: History) -> list[Finding]:
    """Find zones of neighbouring sites in which the last 1 to k windows are significantly worse than expected.

    Zones: circles of the nearest sites around each site, and connected groups of raised sites in the graph of
    neighbours, both at most half of what is expected. The greatest log likelihood ratio is compared with those of
    drawn counts, searched in the same way; a Gumbel distribution fitted to these gives the tail. The best zone is taken
    out and the rest scanned again, until none is significant.
    """
    counts = _counted(units, last, space, policy.support_windows, history)
    if counts is None:
        return []
    spread = _spread(units, history)
    error = history.error("site")
    drawn: Floats | None = None
    found: list[Finding] = []
    while len(found) < MOST:
        best = best_zone(counts, space)
        if best is None or not _notable(best, counts, policy, spread, error):
            break
        if drawn is None:
            drawn = maxima(counts, space, spread, error, REPLICATIONS, np.random.default_rng([_SEED, last]))
        p_value = gumbel_tail(best.gain, drawn)
        finding = _finding(best, counts, space, units, last, p_value, spread)
        if p_value > policy.level or not _felt(finding, units, last, policy):
            break
        found.append(finding)
        counts = counts.without(best.sites)
    return found


def _counted(units: Units, last: int, space: Space, windows: int, history: History) -> Counts | None:
    site = space.site_of(units.attributes["cell"])
    age = last - units.window
    keep = (site >= 0) & (age >= 0) & (age < windows)
    if not keep.any():
        return None
    expected = np.minimum(units.expected * history.factor("cell", units.attributes["cell"]), units.n)
    place = age[keep] * space.size + site[keep]
    shape = (windows, space.size)
    n, bad, mean = (
        np.bincount(place, weights[keep], windows * space.size).reshape(shape).astype(np.float64)
        for weights in (units.n, units.bad, expected)
    )
    return Counts(n=n, bad=bad, expected=mean)


def _spread(units: Units, history: History) -> float:
    """Variance over expectation of a site's windows: what history shows, or that sessions of a customer are alike."""
    counts = np.bincount(np.unique(units.customer, return_inverse=True)[1], units.n).astype(np.float64)
    alike = design_effect(counts, within_customer_correlation(units))
    return max(history.unrest("site"), alike)


def _notable(best: Best, counts: Counts, policy: Policy, spread: float, error: float) -> bool:
    """Whether it is worth drawing for: raised by itself, against history as well as against the other sites."""
    n, bad, expected = counts.of(best)
    severity = (bad - expected) / max(n - expected, 1e-9)
    alone = float(upper_tail(np.array([bad]), np.array([expected]), np.array([spread]), error)[0])
    return severity >= policy.min_severity and bad >= policy.min_bad and alone <= policy.level


def _finding(
    best: Best, counts: Counts, space: Space, units: Units, last: int, p_value: float, spread: float
) -> Finding:
    n, bad, expected = counts.of(best)
    seen = np.unique(units.attributes["cell"][(units.window > last - best.windows)])
    cells = np.intersect1d(space.cells_of(best.sites), seen)
    return Finding(
        selector=Selector.of({"cell": cells.tolist()}),
        scale=best.windows,
        n=n,
        bad=bad,
        expected=expected,
        p_value=p_value,
        q_value=p_value,
        score=best.gain / spread - float(np.log(space.zones)),
    )


def _felt(finding: Finding, units: Units, last: int, policy: Policy) -> bool:
    chosen: Bools = finding.selector.chosen(units) & (units.window > last - finding.scale)
    hurt: Ints = np.unique(units.customer[chosen & (units.bad > 0)])
    return len(np.unique(units.customer[chosen])) >= policy.min_customers and len(hurt) >= policy.min_bad_customers
