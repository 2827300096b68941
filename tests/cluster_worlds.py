"""Made-up sessions with known faults for the tests of the cluster search: no file, no database."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qoe.clusters import SESSION_ATTRIBUTES, History, Policy, Tracker, Units, level_for
from qoe.clusters.space import Space

WINDOWS_US = 900_000_000
CALM = History(dispersion=dict.fromkeys(SESSION_ATTRIBUTES, 1.2))
POLICY = Policy(level=level_for(0.2, families=2))


class World:
    """A city of users, cells on sites in regions, apps on servers; every session's chance to be bad is known."""

    def __init__(self, seed: int, windows: int, per_window: int = 1500, users: int = 4000) -> None:
        self.rng = np.random.default_rng(seed)
        rng, rows = self.rng, windows * per_window
        self.window = np.repeat(np.arange(windows), per_window).astype(np.int64)
        self.customer = rng.integers(1, users + 1, rows)
        home, model, plan = (rng.integers(1, top + 1, users + 1) for top in (120, 20, 5))
        cell = np.where(rng.random(rows) < 0.7, home[self.customer], rng.integers(1, 121, rows))
        site = (cell - 1) // 3 + 1
        app = rng.integers(1, 11, rows)
        self.attributes = {
            "cell": cell,
            "site": site,
            "region": (site - 1) // 10 + 1,
            "app": app,
            "server": app * 3 + rng.integers(0, 3, rows),
            "model": model[self.customer],
            "core_node": rng.integers(1, 5, rows),
            "plan": plan[self.customer],
            "band": cell % 3 + 1,
            "vendor": (site - 1) // 20 + 1,
            "os": model[self.customer] % 2 + 1,
            "access": rng.integers(1, 3, rows),
        }
        self.expected = np.full(rows, 0.08)
        # Users differ in luck, so that the sessions of one are alike.
        self.chance = self.expected * np.exp(rng.normal(-0.045, 0.3, users + 1))[self.customer]

    def hurt(self, attribute: str, values: Sequence[int], first: int, end: int, severity: float) -> None:
        """Raise the chance of the sessions with these values in windows [first, end)."""
        self.hurt_where(np.isin(self.attributes[attribute], values), first, end, severity)

    def hurt_where(self, chosen: NDArray[np.bool_], first: int, end: int, severity: float) -> None:
        """Raise the chance of the chosen sessions in windows [first, end)."""
        hit = chosen & (self.window >= first) & (self.window < end)
        self.chance = np.where(hit, self.chance + severity * (1 - self.chance), self.chance)

    def units(self) -> Units:
        """Draw the sessions."""
        rows = len(self.window)
        return Units(
            time_us=self.window * WINDOWS_US + self.rng.integers(0, WINDOWS_US, rows),
            window=self.window,
            customer=self.customer.astype(np.int64),
            n=np.ones(rows),
            bad=(self.rng.random(rows) < self.chance).astype(float),
            expected=self.expected,
            attributes={name: codes.astype(np.int64) for name, codes in self.attributes.items()},
        )


def follow(units: Units, history: History = CALM, policy: Policy = POLICY, space: Space | None = None) -> Tracker:
    """Step through all windows of a world."""
    tracker = Tracker(policy, lambda selector, start: f"{selector.conditions}-{start}", space=space)
    for window in range(int(units.window.min()), int(units.window.max()) + 1):
        tracker.step(units.between(window - 15, window), window, history)
    return tracker
