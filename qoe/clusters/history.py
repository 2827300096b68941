"""What history says about the expectation itself: how unruly each attribute is, and which values are always worse."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from qoe.clusters.significance import MODEL_ERROR, upper_tail
from qoe.clusters.units import Bools, Floats, Ints, Units

# Variance over expectation without any history (provisional): more than chance, as loads move together.
DEFAULT_DISPERSION = 2.0
# Weight of the prior in expected bad units (own): a value's own ratio counts half with this many.
PRIOR_EXPECTED = 10.0
# Share of the least likely windows that are left out of the dispersion: they may have been faults (own).
_TRIMMED = 0.02
# Relative standard error of an expectation for a kind of day (weekday, weekend) of which no day is known (provisional):
# people are elsewhere on such a day, and a load that one place never had before may be beyond what it can carry.
NEW_DAY_ERROR = 0.3
NEW_DAY_PLACE_ERROR = 0.7
_PLACES = ("cell", "site", "region")
# Windows less likely than this were faults (own): a week has some 30,000 windows of values, of which 3 are by chance.
FAULT_P_VALUE = 1e-4
_ROUNDS = 3  # of leaving faults out; each uncovers smaller ones (own)
# What the expectation's margins do not know: there a value's own ratio corrects every unit, whatever it is tested for.
OUTSIDE_MARGINS = ("server", "core_node", "plan")


@dataclass(frozen=True, kw_only=True)
class Ratios:
    """Seen over expected bad of each sorted code; 1 for a code that is not there."""

    code: Ints
    ratio: Floats

    def at(self, code: Ints) -> Floats:
        """The ratio of each code."""
        if not len(self.code):
            return np.ones(len(code))
        place = np.minimum(np.searchsorted(self.code, code), len(self.code) - 1)
        return np.where(self.code[place] == code, self.ratio[place], 1.0)


@dataclass(frozen=True, kw_only=True)
class History:
    """Dispersion by attribute, and by attribute the ratio of each value; empty where there is no history.

    `known_days` are the earlier days of this day's kind (weekday or weekend).
    """

    dispersion: Mapping[str, float] = field(default_factory=dict)
    ratios: Mapping[str, Ratios] = field(default_factory=dict)
    known_days: float = math.inf

    def error(self, attribute: str) -> float:
        """Relative standard error of the expectation: a prior worth one day is shrunk by the days that are known."""
        new = NEW_DAY_PLACE_ERROR if attribute in _PLACES else NEW_DAY_ERROR
        return math.hypot(MODEL_ERROR, new / (1 + self.known_days))

    def unrest(self, attribute: str) -> float:
        """Variance over expectation of the attribute's windows, at least 1."""
        return max(1.0, self.dispersion.get(attribute, DEFAULT_DISPERSION))

    def factor(self, attribute: str, code: Ints) -> Floats:
        """By how much the expectation of each code is still to be raised or lowered in corrected units."""
        ratios = self.ratios.get(attribute)
        return np.ones(len(code)) if ratios is None or attribute in OUTSIDE_MARGINS else ratios.at(code)

    def corrected(self, units: Units) -> Units:
        """The units with the expectation that their server, core node and plan call for."""
        for attribute in OUTSIDE_MARGINS:
            if attribute in self.ratios and attribute in units.attributes:
                units = units.scaled(self.ratios[attribute].at(units.attributes[attribute]))
        return units


def history_of(counts: Mapping[str, tuple[Ints, Floats, Floats]]) -> History:
    """Learn from earlier windows: attribute -> (code, expected, bad), one entry a code and window.

    A value's ratio is relative to the whole: what all values have in common would be counted once for each attribute.
    Windows that were beyond doubt faults of their value teach nothing of it.
    """
    dispersion: dict[str, float] = {}
    ratios: dict[str, Ratios] = {}
    for attribute, (code, expected, bad) in counts.items():
        calm = _calm(code, expected, bad)
        usual = code[calm], expected[calm], bad[calm]
        ratios[attribute], whole = _ratios(*usual), _whole(*usual)
        found = _dispersion(expected * ratios[attribute].at(code) * whole, bad)
        if found is not None:
            dispersion[attribute] = found
    return History(dispersion=dispersion, ratios=ratios)


def _ratios(code: Ints, expected: Floats, bad: Floats) -> Ratios:
    codes, mean, seen = _by_value(code, expected, bad)
    return Ratios(code=codes, ratio=(seen + PRIOR_EXPECTED) / (mean * _whole(code, expected, bad) + PRIOR_EXPECTED))


def _by_value(code: Ints, expected: Floats, bad: Floats) -> tuple[Ints, Floats, Floats]:
    codes, place = np.unique(code, return_inverse=True)
    mean, seen = (np.bincount(place, each, len(codes)).astype(np.float64) for each in (expected, bad))
    return codes, mean, seen


def _whole(code: Ints, expected: Floats, bad: Floats) -> float:
    """Seen over expected of the middle value, weighted by what is expected: one odd value does not move it."""
    _, mean, seen = _by_value(code, expected, bad)
    if mean.sum() <= 0:
        return 1.0
    ratio = (seen + PRIOR_EXPECTED) / (mean + PRIOR_EXPECTED)
    order = np.argsort(ratio)
    return float(ratio[order][np.searchsorted(np.cumsum(mean[order]), mean.sum() / 2)])


def _calm(code: Ints, expected: Floats, bad: Floats) -> Bools:
    """Which windows are none of a fault: not far above what their value usually shows, faults left out of that too."""
    calm = np.ones(len(code), np.bool_)
    spread = np.full(len(code), DEFAULT_DISPERSION)
    for _ in range(_ROUNDS):
        known = code[calm], expected[calm], bad[calm]
        usual = expected * _ratios(*known).at(code) * _whole(*known)
        calm = upper_tail(bad, usual, spread) >= FAULT_P_VALUE
    return calm


def _dispersion(expected: Floats, bad: Floats) -> float | None:
    enough = expected >= 0.5
    if enough.sum() < 50:  # fewer windows say nothing about a variance (own)
        return None
    mean, seen = expected[enough], bad[enough]
    squares = (seen - mean) ** 2
    kept = squares / mean <= np.quantile(squares / mean, 1 - _TRIMMED)
    return float(squares[kept].sum() / mean[kept].sum())
