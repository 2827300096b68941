"""One window's search: which conditions hurt significantly, the best explanation first, each bad unit once."""

from dataclasses import dataclass, replace

import numpy as np

from qoe.clusters.conjunctions import best_conjunction
from qoe.clusters.findings import Finding, Part, Search
from qoe.clusters.history import History
from qoe.clusters.people import People
from qoe.clusters.policy import Policy
from qoe.clusters.selector import Selector
from qoe.clusters.significance import (
    benjamini_hochberg,
    log_likelihood_ratio,
    severity,
    upper_tail,
    within_customer_correlation,
)
from qoe.clusters.tables import Table, common_drift, leaves_of, table_of
from qoe.clusters.units import Bools, Floats, Units


@dataclass(frozen=True, kw_only=True)
class _Tested:
    table: Table
    unrest: float
    eligible: Bools
    error: float
    score: Floats
    p_value: Floats
    severity: Floats


def search(units: Units, last: int, policy: Policy, history: History) -> Search:
    """Search the trailing windows that end with window number `last`; units without expectation must not be given.

    Every value and every combination of values with enough customers is tested at every scale; Benjamini-Hochberg over
    the single values, Bonferroni over the combinations, the level shared between them. The explanation with the best
    likelihood ratio less its description length is kept (a site, not each of its cells; four sites, not the region
    around them); its units are taken out and the rest is tested again.
    """
    units = replace(units, measured={}).between(last - max(policy.scales) + 1, last)
    if not len(units):
        return Search(findings=(), tests=0, drift=1.0)
    leaves, drift = leaves_of(units, policy.attributes), 1.0
    if policy.drift:
        drift = common_drift([table_of(leaves, name, last, policy.scales, history) for name in policy.attributes])
    correlation = within_customer_correlation(units if drift == 1.0 else units.scaled(drift))
    people = People(units=units, correlation=correlation, policy=policy, last=last)
    leaves = leaves.scaled(drift)
    findings: list[Finding] = []
    tests = 0
    while len(findings) < policy.most and len(leaves):
        tested = [_test(leaves, name, last, policy, history, people) for name in policy.attributes]
        conjunction, crossed = best_conjunction(leaves, last, policy, history, people)
        tests = tests or int(sum(part.eligible.sum() for part in tested)) + crossed
        offered = [each for each in (_best(tested, policy), conjunction) if each is not None]
        if not offered:
            break
        best = max(offered, key=lambda each: each.score)
        findings.append(best)
        leaves, people = leaves.where(~best.selector.chosen(leaves)), people.without(best.selector)
    return Search(findings=tuple(findings), tests=tests, drift=drift)


def _test(units: Units, name: str, last: int, policy: Policy, history: History, people: People) -> _Tested:
    table = table_of(units, name, last, policy.scales, history)
    unrest, error = history.unrest(name), history.error(name)
    tested = _Tested(
        table=table,
        unrest=unrest,
        error=error,
        eligible=table.n >= policy.min_customers,
        score=log_likelihood_ratio(table.bad, table.expected) / unrest - np.log(max(len(table.code), 1)),
        p_value=upper_tail(table.bad, table.expected, np.full_like(table.expected, unrest), error),
        severity=severity(table.bad, table.n, table.expected),
    )
    for row, column in np.argwhere(tested.eligible & _notable(tested, policy) & (tested.p_value <= policy.level)):
        selector = Selector.of({name: (int(table.code[column]),)})
        bad, expected = float(table.bad[row, column]), float(table.expected[row, column])
        tested.p_value[row, column] = people.tail(selector, policy.scales[row], bad, expected, unrest, error)
    return tested


def _notable(tested: _Tested, policy: Policy) -> Bools:
    return np.asarray((tested.severity >= policy.min_severity) & (tested.table.bad >= policy.min_bad))


def _best(tested: list[_Tested], policy: Policy) -> Finding | None:
    """The best explanation: one value, or several of one attribute at once."""
    p_values = np.concatenate([part.p_value[part.eligible] for part in tested])
    adjusted = benjamini_hochberg(p_values) * policy.depth if len(p_values) else p_values
    best: Finding | None = None
    offset = 0
    for part in tested:
        size = int(part.eligible.sum())
        q_value = np.ones_like(part.p_value)
        q_value[part.eligible] = adjusted[offset : offset + size]
        offset += size
        for row in range(len(policy.scales)):
            found = _together(part, row, q_value[row], policy)
            if found is not None and (best is None or found.score > best.score):
                best = found
    return best


def _together(part: _Tested, row: int, q_value: Floats, policy: Policy) -> Finding | None:
    """The values of one attribute and scale that explain most together: log likelihood ratio less the description.

    The first must be significant by itself; others, with at least half of its severity, by `sibling_p_value`.
    """
    notable = part.eligible[row] & _notable(part, policy)[row]
    first = notable & (q_value <= policy.level)
    if not first.any():
        return None
    main = int(np.argmax(np.where(first, part.score[row], -np.inf)))
    others = notable & (part.p_value[row] <= policy.sibling_p_value)
    others &= part.severity[row] >= part.severity[row, main] / 2
    others[main] = False
    columns = [main, *sorted(np.flatnonzero(others).tolist(), key=lambda column: -part.score[row, column])]
    bad, expected = np.cumsum(part.table.bad[row, columns]), np.cumsum(part.table.expected[row, columns])
    words = np.log(max(len(part.table.code), 1)) * np.arange(1, len(columns) + 1)
    scores = log_likelihood_ratio(bad, expected) / part.unrest - words
    size = int(np.argmax(scores)) + 1
    parts = tuple(_part(part, row, column) for column in columns[:size])
    return Finding(
        selector=Selector.of({part.table.attribute: [each.code for each in parts]}),
        scale=policy.scales[row],
        n=sum(each.n for each in parts),
        bad=sum(each.bad for each in parts),
        expected=sum(each.expected for each in parts),
        p_value=parts[0].p_value,
        q_value=min(1.0, float(q_value[main])),
        score=float(scores[size - 1]),
        parts=parts,
    )


def _part(part: _Tested, row: int, column: int) -> Part:
    return Part(
        code=int(part.table.code[column]),
        n=float(part.table.n[row, column]),
        bad=float(part.table.bad[row, column]),
        expected=float(part.table.expected[row, column]),
        p_value=float(part.p_value[row, column]),
    )
