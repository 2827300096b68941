"""How many complaints come by chance: by topic, by hour of the day, and now more or fewer than usual."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from customers.exposure import HOUR_US, Complaint, Floats, Ints

# Weights in complaints of what is believed before any was seen (own): an even day, a usual day, an even mixture.
_EVEN_DAY, _USUAL, _TOPIC = 24.0, 0.5, 1.0
_NEAR_H = 6.0  # "now" reaches so far to either side (own)


@dataclass(frozen=True, kw_only=True)
class Span:
    """What is looked at: from when to when (microseconds since 1970), and how many customers there were."""

    start_us: int
    end_us: int
    customers: int

    @property
    def hours(self) -> float:
        """Its length, an hour at least."""
        return max((self.end_us - self.start_us) / HOUR_US, 1.0)


class Background:
    """Complaints by chance; each complaint counts with the share of it that nothing explains."""

    def __init__(self, complaints: Sequence[Complaint], span: Span) -> None:
        self._span = span
        self._hour = np.array([each.hour for each in complaints], np.int64)
        self._at_h = np.array([(each.at_us - span.start_us) / HOUR_US for each in complaints], np.float64)
        _, self._topic = np.unique(np.array([each.topic for each in complaints], np.str_), return_inverse=True)
        self._order = np.lexsort((self._at_h, self._topic))
        self._first, self._last = _near(self._at_h[self._order], self._topic[self._order])

    def rates(self, unexplained: Floats) -> Floats:
        """Chance complaints per hour and customer of each complaint's own topic at its time, itself left out.

        level of the topic * hour of the day * (USUAL + seen near) / (USUAL + expected near): a gamma-Poisson mean.
        """
        if not len(self._topic):
            return np.zeros(0)
        hours, kinds = self._span.hours, int(self._topic.max()) + 1
        by_hour = np.bincount(self._hour, unexplained, 24)
        shape = (by_hour + _EVEN_DAY / 24) / (by_hour.sum() + _EVEN_DAY) * 24
        level = (np.bincount(self._topic, unexplained, kinds) + _TOPIC / kinds) / hours
        usual = level[self._topic] * shape[self._hour]
        whole = np.maximum(np.minimum(self._at_h + _NEAR_H, hours) - np.maximum(self._at_h - _NEAR_H, 0.0), 1.0)
        sums = np.concatenate(([0.0], np.cumsum(unexplained[self._order])))
        seen = np.empty(len(unexplained))
        seen[self._order] = np.maximum(sums[self._last] - sums[self._first] - unexplained[self._order], 0.0)
        now = (_USUAL + seen) / (_USUAL + usual * whole)
        return np.asarray(usual * now / max(self._span.customers, 1), dtype=np.float64)


def _near(at_h: Floats, topic: NDArray[np.intp]) -> tuple[Ints, Ints]:
    """First and last place, exclusive, of the near complaints of each one's topic; given by topic and time."""
    first, last = np.zeros(len(topic), np.int64), np.zeros(len(topic), np.int64)
    for each in np.unique(topic):
        of_topic = np.flatnonzero(topic == each)
        times, begin = at_h[of_topic], of_topic[0]
        first[of_topic] = begin + np.searchsorted(times, times - _NEAR_H, side="left")
        last[of_topic] = begin + np.searchsorted(times, times + _NEAR_H, side="right")
    return first, last
