"""Which alert is part of which: one fault gives one message, with all that it pulled down inside.

A narrower group is part of an alert on a wider one that holds it. Two alerts whose subjects may overlap are one fault
where the bad sessions of the one explain at least half of those of the other. Many series of one region that begin
together are one storm.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from alerts.signals import ALL, About, Signal

EXPLAINED = 0.5  # share of the bad sessions beyond expectation that makes one alert part of another (own)
_WIDTH = {ALL: 0, "region": 1, "core_node": 2, "server": 2, "service": 2, "access": 2, "plan": 3, "segment": 3}
_NARROW = {"site": 6, "cell": 7}


def parent_of(new: Signal, roots: Sequence[Signal]) -> Signal | None:
    """The alert that a newly firing one is part of; `roots` fire already, the first that holds it is it."""
    for root in roots:
        if root.key != new.key and _part(new, root):
            return root
    return None


def in_order(signals: Sequence[Signal]) -> list[Signal]:
    """Clusters first, as they say why; then the widest groups."""
    return sorted(signals, key=lambda each: (each.rule.kind != "cluster", _width(each), each.subject, each.rule.name))


def storms(new: Sequence[Signal], least: int) -> Mapping[str, list[Signal]]:
    """Regions in which at least so many alerts on series begin at once, with these alerts."""
    found: dict[str, list[Signal]] = defaultdict(list)
    for each in new:
        regions = each.about.get("region", frozenset())
        if each.rule.kind == "drop" and len(regions) == 1:
            found[next(iter(regions))].append(each)
    return {region: alerts for region, alerts in found.items() if len(alerts) >= least}


def _part(new: Signal, root: Signal) -> bool:
    kinds = {new.rule.kind, root.rule.kind}
    if "no_data" in kinds:
        return kinds == {"no_data"} and _holds(root.about, new.about)
    if not _meet(new.about, root.about):
        return False
    if new.over != root.over:
        return "cluster" not in kinds and _holds(root.about, new.about)
    if "cluster" in kinds and new.over == "touchpoints":
        return kinds != {"cluster"}
    if new.rule.kind == "cluster":
        return root.rule.kind != "cluster" and _explains(new, root)
    beside = _unknown(new) and bool(set(new.about) & set(root.about))
    return _holds(root.about, new.about) or beside or _explains(root, new)


def _unknown(signal: Signal) -> bool:
    """Indicators are not counted in bad sessions."""
    return signal.excess is None


def _explains(one: Signal, other: Signal) -> bool:
    """Whether the bad sessions of the one are at least half of the other's."""
    if one.excess is None or other.excess is None:
        return False
    return one.excess > 0 and one.excess >= EXPLAINED * other.excess


def _meet(one: About, other: About) -> bool:
    """Whether two subjects can have sessions in common: no attribute is named differently."""
    return all(one[name] & other[name] for name in set(one) & set(other))


def _holds(wide: About, narrow: About) -> bool:
    """Whether all that the narrow subject is about lies in the wide one."""
    return all(name in narrow and narrow[name] <= values for name, values in _own(wide).items())


def _own(about: About) -> About:
    """What a subject is of itself: a cell is of a region only because of its place."""
    for name in ("cell", "site"):
        if name in about:
            return {key: values for key, values in about.items() if key == name or key not in ("site", "region")}
    return about


def _width(signal: Signal) -> int:
    attribute = signal.subject.partition("=")[0]
    return _WIDTH.get(attribute, _NARROW.get(attribute, 4))
