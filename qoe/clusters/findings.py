"""What one window's search gives: conditions under which experience is worse than expected."""

from dataclasses import dataclass

from qoe.clusters.selector import Selector


@dataclass(frozen=True, kw_only=True)
class Part:
    """One value of a finding's list by itself."""

    code: int
    n: float
    bad: float
    expected: float
    p_value: float


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Conditions under which experience is worse than expected in the trailing `scale` windows.

    `p_value` and `q_value` are those of its main value, `score` that of all its `parts` together.
    """

    selector: Selector
    scale: int
    n: float
    bad: float
    expected: float
    p_value: float
    q_value: float
    score: float
    parts: tuple[Part, ...] = ()

    @property
    def severity(self) -> float:
        """(bad ratio - expected ratio) / (1 - expected ratio)."""
        return (self.bad - self.expected) / max(self.n - self.expected, 1e-9)


@dataclass(frozen=True, kw_only=True)
class Search:
    """What one window gave: the findings, how many tests were made, and the drift common to all groups."""

    findings: tuple[Finding, ...]
    tests: int
    drift: float
