"""What a cluster did to complaining: risks by topic, its share of the complaints, and who suffers and says nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from customers.exposure import Complaint, Exposure, Floats, Harm, Ints
from customers.links import LINKED, Link
from customers.risk import Risk, relative_risk

ALL_TOPICS = ""
# Bad units from which an exposed customer is hurt while no complainer shows how much it takes (own).
HURT_WITHOUT_COMPLAINERS = 2
LISTED = 10_000  # of a cluster's silent sufferers so many are listed, the likeliest to complain


@dataclass(frozen=True, kw_only=True)
class Silent:
    """Silent sufferers, the likeliest to complain first: who, bad units, and risk; `count` of them in all."""

    customer: Ints
    bad: Ints
    risk: Floats
    count: int


def risks(complaints: Sequence[Complaint], exposure: Exposure, customers: int) -> tuple[Risk, ...]:
    """Risk by topic and of all together: customers hurt and others who complained, start to 48 hours after the end.

    A customer counts once for each topic. `customers` is how many there are, hurt or not.
    """
    hurt = exposure.crowd.hurt
    inside: dict[str, set[int]] = {ALL_TOPICS: set()}
    outside: dict[str, set[int]] = {ALL_TOPICS: set()}
    followed = exposure.follows(np.array([each.at_us for each in complaints], np.int64))
    place = exposure.places_of(np.array([each.customer for each in complaints], np.int64))
    for row in np.flatnonzero(followed).tolist():
        complaint, side = complaints[row], inside if place[row] >= 0 else outside
        for topic in (ALL_TOPICS, complaint.topic):
            side.setdefault(topic, set()).add(complaint.customer)
    others = max(customers - hurt, 1)
    return tuple(
        relative_risk(topic, len(inside[topic]), hurt, len(outside.get(topic, set())), others)
        for topic in sorted(inside)
        if inside[topic] or topic == ALL_TOPICS
    )


def complaint_risk(rate: float, dose: Floats) -> Floats:
    """Probability to complain of a cluster with a dose: 1 - exp(-rate * dose) (`own`).

    The rate is what the linked complaints themselves show: complaints per unit of dose.
    """
    return np.asarray(-np.expm1(-rate * dose), dtype=np.float64)


def silent(
    exposure: Exposure, harm: Harm, rate: float, complaints: Sequence[Complaint], links: Sequence[Link]
) -> Silent:
    """Customers hurt like the complainers who have not complained; `harm` of all customers, `rate` as `links.Linked`.

    Hurt like them: a dose of at least the lower quartile of those linked to the cluster.
    """
    dose = exposure.dose(harm.n, harm.bad)
    linked = [each.dose for each in links if each.cluster_id == exposure.cluster_id and each.probability >= LINKED]
    enough = dose >= float(np.quantile(linked, 0.25)) if linked else harm.bad >= HURT_WITHOUT_COMPLAINERS
    followed = exposure.follows(np.array([each.at_us for each in complaints], np.int64))
    spoke = np.array([each.customer for each in complaints], np.int64)[followed]
    chosen = np.flatnonzero(enough & (harm.bad > 0) & ~np.isin(harm.customer, spoke))
    ranked = chosen[np.lexsort((harm.customer[chosen], -dose[chosen]))][:LISTED]
    return Silent(
        customer=harm.customer[ranked],
        bad=harm.bad[ranked],
        risk=complaint_risk(rate, dose[ranked]),
        count=len(chosen),
    )
