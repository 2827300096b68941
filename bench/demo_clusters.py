"""The faults of made-up cities against the clusters that detection found in them, over many seeds.

A fault is found by the cluster of its kind whose records are its own best (F1 over the records that each selects within
its time, 0.5 or more), in time when that cluster was detected within four closed windows. A cluster is false when less
than half of its records are of any one fault. Faults of severity 0.3 or more must be found; weaker ones are reported.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.cities import cities, searched_days
from bench.cluster_truth import Compared, Found, compare
from bench.pairs import close, tell
from cemaphore.demo import DEFAULT, FAST, WorldSize
from store.connection import connect

TARGET = 0.9
F1_TARGET = 0.8
FALSE_PER_DAY = 1.0
SEEDS = 20
# For continuous integration: the pipeline runs, its figures mean little.
SMALL = replace(FAST, users=300, sites=15, models=8, sessions_per_user_day=8.0, touchpoints_per_user_day=3.0)


@dataclass(frozen=True, kw_only=True)
class Total:
    """Figures over faults that must be flagged (a missed one counts as 0), and the false clusters of a day."""

    faults: int
    in_time: float
    right_domain: float
    f1: float
    false_per_day: float
    decoys: int

    @property
    def met(self) -> bool:
        """Whether every target is met."""
        enough = min(self.in_time, self.right_domain) >= TARGET and self.f1 >= F1_TARGET
        return enough and self.false_per_day <= FALSE_PER_DAY and self.decoys == 0


def total_of(compared: Sequence[Compared]) -> Total:
    """Pool the cities."""
    strong = [each for one in compared for each in one.faults if each.fault.must_flag]
    days = sum(one.days for one in compared)
    count = max(len(strong), 1)
    return Total(
        faults=len(strong),
        in_time=sum(each.in_time for each in strong) / count,
        right_domain=sum(each.right_domain for each in strong) / count,
        f1=sum(each.f1 for each in strong) / count,
        false_per_day=sum(len(one.false) for one in compared) / max(days, 1.0),
        decoys=sum(len(one.decoys) for one in compared),
    )


def table(compared: Sequence[Compared]) -> list[dict[str, object]]:
    """One row a kind of fault: how many, of which found in time and with the right domain, F1, delay, severity."""
    kinds = sorted({each.fault.id for one in compared for each in one.faults})
    return [_kind(name, [each for one in compared for each in one.faults if each.fault.id == name]) for name in kinds]


def _kind(name: str, faults: list[Found]) -> dict[str, object]:
    delays = sorted(each.delay.total_seconds() / 60 for each in faults if each.delay is not None)
    return {
        "fault": name,
        "faults": len(faults),
        "weak": sum(not each.fault.must_flag for each in faults),
        "in_time": sum(each.in_time for each in faults),
        "right_domain": sum(each.right_domain for each in faults),
        "f1": round(sum(each.f1 for each in faults) / len(faults), 3),
        "delay_min": delays[len(delays) // 2] if delays else None,
        "severity": round(sum(each.fault.severity for each in faults) / len(faults), 3),
        "domains": sorted({each.cluster.domain for each in faults if each.cluster is not None}),
    }


def main() -> int:
    """Build and compare the cities one after the other."""
    asked = _arguments()
    world: WorldSize = SMALL if asked.small else DEFAULT if asked.world == "default" else FAST
    count = 1 if asked.small else asked.seeds
    compared = []
    for city in cities(range(asked.first_seed, asked.first_seed + count), world):
        with connect(city.dsn) as connection:
            days = len(searched_days(connection, world))
        compared.append(compare(city, days))
        _tell(compared[-1])
    total = total_of(compared)
    for row in table(compared):
        tell(json.dumps(row))
    tell(f"{total.faults} faults of severity 0.3 or more in {count} cities ({asked.world}): found in time "
         f"{total.in_time:.3f}, with the right domain {total.right_domain:.3f} (target {TARGET}), record-set F1 "
         f"{total.f1:.3f} (target {F1_TARGET}); false clusters a day {total.false_per_day:.3f} (at most "
         f"{FALSE_PER_DAY:g}), of what must not be flagged {total.decoys} (none)")  # fmt: skip
    detail: dict[str, object] = {"total": vars(total), "kinds": table(compared)}
    code = close(
        "demo_clusters", total.right_domain, "of strong faults found in time with their domain", TARGET,
        detail=detail, as_json=asked.json,
    )  # fmt: skip
    return code or int(not total.met)


def _tell(one: Compared) -> None:
    for each in one.faults:
        if each.fault.must_flag and not (each.right_domain and each.f1 >= F1_TARGET):
            tell(f"seed {one.seed}: {each.fault.id} severity {each.fault.severity:.2f}: {_said(each)}")
    for row in one.false:
        tell(f"seed {one.seed}: false: {dict(row.selector)} from {row.started_at:%m-%d %H:%M}, severity "
             f"{row.severity:.2f}, {row.users_hurt} users hurt, p {row.p_value:.1e}")  # fmt: skip
    for name, row in one.decoys:
        tell(f"seed {one.seed}: must not be flagged: {name} as {dict(row.selector)}")


def _said(each: Found) -> str:
    if each.cluster is None:
        return "not found"
    return f"{each.cluster.domain} after {each.delay}, F1 {each.f1:.2f}, {dict(each.cluster.selector)}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--small", action="store_true", help="one city that is smaller still")
    parser.add_argument("--world", choices=["fast", "default"], default="fast", help="size of the cities")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many cities")
    parser.add_argument("--first-seed", type=int, default=1, help="the first city's seed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
