"""Alerts of made-up cities against what was done to them: told in time, over in time, and false ones a week.

A fault that must be told has a severity of 0.3 or more and hurts 30 users or more. An alert is false when it overlaps
no fault in subject and time (two windows of grace); weeks count from the first day that has a season to be judged by. A
storm of every cell of a region is to be one message.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np

from alerts.incidents import Backtest, Incident, Matched, compared
from alerts.signals import Geography
from bench.alert_storm import Storm, storm
from bench.cities import City, city
from bench.demo_clusters import SMALL
from bench.pairs import close, parser_of, tell
from cemaphore.demo import FAST, TruthEntry, WorldSize
from cemaphore.pipeline.alert_clusters import geography
from cemaphore.pipeline.alert_replay import replay
from cemaphore.pipeline.alerting import rules_of
from cemaphore.pipeline.detection import detect
from cemaphore.pipeline.frame import FrameContext, session_frame, touchpoint_frame
from cemaphore.pipeline.sourcehealth import assess
from qoe.seasons import LEAST_DAYS
from records.windows import HOUR, floor
from store.connection import Connection, connect
from store.labels import Labels

SEEDS = 20
LEAST_USERS = 30
STORM_CELLS = 1000
FALSE_PER_WEEK = 1.0
TARGET = 1.0
_ATTRIBUTE = {"cell_id": "cell", "site_id": "site"}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One city: what was told of it, and the faults that must be told."""

    seed: int
    found: Backtest
    strong: tuple[Matched, ...]


@dataclass(frozen=True, kw_only=True)
class Total:
    """Shares over the faults that must be told, and false alerts a week."""

    faults: int
    in_time: float
    over_in_time: float
    precision: float
    delay_minutes: float
    false_per_week: float
    weeks: float


def judge(city: City, *, assessed: bool = True) -> Judged:
    """Search a city, play its days through the rules, and hold what they told against its truth.

    Not `assessed`: nothing is known of its sources' health, and none is told to be away.
    """
    start = city.world.begins.astimezone(UTC)
    end = start + timedelta(days=city.world.days)
    if assessed:
        assess(city.dsn, city.settings, now=end + HOUR, start=start, end=end)
    detect(city.dsn, city.settings)
    with connect(city.dsn, autocommit=True) as connection:
        episodes = replay(connection, city.settings, rules_of(city.settings))
        places = geography(connection)
        faults = [each for each in city.truth.entries if each.severity > 0]
        hurt = {each.id: users_hurt(connection, each) for each in faults}
    incidents = [_incident(each) for each in faults]
    abouts = {each.id: _about(places, each) for each in incidents}
    # A source that was made to be away is no fault of experience, but an alert that it is away is a true one.
    away = [_incident(each) for each in city.truth.entries if "source" in each.selector]
    abouts |= {each.id: {"source": frozenset(each.selector["source"])} for each in away}
    told = [each for each in episodes if not (each.kind == "no_data" and _is_away(each.subject, each.started_at, away))]
    found = compared(told, incidents, abouts, (city.world.days - LEAST_DAYS) / 7)
    strong = tuple(
        each for each in found.matched
        if each.incident.must_flag and hurt[each.incident.id] >= LEAST_USERS
    )  # fmt: skip
    return Judged(seed=city.seed, found=found, strong=strong)


def _incident(entry: TruthEntry) -> Incident:
    return Incident(
        id=entry.id,
        selector={name: list(values) for name, values in entry.selector.items()},
        started_at=entry.started_at.astimezone(UTC),
        ended_at=entry.ended_at.astimezone(UTC),
        severity=entry.severity,
        must_flag=entry.must_flag,
        over=entry.over,
    )


def _about(places: Geography, incident: Incident) -> dict[str, frozenset[str]]:
    return places.of_selector(incident.selector)


def _is_away(subject: str, started_at: datetime, away: Sequence[Incident]) -> bool:
    return any(
        subject == f"source={name}" and each.started_at - HOUR / 2 <= started_at < each.ended_at + HOUR / 2
        for each in away
        for name in each.selector["source"]
    )


def users_hurt(connection: Connection, entry: TruthEntry) -> int:
    """Customers with a bad record that the fault's conditions choose in its time."""
    context, labels = FrameContext.load(connection), Labels(connection)
    start, end = entry.started_at.astimezone(UTC), entry.ended_at.astimezone(UTC)
    hurt: set[int] = set()
    hour = floor(start, HOUR)
    while hour < end:
        if entry.over == "sessions":
            seen = session_frame(connection, hour, hour + HOUR, context=context)
            time_us, bad = seen.start_us, seen.bad
        else:
            touch = touchpoint_frame(connection, hour, hour + HOUR, context=context)
            seen, time_us, bad = touch, touch.time_us, touch.bad  # type: ignore[assignment]  # alike in what is used
        chosen = bad & (time_us >= start.timestamp() * 1e6) & (time_us < end.timestamp() * 1e6)
        for column, names in entry.selector.items():
            attribute = _ATTRIBUTE.get(column, column)
            if attribute in seen.attributes:
                chosen &= np.isin(seen.attributes[attribute], labels.ids(attribute, list(names)))
        hurt |= set(seen.customer_key[chosen].tolist())
        hour += HOUR
    return len(hurt)


def total_of(judged: Sequence[Judged]) -> Total:
    """Pool the cities."""
    strong = [each for one in judged for each in one.strong]
    count = max(len(strong), 1)
    told = sum(one.found.told for one in judged)
    false = sum(len(one.found.false) for one in judged)
    weeks = sum(one.found.weeks for one in judged)
    delays = sorted(each.delay.total_seconds() / 60 for each in strong if each.delay is not None)
    return Total(
        faults=len(strong),
        in_time=sum(each.in_time for each in strong) / count,
        over_in_time=sum(each.over_in_time for each in strong) / count,
        precision=1 - false / max(told, 1),
        delay_minutes=delays[len(delays) // 2] if delays else float("nan"),
        false_per_week=false / max(weeks, 1e-9),
        weeks=weeks,
    )


def table(judged: Sequence[Judged]) -> list[dict[str, object]]:
    """One row a kind of fault: how many must be told, told in time, over in time, and the median delay."""
    strong = [each for one in judged for each in one.strong]
    rows: list[dict[str, object]] = []
    for name in sorted({each.incident.id for each in strong}):
        mine = [each for each in strong if each.incident.id == name]
        delays = sorted(each.delay.total_seconds() / 60 for each in mine if each.delay is not None)
        rows.append(
            {
                "fault": name,
                "faults": len(mine),
                "in_time": sum(each.in_time for each in mine),
                "over_in_time": sum(each.over_in_time for each in mine),
                "delay_min": delays[len(delays) // 2] if delays else None,
                "told_as": sorted({each.episode.rule for each in mine if each.episode is not None}),
            }
        )
    return rows


def main() -> int:
    """Judge cities, and a storm; exit 1 when any target is missed."""
    asked = _arguments()
    world: WorldSize = SMALL if asked.small else FAST
    count = 1 if asked.small else asked.seeds
    judged = []
    for each in _judged(range(asked.first_seed, asked.first_seed + count), world, asked):
        judged.append(each)
        _tell(each)
    for row in table(judged):
        tell(json.dumps(row))
    whole = total_of(judged)
    blown = storm(100 if asked.small else STORM_CELLS)
    _tell_total(whole, blown, count)
    detail: dict[str, object] = {"total": vars(whole), "kinds": table(judged), "storm": vars(blown)}
    code = close(
        "alerts", whole.in_time, "of strong faults told within four windows", TARGET, detail=detail, as_json=asked.json
    )
    met = whole.over_in_time >= TARGET and whole.false_per_week <= FALSE_PER_WEEK and blown.met
    return code or int(not met)


def _judged(seeds: range, world: WorldSize, asked: argparse.Namespace) -> Iterator[Judged]:
    """Judge each seed's city in a process, some side by side, in the order of the seeds."""
    with ProcessPoolExecutor(min(asked.processes, len(seeds))) as pool:
        yield from pool.map(partial(_of_seed, world=world, assessed=not asked.small), seeds)


def _of_seed(seed: int, world: WorldSize, *, assessed: bool) -> Judged:
    with city(seed, world, searched=False) as built:
        return judge(built, assessed=assessed)


def _tell(one: Judged) -> None:
    for each in one.strong:
        if not (each.in_time and each.over_in_time):
            alert = None if each.episode is None else f"{each.episode.rule} {each.episode.subject}"
            over = None if each.episode is None else each.episode.resolved_at
            tell(f"seed {one.seed}: {each.incident.id} (severity {each.incident.severity:.2f}, from "
                 f"{each.incident.started_at:%m-%d %H:%M} to {each.incident.ended_at:%H:%M}): {alert} after "
                 f"{each.delay}, over {over and f'{over:%m-%d %H:%M}'}")  # fmt: skip
    for episode in one.found.false:
        tell(f"seed {one.seed}: false: {episode.rule} {episode.subject} at {episode.fired_at:%m-%d %H:%M} "
             f"({episode.horizon}, {episode.value}, usual is {episode.expected}, {episode.users} users)")  # fmt: skip


def _tell_total(whole: Total, blown: Storm, count: int) -> None:
    tell(f"{whole.faults} faults of severity 0.3 or more that hurt {LEAST_USERS} users in {count} cities: told within "
         f"four windows {whole.in_time:.3f}, over within four {whole.over_in_time:.3f}, precision "
         f"{whole.precision:.3f}, median delay {whole.delay_minutes:.0f} min; false alerts a week "
         f"{whole.false_per_week:.2f} over {whole.weeks:.1f} weeks (at most {FALSE_PER_WEEK:g})")  # fmt: skip
    tell(f"storm of {blown.cells} cells: {blown.firing} message (1), {blown.parts} cells inside, {blown.resolved} that "
         f"it is over; {blown.window_s:.2f} processor s a window")  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = parser_of(__doc__ or "")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many cities")
    parser.add_argument("--processes", type=int, default=1, help="cities side by side")
    parser.add_argument("--first-seed", type=int, default=1, help="the first city's seed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
