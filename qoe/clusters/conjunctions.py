"""The best explanation of a window by several conditions at once: an app on one server, a model on one band."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from qoe.clusters.counts import error_of, unrest_of
from qoe.clusters.cuboids import Cuboid, Grid, cuboids
from qoe.clusters.findings import Finding, Part
from qoe.clusters.history import History
from qoe.clusters.people import People
from qoe.clusters.policy import Policy
from qoe.clusters.selector import Selector
from qoe.clusters.significance import log_likelihood_ratio, severity, upper_tail
from qoe.clusters.tables import distinct
from qoe.clusters.units import Floats, Ints, Units

_ASKED = 5  # candidates of one combination whose customers are looked at, best first (own)


@dataclass(frozen=True, kw_only=True)
class _Crossed:
    """One combination of columns: its groups' codes (columns, groups) and counts of shape (scales, groups)."""

    names: tuple[str, ...]
    codes: Ints
    n: Floats
    bad: Floats
    expected: Floats
    price: float
    unrest: float
    error: float

    @property
    def score(self) -> Floats:
        """Evidence less the description, in nats."""
        return np.asarray(log_likelihood_ratio(self.bad, self.expected) / self.unrest - self.price)

    def tail(self, row: int, group: int) -> float:
        """Probability of one group's count by chance, customers not yet looked at."""
        bad, expected = self.bad[row, [group]], self.expected[row, [group]]
        return float(upper_tail(bad, expected, np.array([self.unrest]), self.error)[0])


def best_conjunction(
    units: Units, last: int, policy: Policy, history: History, people: People
) -> tuple[Finding | None, int]:
    """The best finding of two or more conditions, if one is significant, and how many groups were tested.

    The levels of one, two and more conditions share the policy's level evenly; within each, Bonferroni over the groups
    that are large enough. A group must explain more than any of its conditions alone, by the price of the others.
    """
    if policy.depth < 2:
        return None, 0
    grid, values = _grid(units, policy.attributes)
    crossed = list(_crossed(units, last, policy, history, grid, values))
    tests = len(policy.scales) * _groups(grid, float(units.n.sum()) / policy.min_customers, policy.depth)
    offered = [(score, each, place) for each in crossed for score, place in _offered(each, policy, tests)]
    for _, each, (row, group) in sorted(offered, key=lambda candidate: -candidate[0]):
        finding = _finding(each, row, group, policy, tests, people)
        if finding.q_value <= policy.level:
            return finding, tests
    return None, tests


def _groups(grid: Grid, most: float, depth: int) -> int:
    """At most so many groups of two or more conditions are large enough to be tested."""
    sizes = [grid.sizes[column] for column in grid.telling]
    return sum(
        int(min(float(np.prod(each)), most)) for size in range(2, depth + 1) for each in combinations(sizes, size)
    )


def _crossed(
    units: Units, last: int, policy: Policy, history: History, grid: Grid, values: list[Ints]
) -> Iterator[_Crossed]:
    """The combinations with groups of enough bad units: few, so that only these are counted whole."""
    hurt = units.bad > 0
    age = last - units.window
    weights = [
        np.where(age < scale, each, 0.0) for scale in policy.scales for each in (units.n, units.bad, units.expected)
    ]
    none = np.zeros(int(hurt.sum()))
    made = cuboids(grid.where(hurt), units.bad[hurt], none, (), policy.depth)
    for cuboid in sorted(made, key=lambda each: each.columns):
        enough = cuboid.sums[0] >= policy.min_bad
        if len(cuboid.columns) > 1 and enough.any():
            yield _counted(cuboid.counted(grid, enough, weights), grid, values, policy, history)


def _grid(units: Units, attributes: tuple[str, ...]) -> tuple[Grid, list[Ints]]:
    """The units as a grid of dense codes, and the label of each code by column."""
    codes, values = [], []
    for name in attributes:
        label, code = distinct(units.attributes[name])
        given = bool(len(label)) and label[0] == 0
        codes.append(code if given else code + 1)
        values.append(label[1:] if given else label)
    return Grid(names=attributes, codes=np.array(codes), sizes=tuple(len(each) for each in values)), values


def _counted(cuboid: Cuboid, grid: Grid, values: list[Ints], policy: Policy, history: History) -> _Crossed:
    names = tuple(grid.names[column] for column in cuboid.columns)
    codes = [values[column][code - 1] for column, code in zip(cuboid.columns, cuboid.codes(grid), strict=True)]
    factor = np.max([history.factor(name, code) for name, code in zip(names, codes, strict=True)], axis=0)
    n, bad, mean = cuboid.sums.reshape(len(policy.scales), 3, -1).transpose(1, 0, 2)
    selector = Selector.of(dict.fromkeys(names, ()))
    words = [np.log(grid.sizes[column]) for column in cuboid.columns]
    return _Crossed(
        names=names,
        codes=np.array(codes, dtype=np.int64),
        n=n,
        bad=bad,
        expected=np.minimum(mean * factor, n),
        price=float(sum(words) + (len(words) - 1) * np.log(len(grid.telling))),
        unrest=unrest_of(selector, history),
        error=error_of(selector, history),
    )


def _offered(crossed: _Crossed, policy: Policy, tests: int) -> list[tuple[float, tuple[int, int]]]:
    """Score, row and group of the best few that chance does not explain, whoever is hurt."""
    notable = (crossed.bad >= policy.min_bad) & (crossed.n >= policy.min_customers)
    notable &= severity(crossed.bad, crossed.n, crossed.expected) >= policy.min_severity
    score = np.where(notable, crossed.score, 0.0)
    places = [np.unravel_index(place, score.shape) for place in np.argsort(-score, axis=None)[:_ASKED]]
    pairs = [(float(score[place]), (int(place[0]), int(place[1]))) for place in places if score[place] > 0]
    return [each for each in pairs if crossed.tail(*each[1]) * tests * policy.depth <= policy.level]


def _finding(crossed: _Crossed, row: int, group: int, policy: Policy, tests: int, people: People) -> Finding:
    codes = dict(zip(crossed.names, crossed.codes[:, group].tolist(), strict=True))
    selector = Selector.of({name: (code,) for name, code in codes.items()})
    scale = policy.scales[row]
    bad, expected = float(crossed.bad[row, group]), float(crossed.expected[row, group])
    p_value = people.tail(selector, scale, bad, expected, crossed.unrest, crossed.error)
    part = Part(
        code=codes[crossed.names[0]], n=float(crossed.n[row, group]), bad=bad, expected=expected, p_value=p_value
    )
    return Finding(
        selector=selector,
        scale=scale,
        n=part.n,
        bad=bad,
        expected=expected,
        p_value=p_value,
        q_value=min(1.0, p_value * tests * policy.depth),
        score=float(crossed.score[row, group]),
        parts=(part,),
    )
