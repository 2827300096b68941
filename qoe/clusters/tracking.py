"""Clusters through time: the findings of each window open, continue, grow, merge, split or end them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qoe.clusters.changepoint import Onset, onset_of
from qoe.clusters.cluster import NOBODY, Cluster, WindowCount, members_of
from qoe.clusters.counts import excess_of, gain_of, same_harm, series_of, unrest_of
from qoe.clusters.findings import Finding, Search
from qoe.clusters.growth import joining
from qoe.clusters.history import History
from qoe.clusters.policy import Policy
from qoe.clusters.scan import with_space
from qoe.clusters.search import search
from qoe.clusters.selector import Selector
from qoe.clusters.space import Space
from qoe.clusters.units import Units

LOOKBACK = 8  # windows before a detection in which its start is sought (own)
QUIET = 4  # windows without the effect after which a cluster has ended (own)
BACK = 8  # windows after its end in which the same effect is the same cluster come back (own)
SAME_TIME = 2  # windows by which starts may differ and be the same event (own)
YOUNG = 8  # windows after detection in which a better description replaces the first one (own)
REACH = LOOKBACK + YOUNG  # windows of units that a step needs
SAME_HARM = 0.7  # share of the smaller excess that two descriptions must have in common to be one cluster (own)
CLEARLY_BETTER = 1.1  # by which the score of another description must be greater (own)

Naming = Callable[[Selector, int], str]  # conditions, first window -> cluster id


@dataclass(frozen=True, kw_only=True)
class _Now:
    """One window's step: its number, the units in reach, what history says, and what was found."""

    window: int
    units: Units
    history: History
    findings: tuple[Finding, ...]

    def recent(self, windows: int) -> Units:
        return self.units.between(self.window - windows + 1, self.window)


class Tracker:
    """Follows the clusters of one kind of unit; windows are given one after the other, oldest first.

    With `space`, neighbouring sites are searched too.
    """

    def __init__(
        self, policy: Policy, naming: Naming, clusters: Sequence[Cluster] = (), space: Space | None = None
    ) -> None:
        self._policy = policy
        self._naming = naming
        self._space = space
        self.clusters: list[Cluster] = list(clusters)

    def step(self, units: Units, window: int, history: History) -> Search:
        """Take in one closed window.

        `units` are those of the windows `window - REACH + 1` to `window`, with an expectation.
        """
        units = history.corrected(units)
        found = search(units, window, self._policy, history)
        scaled = units.scaled(found.drift)
        if self._space is not None:
            found = with_space(found, scaled, window, self._space, self._policy, history)
        now = _Now(window=window, units=scaled, history=history, findings=found.findings)
        live = [each for each in self.clusters if each.end is None or each.end + BACK >= window]
        for cluster in live:
            if cluster.end is None:
                self._follow(cluster, now)
        left = self._split(now, live)
        for finding in left:
            self._place(finding, now, live)
        for cluster in live:
            self._settle(cluster, units, window)
        return found

    def _place(self, finding: Finding, now: _Now, live: list[Cluster]) -> None:
        same = [each for each in live if _alike(each.selector, finding.selector)]
        if same:
            cluster = min(same, key=lambda each: (each.end is not None, each.detected))
            rest = self._continue(cluster, finding, now)
            self._absorb(cluster, now, live)
            if rest is not None:
                self._place(rest, now, live)
            return
        for cluster in live:
            if cluster.end is None and self._harmful(cluster.selector, finding, now):
                self._describe(cluster, finding, now)
                self._absorb(cluster, now, live)
                return
        self._open(finding, now, live)

    def _continue(self, cluster: Cluster, finding: Finding, now: _Now) -> Finding | None:
        """Follow a cluster with what was found of it again; returns what began apart from it, if anything."""
        if finding.q_value < cluster.q_value:
            cluster.p_value, cluster.q_value = finding.p_value, finding.q_value
        if cluster.end is not None:
            cluster.end = None
            cluster.note(now.window, "reopened")
            self._recount(cluster, now, cluster.windows[-1].window + 1)
        young = now.window - cluster.detected < YOUNG
        grown = self._joined(cluster.selector, cluster.onset, finding.selector, now) if young else cluster.selector
        if grown != cluster.selector:
            cluster.selector = grown
            cluster.note(now.window, "grown")
            self._again(cluster, now)
        return self._apart(finding, grown, now)

    def _joined(self, selector: Selector, onset: Onset, further: Selector, now: _Now) -> Selector:
        def began(values: Selector) -> bool:
            return abs(self._onset(values, now.window, now.window, now).window - onset.window) <= SAME_TIME

        return joining(selector, further, now.units, began)

    def _apart(self, finding: Finding, selector: Selector, now: _Now) -> Finding | None:
        """The part of a finding that a selector does not take in, where it is significant by itself."""
        (name, *more), rest = finding.selector.attributes, finding.selector
        if more or selector.attributes != (name,):
            return None
        values = finding.selector.codes(name) - selector.codes(name)
        parts = tuple(each for each in finding.parts if each.code in values and each.p_value <= self._policy.level)
        if not parts:
            return None
        rest = Selector.of({name: [each.code for each in parts]})
        n, bad, expected = (sum(getattr(each, what) for each in parts) for what in ("n", "bad", "expected"))
        score = gain_of(now.recent(finding.scale), rest, now.history) / unrest_of(rest, now.history)
        best = min(each.p_value for each in parts)
        return replace(finding, selector=rest, parts=parts, n=n, bad=bad, expected=expected, score=score, p_value=best)

    def _open(self, finding: Finding, now: _Now, live: list[Cluster], parent: Cluster | None = None) -> None:
        if not self._supported(finding, now):
            return
        selector, onset = self._core(finding, now)
        opened = Cluster(
            cluster_id=self._naming(selector, onset.window),
            selector=selector,
            onset=onset,
            detected=now.window,
            p_value=finding.p_value,
            q_value=finding.q_value,
            counted=onset.window,
        )
        if parent is None:
            opened.note(now.window, "opened")
        else:
            opened.note(now.window, "split_from", parent.cluster_id)
        self._again(opened, now)
        self.clusters.append(opened)
        live.append(opened)
        rest = self._apart(finding, selector, now)
        if rest is not None:
            self._open(rest, now, live)

    def _core(self, finding: Finding, now: _Now) -> tuple[Selector, Onset]:
        """The values of a finding that began with its main one, and when."""
        selector, parts = finding.selector, finding.parts
        if len(parts) > 1 and len(selector.attributes) == 1:
            main = max(parts, key=lambda each: each.bad - each.expected)
            alone = Selector.of({selector.attributes[0]: (main.code,)})
            selector = self._joined(alone, self._onset(alone, now.window, now.window, now), selector, now)
        return selector, self._onset(selector, now.window, now.window, now)

    def _supported(self, finding: Finding, now: _Now) -> bool:
        """Whether enough of the last windows show the finding one by one, or this one beyond doubt."""
        policy = self._policy
        recent = now.recent(finding.scale)
        hurt = recent.where(finding.selector.chosen(recent) & (recent.bad > 0))
        many = len(np.unique(hurt.customer)) >= policy.overwhelming_customers
        if many and finding.p_value <= policy.overwhelming_p_value:
            return True
        first = now.window - policy.support_windows + 1
        shown = series_of(now.units, finding.selector, now.history, first, now.window)
        return int((shown.p_value <= policy.support_p_value).sum()) >= policy.support

    def _harmful(self, selector: Selector, finding: Finding, now: _Now) -> bool:
        recent = now.recent(finding.scale)
        return same_harm(recent, selector.chosen(recent), finding.selector.chosen(recent), SAME_HARM)

    def _describe(self, cluster: Cluster, finding: Finding, now: _Now) -> None:
        """Keep the cluster, and describe it by the finding where that fits clearly better."""
        if now.window - cluster.detected >= YOUNG:
            return
        score = gain_of(now.recent(finding.scale), cluster.selector, now.history)
        if finding.score * unrest_of(finding.selector, now.history) > CLEARLY_BETTER * score:
            cluster.selector, _ = self._core(finding, now)
            cluster.note(now.window, "described")
            self._again(cluster, now)

    def _absorb(self, cluster: Cluster, now: _Now, live: list[Cluster]) -> None:
        """Let clusters that began with this one, and whose harm is its own, become part of the oldest of them."""
        recent = now.recent(self._policy.support_windows)
        mine = cluster.selector.chosen(recent)
        for other in live:
            if other is cluster or other.end is not None or abs(other.start - cluster.start) > SAME_TIME:
                continue
            its = other.selector.chosen(recent)
            if excess_of(recent, its) <= 0 or excess_of(recent, its & mine) < SAME_HARM * excess_of(recent, its):
                continue
            elder, younger = sorted((cluster, other), key=lambda each: (each.detected, each.cluster_id))
            selector = cluster.selector
            younger.end = min(younger.last_bad, now.window) + 1
            younger.note(now.window, "merged_into", elder.cluster_id)
            elder.note(now.window, "absorbed", younger.cluster_id)
            if elder.selector != selector:
                elder.selector = selector
                self._again(elder, now)
            cluster = elder

    def _split(self, now: _Now, live: list[Cluster]) -> list[Finding]:
        """Split clusters that several findings describe better than one; returns the findings that are left."""
        left = list(now.findings)
        for cluster in [each for each in live if each.end is None]:
            if any(_alike(cluster.selector, finding.selector) for finding in now.findings):
                continue
            inside = [each for each in left if self._within(each, cluster.selector, now)]
            if len(inside) < 2 or not all(self._supported(each, now) for each in inside):
                continue
            widest = max(each.scale for each in inside)
            score = gain_of(now.recent(widest), cluster.selector, now.history)
            together = sum(each.score * unrest_of(each.selector, now.history) for each in inside)
            if together <= CLEARLY_BETTER * score:
                continue
            largest, *others = sorted(inside, key=lambda each: each.expected - each.bad)
            cluster.selector = largest.selector
            cluster.note(now.window, "split")
            self._again(cluster, now)
            for finding in others:
                self._open(finding, now, live, parent=cluster)
            left = [each for each in left if each not in inside]
        return left

    def _within(self, finding: Finding, selector: Selector, now: _Now) -> bool:
        recent = now.recent(finding.scale)
        its = finding.selector.chosen(recent)
        both = excess_of(recent, its & selector.chosen(recent))
        return both > 0 and both >= SAME_HARM * excess_of(recent, its)

    def _follow(self, cluster: Cluster, now: _Now) -> None:
        """Count one more window; a young cluster's start is estimated anew with it."""
        if now.window - cluster.detected < YOUNG:
            self._again(cluster, now)
        else:
            self._recount(cluster, now, now.window)

    def _again(self, cluster: Cluster, now: _Now) -> None:
        """Estimate the start anew and count all windows in reach, as the conditions or the knowledge are others now."""
        until = max((each.window for each in cluster.windows if cluster.is_bad(each)), default=now.window)
        cluster.onset = self._onset(cluster.selector, cluster.detected, max(until, cluster.detected), now)
        first = max(cluster.start, now.window - REACH + 1)
        cluster.members, cluster.counted = NOBODY, cluster.start
        self._recount(cluster, now, first)

    def _recount(self, cluster: Cluster, now: _Now, first: int) -> None:
        shown = series_of(now.units, cluster.selector, now.history, first, now.window)
        q_values = [each.q_value for each in now.findings if _alike(cluster.selector, each.selector)]
        known = {each.window: each.q_value for each in cluster.windows}
        known[now.window] = min(q_values, default=1.0)
        cluster.windows = [each for each in cluster.windows if cluster.start <= each.window < first]
        for place in range(len(shown.bad)):
            window = first + place
            cluster.windows.append(
                WindowCount(
                    window=window,
                    users=int(shown.users[place]),
                    n=int(shown.n[place]),
                    bad=int(shown.bad[place]),
                    expected=float(shown.expected[place]),
                    p_value=float(shown.p_value[place]),
                    q_value=known.get(window, 1.0),
                )
            )

    def _onset(self, selector: Selector, detected: int, until: int, now: _Now) -> Onset:
        """Since when the raised rate is likeliest, at most `LOOKBACK` windows before its detection."""
        first = max(detected - LOOKBACK + 1, now.window - REACH + 1)
        shown = series_of(now.units, selector, now.history, first, until)
        return onset_of(shown.bad, shown.expected, first, unrest_of(selector, now.history), latest=detected)

    def _settle(self, cluster: Cluster, units: Units, window: int) -> None:
        """Take in the customers of windows that surely belong to it, and end it after enough quiet ones."""
        if cluster.end is not None:
            return
        last_bad = cluster.last_bad
        ready = units.between(cluster.counted, last_bad)
        cluster.members = cluster.members.plus(members_of(ready.where(cluster.selector.chosen(ready))))
        cluster.counted = max(cluster.counted, last_bad + 1)
        if window - last_bad >= QUIET:
            cluster.end = last_bad + 1
            cluster.note(window, "ended")


def _alike(one: Selector, other: Selector) -> bool:
    """Whether two selectors have conditions on the same columns and share values on each."""
    return one.attributes == other.attributes and all(one.codes(name) & other.codes(name) for name in one.attributes)
