"""The modes of speech codecs by bit rate, looked up for many calls at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qoe.model import FloatArray
from records.kinds import VOICE_CODECS

_PER_KBPS = 20  # the borders between the modes of AMR-WB and EVS are whole twentieths of a kbit/s, but for two


@dataclass(frozen=True, eq=False)
class Modes:
    """Number of the mode by codec (first row: unknown one) and twentieth of a kbit/s.

    Where there is no mode, it is the number after the last: a negative one would be looked up at twice the cost.
    """

    number: NDArray[np.intp]

    @classmethod
    def of(cls, rates: Mapping[str, Sequence[float] | int]) -> "Modes":
        """Take the nearest of a codec's rates (their places are the numbers), or always the one number."""
        last = max(each[-1] for each in rates.values() if not isinstance(each, int))
        steps = (np.arange(int(last * _PER_KBPS) + 2) + 0.5) / _PER_KBPS
        none = max(len(each) for each in rates.values() if not isinstance(each, int))
        number = np.full((len(VOICE_CODECS) + 1, len(steps)), none, dtype=np.intp)
        for name, each in rates.items():
            row = number[VOICE_CODECS.index(name) + 1]
            row[:] = each if isinstance(each, int) else np.abs(steps[:, None] - np.array(each)).argmin(axis=1)
        return cls(number)

    def at(self, codec: NDArray[np.intp], kbps: FloatArray) -> NDArray[np.intp]:
        """Number of the mode by codec (-1 unknown) and bit rate, which must be known."""
        steps = self.number.shape[1]
        place = np.minimum(kbps * _PER_KBPS, steps - 1).astype(np.intp)
        place += codec * steps
        place += steps
        mode: NDArray[np.intp] = self.number.take(place)
        return mode
