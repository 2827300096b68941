"""One window's search: which single values hurt significantly, the best explanation first, each bad unit once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qoe.clusters.history import History
from qoe.clusters.policy import Policy
from qoe.clusters.significance import (
    benjamini_hochberg,
    design_effect,
    log_likelihood_ratio,
    severity,
    upper_tail,
    within_customer_correlation,
)
from qoe.clusters.tables import Table, common_drift, customers_by_code, table_of
from qoe.clusters.units import Bools, Floats, Units


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A value under which experience is worse than expected in the trailing `scale` windows.

    `sibling_of`: too weak to stand alone, it only widens the cluster of that other value of the attribute.
    """

    attribute: str
    code: int
    scale: int
    n: float
    bad: float
    expected: float
    p_value: float
    q_value: float
    score: float
    sibling_of: int | None = None

    @property
    def severity(self) -> float:
        """(bad ratio - expected ratio) / (1 - expected ratio)."""
        return (self.bad - self.expected) / max(self.n - self.expected, 1e-9)


@dataclass(frozen=True, kw_only=True)
class Search:
    """What one window gave: the findings, how many tests were made, and the drift common to all groups."""

    findings: tuple[Finding, ...]
    tests: int
    drift: float


@dataclass(frozen=True, kw_only=True)
class _Tested:
    table: Table
    eligible: Bools
    score: Floats
    p_value: Floats
    severity: Floats


def search(units: Units, last: int, policy: Policy, history: History) -> Search:
    """Search the trailing windows that end with window number `last`; units without expectation must not be given.

    Every value with enough customers is tested at every scale; Benjamini-Hochberg over all these tests. The
    candidate with the best penalised likelihood ratio explains its units; they are taken out, the rest tested again.
    """
    units = units.between(last - max(policy.scales) + 1, last)
    if not len(units):
        return Search(findings=(), tests=0, drift=1.0)
    drift = 1.0
    if policy.drift:
        drift = common_drift([table_of(units, name, last, policy.scales, history) for name in policy.attributes])
    units = units.scaled(drift)
    correlation = within_customer_correlation(units)
    alive = units
    findings: list[Finding] = []
    tests = 0
    while len(findings) < policy.most and len(alive):
        tested = [_test(alive, name, last, policy, history, correlation) for name in policy.attributes]
        tests = tests or int(sum(part.eligible.sum() for part in tested))
        best = _best(tested, policy)
        if best is None:
            break
        findings.append(best)
        siblings = list(_siblings(best, tested, policy))
        findings.extend(siblings)
        explained = frozenset((best.code, *(sibling.code for sibling in siblings)))
        alive = alive.where(~alive.chosen(best.attribute, explained))
    return Search(findings=tuple(findings), tests=tests, drift=drift)


def _test(units: Units, name: str, last: int, policy: Policy, history: History, correlation: float) -> _Tested:
    table = table_of(units, name, last, policy.scales, history)
    unrest = history.unrest(name)
    enough = customers_by_code(units, name, table.code) >= policy.min_customers
    tested = _Tested(
        table=table,
        eligible=enough & (table.n >= policy.min_customers),
        score=log_likelihood_ratio(table.bad, table.expected) / unrest - np.log(max(len(table.code), 1)),
        p_value=upper_tail(table.bad, table.expected, np.full_like(table.expected, unrest)),
        severity=severity(table.bad, table.n, table.expected),
    )
    for row, column in np.argwhere(tested.eligible & _notable(tested, policy) & (tested.p_value <= policy.level)):
        tested.p_value[row, column] = _by_customer(units, last, tested, row, column, policy, unrest, correlation)
    return tested


def _notable(tested: _Tested, policy: Policy) -> Bools:
    return np.asarray((tested.severity >= policy.min_severity) & (tested.table.bad >= policy.min_bad))


def _by_customer(
    units: Units, last: int, tested: _Tested, row: int, column: int, policy: Policy, unrest: float, correlation: float
) -> float:
    """The p-value when units of one customer count as alike as they are; 1 when too few customers are hurt."""
    table, scale = tested.table, policy.scales[row]
    chosen = units.chosen(table.attribute, frozenset({int(table.code[column])})) & (last - units.window < scale)
    customer, n, bad = units.customer[chosen], units.n[chosen], units.bad[chosen]
    if not customer.any():
        return float(tested.p_value[row, column])
    if len(np.unique(customer[bad > 0])) < policy.min_bad_customers:
        return 1.0
    counts = np.bincount(np.unique(customer, return_inverse=True)[1], n).astype(float)
    effect = np.array([max(unrest, design_effect(counts, correlation))])
    return float(upper_tail(table.bad[row, [column]], table.expected[row, [column]], effect)[0])


def _best(tested: list[_Tested], policy: Policy) -> Finding | None:
    p_values = np.concatenate([part.p_value[part.eligible] for part in tested])
    if not len(p_values):
        return None
    adjusted = benjamini_hochberg(p_values)
    found: list[Finding] = []
    offset = 0
    for part in tested:
        size = int(part.eligible.sum())
        q_value = np.ones_like(part.p_value)
        q_value[part.eligible] = adjusted[offset : offset + size]
        offset += size
        good = part.eligible & (q_value <= policy.level) & _notable(part, policy)
        places = np.argwhere(good).tolist()
        found.extend(_finding(part, row, column, float(q_value[row, column]), policy) for row, column in places)
    return max(found, key=lambda each: each.score, default=None)


def _finding(
    part: _Tested, row: int, column: int, q_value: float, policy: Policy, sibling_of: int | None = None
) -> Finding:
    return Finding(
        attribute=part.table.attribute,
        code=int(part.table.code[column]),
        scale=policy.scales[row],
        n=float(part.table.n[row, column]),
        bad=float(part.table.bad[row, column]),
        expected=float(part.table.expected[row, column]),
        p_value=float(part.p_value[row, column]),
        q_value=q_value,
        score=float(part.score[row, column]),
        sibling_of=sibling_of,
    )


def _siblings(best: Finding, tested: list[_Tested], policy: Policy) -> Iterator[Finding]:
    part = next(part for part in tested if part.table.attribute == best.attribute)
    row = policy.scales.index(max(policy.scales))
    good = part.eligible[row] & (part.p_value[row] <= policy.sibling_p_value) & (part.table.bad[row] >= policy.min_bad)
    good &= (part.severity[row] >= max(policy.min_severity, best.severity / 2)) & (part.table.code != best.code)
    for column in np.flatnonzero(good):
        yield _finding(part, row, int(column), 1.0, policy, sibling_of=best.code)
