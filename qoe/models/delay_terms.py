"""The delay terms of the E-model as tables: they depend on the delay alone, and are costly to compute."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qoe.model import FloatArray, single
from qoe.models.e_model import delay_rating, pure_delay_impairment

_LAST_MS = 2000.0
# Points lie at the squares of whole 800ths: closest where an echo begins to be heard. Linear between them, the terms
# are within 1e-6 MOS of the formula.
_PER_ROOT = 800


@dataclass(frozen=True, eq=False)
class DelayTerm:
    """Straight pieces of a function of the delay, by number: level and slope side by side for one look-up."""

    pieces: FloatArray

    @classmethod
    def of(cls, function: Callable[[FloatArray], FloatArray]) -> "DelayTerm":
        """Tabulate a function from 0 to two seconds."""
        points = (np.arange(int(_LAST_MS**0.5 * _PER_ROOT) + 3) / _PER_ROOT) ** 2
        values = function(points)
        slope = np.diff(values) / np.diff(points)
        level = values[:-1] - slope * points[:-1]
        return cls(single(np.column_stack([level, slope])))

    def at(self, delay_ms: FloatArray) -> FloatArray:
        """Values at these delays; beyond two seconds, and where the delay is not known, that of two seconds."""
        delay_ms = np.fmin(delay_ms, _LAST_MS)
        root = np.sqrt(delay_ms)
        root *= _PER_ROOT
        place = root.astype(np.intp)
        level, slope = self.pieces.take(place, axis=0).T
        value: FloatArray = delay_ms
        value *= slope
        value += level
        return value


RATING_LEFT = DelayTerm.of(delay_rating)  # Ro - Is - Id of the narrowband model
PURE_DELAY = DelayTerm.of(pure_delay_impairment)  # Idd, the only delay term of the wider bands
