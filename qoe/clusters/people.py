"""Whom a candidate hurts: how sure its count is when units of one customer are alike."""

from dataclasses import dataclass, replace

import numpy as np

from qoe.clusters.policy import Policy
from qoe.clusters.selector import Selector
from qoe.clusters.significance import design_effect, upper_tail
from qoe.clusters.units import Bools, Units


@dataclass(frozen=True, kw_only=True)
class People:
    """The units of a search with their customers; `gone` are those that a finding has explained already."""

    units: Units
    correlation: float
    policy: Policy
    last: int
    gone: Bools | None = None

    def without(self, selector: Selector) -> "People":
        """Those that these conditions do not explain."""
        chosen = selector.chosen(self.units)
        return replace(self, gone=chosen if self.gone is None else self.gone | chosen)

    def tail(self, selector: Selector, scale: int, bad: float, expected: float, unrest: float, error: float) -> float:
        """Probability of so many bad units in the trailing `scale` windows by chance.

        The variance is the greater of what history shows (`unrest`) and what customers with several units make of it;
        1 when too few customers are in the group or hurt. Units of tables (customer 0) count by themselves.
        """
        inside = selector.chosen(self.units) & (self.last - self.units.window < scale)
        if self.gone is not None:
            inside &= ~self.gone
        spread, customer = unrest, self.units.customer[inside]
        if customer.any():
            customers, place = np.unique(customer, return_inverse=True)
            hurt = np.unique(customer[self.units.bad[inside] > 0])
            if len(customers) < self.policy.min_customers or len(hurt) < self.policy.min_bad_customers:
                return 1.0
            counts = np.bincount(place, self.units.n[inside]).astype(np.float64)
            spread = max(unrest, design_effect(counts, self.correlation))
        return float(upper_tail(np.array([bad]), np.array([expected]), np.array([spread]), error)[0])
