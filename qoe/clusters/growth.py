"""Which further values belong to a cluster: those that began with it, and cells only of its own area."""

from collections.abc import Callable

import numpy as np

from qoe.clusters.selector import Selector
from qoe.clusters.units import Units


def joining(selector: Selector, further: Selector, units: Units, began: Callable[[Selector], bool]) -> Selector:
    """Return the selector with those values of `further` that `began` with it; both must be on the same columns.

    Selectors on several columns grow on the one column in which they differ. A cell joins only cells with which it
    shares a site or a region: what carries scattered cells carries sites.
    """
    changed = [name for name in selector.attributes if further.codes(name) - selector.codes(name)]
    if selector.attributes != further.attributes or len(changed) != 1:
        return selector
    (name,) = changed
    conditions = {each: selector.codes(each) for each in selector.attributes}
    taken = set(conditions[name])
    for code in sorted(further.codes(name) - taken):
        alone = Selector.of({**conditions, name: (code,)})
        if (name != "cell" or in_one_area(units, frozenset(taken), code)) and began(alone):
            taken.add(code)
    return Selector.of({**conditions, name: taken})


def in_one_area(units: Units, cells: frozenset[int], cell: int) -> bool:
    """Whether the cell shares a site or a region with one of the cells."""
    mine, its = units.chosen("cell", cells), units.chosen("cell", frozenset({cell}))
    shared = [
        np.intersect1d(units.attributes[name][mine], units.attributes[name][its])
        for name in ("site", "region")
        if name in units.attributes
    ]
    return not shared or any(bool((values != 0).any()) for values in shared)
