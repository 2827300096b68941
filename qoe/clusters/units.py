"""The sessions or touchpoints that are searched: who, in which window, bad or not, expected how bad, and where."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Units:
    """Columns of equal length, one entry a unit (or a leaf of a table, with its counts).

    `time_us` microseconds since 1970 (0 for tables), `window` number of its 15-minute window since 1970,
    `customer` 0 where units are no persons' (tables),
    `n` and `bad` counts (1 and 0 or 1 for a session), `expected` bad ones by history,
    `attributes` name -> code (0 not given), `measured` name -> value (NaN not measured).
    """

    time_us: Ints
    window: Ints
    customer: Ints
    n: Floats
    bad: Floats
    expected: Floats
    attributes: Mapping[str, Ints]
    measured: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.window)

    def where(self, keep: Bools | NDArray[np.intp]) -> "Units":
        """The units for which `keep` holds, or those at these places."""
        return Units(
            time_us=self.time_us[keep],
            window=self.window[keep],
            customer=self.customer[keep],
            n=self.n[keep],
            bad=self.bad[keep],
            expected=self.expected[keep],
            attributes={name: codes[keep] for name, codes in self.attributes.items()},
            measured={name: values[keep] for name, values in self.measured.items()},
        )

    def between(self, first: int, last: int) -> "Units":
        """The units of the windows `first` to `last`, both included."""
        inside = (self.window >= first) & (self.window <= last)
        return self if inside.all() else self.where(inside)

    def scaled(self, factor: float | Floats) -> "Units":
        """The same units with another expectation: each times `factor`, at most all of them bad."""
        return Units(
            time_us=self.time_us,
            window=self.window,
            customer=self.customer,
            n=self.n,
            bad=self.bad,
            expected=np.minimum(self.expected * factor, self.n),
            attributes=self.attributes,
            measured=self.measured,
        )

    def chosen(self, attribute: str, values: frozenset[int]) -> Bools:
        """Which units have one of these values."""
        codes = self.attributes[attribute]
        if len(values) == 1:
            return np.asarray(codes == next(iter(values)))
        return np.isin(codes, np.fromiter(values, np.int64))


def in_order(units: Units) -> Units:
    """The same units by time and customer: sums of floats then do not depend on how they were read."""
    return units.where(np.lexsort((units.customer, units.time_us)))


def joined(parts: list[Units]) -> Units:
    """All units of several frames with the same columns; at least one frame."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return Units(
        time_us=np.concatenate([part.time_us for part in parts]),
        window=np.concatenate([part.window for part in parts]),
        customer=np.concatenate([part.customer for part in parts]),
        n=np.concatenate([part.n for part in parts]),
        bad=np.concatenate([part.bad for part in parts]),
        expected=np.concatenate([part.expected for part in parts]),
        attributes={name: np.concatenate([part.attributes[name] for part in parts]) for name in first.attributes},
        measured={name: np.concatenate([part.measured[name] for part in parts]) for name in first.measured},
    )
