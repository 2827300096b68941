"""Clusters through time: findings of each window open, widen, continue or end them."""

from collections.abc import Callable

import numpy as np

from qoe.clusters.cluster import NOBODY, Cluster, WindowCount, members_of
from qoe.clusters.history import History
from qoe.clusters.policy import Policy
from qoe.clusters.search import Finding, Search, search
from qoe.clusters.significance import log_likelihood_ratio, upper_tail
from qoe.clusters.units import Floats, Units

LOOKBACK = 8  # windows before a detection in which its start is sought (own)
QUIET = 4  # windows without the effect after which a cluster has ended (own)
SAME_TIME = 2  # windows by which starts may differ and be the same event (own)
YOUNG = 8  # windows after detection in which a better description replaces the first one (own)
REACH = LOOKBACK + YOUNG  # windows of units that a step needs
SAME_HARM = 0.7  # share of the smaller excess that two descriptions must have in common to be one cluster (own)
CLEARLY_BETTER = 1.1  # by which the score of another description must be greater (own)

Naming = Callable[[str, int, int], str]  # attribute, code, first window -> cluster id


class Tracker:
    """Follows the clusters of one kind of unit; windows are given one after the other, oldest first."""

    def __init__(self, policy: Policy, naming: Naming, clusters: list[Cluster] | None = None) -> None:
        self._policy = policy
        self._naming = naming
        self.clusters: list[Cluster] = list(clusters or [])

    def step(self, units: Units, window: int, history: History) -> Search:
        """Take in one closed window.

        `units` are those of the windows `window - REACH + 1` to `window`, with an expectation.
        """
        units = history.corrected(units)
        found = search(units, window, self._policy, history)
        scaled = units.scaled(found.drift)
        live = [cluster for cluster in self.clusters if self._alive(cluster, window)]
        for cluster in live:
            if cluster.end is None:
                self._count(cluster, scaled, window, history, found)
        for finding in found.findings:
            self._place(finding, scaled, window, history, live, found)
        for cluster in live:
            self._settle(cluster, units, window)
        return found

    def _alive(self, cluster: Cluster, window: int) -> bool:
        return cluster.end is None or cluster.end + QUIET >= window

    def _place(
        self, finding: Finding, units: Units, window: int, history: History, live: list[Cluster], found: Search
    ) -> None:
        same = [cluster for cluster in live if cluster.attribute == finding.attribute]
        for cluster in same:
            if finding.code in cluster.codes:
                self._continue(cluster, finding, units, window, history, found)
                return
        start = self._onset(units, finding.attribute, frozenset({finding.code}), window, history)
        for cluster in same:
            if self._widens(cluster, finding, units, start, window):
                cluster.codes |= {finding.code}
                self._recount(cluster, units, window, history, found)
                return
        if finding.sibling_of is not None and not self._apart(finding, units):
            return
        for cluster in live:
            if self._same_harm(cluster, finding, units, window, found):
                self._describe(cluster, finding, units, window, history, found)
                return
        if not self._supported(finding, units, window, history):
            return
        opened = Cluster(
            cluster_id=self._naming(finding.attribute, finding.code, start),
            attribute=finding.attribute,
            codes=frozenset({finding.code}),
            start=start,
            detected=window,
            p_value=finding.p_value,
            q_value=finding.q_value,
            counted=start,
        )
        self._recount(opened, units, window, history, found)
        self.clusters.append(opened)
        live.append(opened)

    def _continue(
        self, cluster: Cluster, finding: Finding, units: Units, window: int, history: History, found: Search
    ) -> None:
        if finding.sibling_of is None and finding.q_value < cluster.q_value:
            cluster.p_value, cluster.q_value = finding.p_value, finding.q_value
        if cluster.end is not None:
            cluster.end = None
            for missed in range(cluster.windows[-1].window + 1, window + 1):
                self._count(cluster, units, missed, history, found)

    def _apart(self, finding: Finding, units: Units) -> bool:
        """Whether a cell that was found with others lies elsewhere, and is significant by itself."""
        main = finding.sibling_of
        if finding.attribute != "cell" or main is None or finding.q_value > self._policy.level:
            return False
        return not _in_one_area(units, frozenset({main}), finding.code)

    def _supported(self, finding: Finding, units: Units, window: int, history: History) -> bool:
        """Whether enough of the last windows show the finding one by one, or this one beyond doubt."""
        policy, unrest = self._policy, history.unrest(finding.attribute)
        recent = units.between(window - policy.support_windows + 1, window)
        mine = recent.where(recent.chosen(finding.attribute, frozenset({finding.code})))
        hurt = mine.where((mine.bad > 0) & (mine.window > window - finding.scale))
        many = len(np.unique(hurt.customer)) >= policy.overwhelming_customers
        if many and finding.p_value <= policy.overwhelming_p_value:
            return True
        age, size = window - mine.window, policy.support_windows
        bad = np.bincount(age, mine.bad, size).astype(float)
        expected = np.bincount(age, _expected(mine, finding.attribute, history), size).astype(float)
        tail = upper_tail(bad, expected, np.full(size, unrest), history.error(finding.attribute))
        return int((tail <= policy.support_p_value).sum()) >= policy.support

    def _widens(self, cluster: Cluster, finding: Finding, units: Units, start: int, window: int) -> bool:
        if finding.sibling_of is not None and finding.sibling_of not in cluster.codes:
            return False
        if cluster.attribute == "cell" and not _in_one_area(units, cluster.codes, finding.code):
            return False
        young = window - cluster.detected < YOUNG and cluster.end is None
        return young and abs(start - cluster.start) <= SAME_TIME

    def _describe(
        self, cluster: Cluster, finding: Finding, units: Units, window: int, history: History, found: Search
    ) -> None:
        """Keep the cluster, and describe it by the finding where that fits clearly better."""
        if cluster.end is not None or window - cluster.detected >= YOUNG:
            return
        recent = units.between(window - finding.scale + 1, window)
        mine = recent.where(recent.chosen(cluster.attribute, cluster.codes))
        score = float(log_likelihood_ratio(np.array([mine.bad.sum()]), np.array([mine.expected.sum()]))[0])
        if finding.score * history.unrest(finding.attribute) > CLEARLY_BETTER * score:
            cluster.attribute, cluster.codes = finding.attribute, frozenset({finding.code})
            self._recount(cluster, units, window, history, found)

    def _recount(self, cluster: Cluster, units: Units, window: int, history: History, found: Search) -> None:
        """Count the windows in reach again, as the selector is another one now."""
        first = max(cluster.start, window - REACH + 1)
        cluster.windows = [count for count in cluster.windows if count.window < first]
        cluster.members, cluster.counted = NOBODY, cluster.start
        for each in range(first, window + 1):
            self._count(cluster, units, each, history, found)

    def _count(self, cluster: Cluster, units: Units, window: int, history: History, found: Search) -> None:
        now = units.between(window, window)
        mine = now.where(now.chosen(cluster.attribute, cluster.codes))
        expected = float(_expected(mine, cluster.attribute, history).sum())
        bad = float(mine.bad.sum())
        unrest, error = np.array([history.unrest(cluster.attribute)]), history.error(cluster.attribute)
        tail = upper_tail(np.array([bad]), np.array([expected]), unrest, error)
        q_values = [each.q_value for each in found.findings if self._about(cluster, each)]
        cluster.windows.append(
            WindowCount(
                window=window,
                users=len(np.unique(mine.customer)),
                n=int(mine.n.sum()),
                bad=int(bad),
                expected=expected,
                p_value=float(tail[0]),
                q_value=min(q_values, default=1.0),
            )
        )

    def _about(self, cluster: Cluster, finding: Finding) -> bool:
        return finding.attribute == cluster.attribute and finding.code in cluster.codes

    def _settle(self, cluster: Cluster, units: Units, window: int) -> None:
        """Take in the customers of windows that surely belong to it, and end it after enough quiet ones."""
        if cluster.end is not None:
            return
        last_bad = cluster.last_bad
        ready = units.between(cluster.counted, last_bad)
        cluster.members = cluster.members.plus(members_of(ready.where(ready.chosen(cluster.attribute, cluster.codes))))
        cluster.counted = max(cluster.counted, last_bad + 1)
        if window - last_bad >= QUIET:
            cluster.end = last_bad + 1

    def _onset(self, units: Units, attribute: str, codes: frozenset[int], window: int, history: History) -> int:
        """The first of the trailing windows since which the raised rate is likeliest."""
        recent = units.between(window - LOOKBACK + 1, window)
        mine = recent.where(recent.chosen(attribute, codes))
        age = window - mine.window
        bad = np.cumsum(np.bincount(age, mine.bad, LOOKBACK).astype(float))
        expected = np.cumsum(np.bincount(age, _expected(mine, attribute, history), LOOKBACK).astype(float))
        return window - int(np.argmax(log_likelihood_ratio(bad, expected)))

    def _same_harm(self, cluster: Cluster, finding: Finding, units: Units, window: int, found: Search) -> bool:
        if cluster.end is not None:
            return False
        recent = units.between(window - finding.scale + 1, window)
        mine = recent.chosen(cluster.attribute, cluster.codes)
        siblings = [each.code for each in found.findings if _siblings(each, finding)]
        its = recent.chosen(finding.attribute, frozenset({finding.code, *siblings}))
        excess = recent.bad - recent.expected
        smaller = min(float(excess[mine].sum()), float(excess[its].sum()))
        return smaller > 0 and float(excess[mine & its].sum()) >= SAME_HARM * smaller


def _siblings(one: Finding, main: Finding) -> bool:
    return one.attribute == main.attribute and one.sibling_of == main.code


def _in_one_area(units: Units, cells: frozenset[int], cell: int) -> bool:
    """Whether the cell shares a site or a region with one of the cells; what carries scattered cells carries sites."""
    mine, its = units.chosen("cell", cells), units.chosen("cell", frozenset({cell}))
    shared = [
        np.intersect1d(units.attributes[name][mine], units.attributes[name][its])
        for name in ("site", "region")
        if name in units.attributes
    ]
    return not shared or any(bool((values != 0).any()) for values in shared)


def _expected(units: Units, attribute: str, history: History) -> Floats:
    return np.minimum(units.expected * history.factor(attribute, units.attributes[attribute]), units.n)
