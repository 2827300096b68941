"""The conditions of a cluster: AND over columns, OR inside the list of values of each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from qoe.clusters.units import Bools, Units


@dataclass(frozen=True, kw_only=True, order=True)
class Selector:
    """Attribute -> codes, as sorted tuples so that equal conditions are equal selectors; without any it takes all."""

    conditions: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @classmethod
    def of(cls, conditions: Mapping[str, Iterable[int]]) -> "Selector":
        """The selector of attribute -> codes."""
        return cls(conditions=tuple(sorted((name, tuple(sorted(set(codes)))) for name, codes in conditions.items())))

    @property
    def attributes(self) -> tuple[str, ...]:
        """The columns that it has a condition on, sorted."""
        return tuple(name for name, _ in self.conditions)

    def codes(self, attribute: str) -> frozenset[int]:
        """The values of one column; none where it has no condition on it."""
        return frozenset(dict(self.conditions).get(attribute, ()))

    def chosen(self, units: Units) -> Bools:
        """Which units meet every condition."""
        chosen = np.ones(len(units), bool)
        for name, codes in self.conditions:
            chosen &= units.chosen(name, frozenset(codes))
        return chosen
