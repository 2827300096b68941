"""How often people agree with the domain of a cluster, by domain, with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

Z95 = 1.959964  # 97.5 % of the standard normal distribution


@dataclass(frozen=True, kw_only=True)
class Precision:
    """Answers on clusters of one found domain (`all`: any) and how many confirmed it; 95 % Wilson interval."""

    domain: str
    answers: int
    confirmed: int
    precision: float
    lo: float
    hi: float


def precision_of(answers: Sequence[tuple[str, str]]) -> tuple[Precision, ...]:
    """Agreement of (found domain, said domain), first over all, then by found domain; nothing without an answer."""
    if not answers:
        return ()
    domains = sorted({found for found, _ in answers})
    return (
        _counted("all", answers),
        *(_counted(domain, [each for each in answers if each[0] == domain]) for domain in domains),
    )


def _counted(domain: str, answers: Sequence[tuple[str, str]]) -> Precision:
    count, right = len(answers), sum(found == said for found, said in answers)
    lo, hi = wilson(right, count)
    return Precision(domain=domain, answers=count, confirmed=right, precision=right / count, lo=lo, hi=hi)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927, `published`); (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    share, z2 = successes / trials, Z95**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z95 / (1 + z2 / trials) * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    return max(middle - half, 0.0), min(middle + half, 1.0)
