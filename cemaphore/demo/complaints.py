"""Complaints: who complains after a bad experience and who for other reasons, when, where and in which words."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cemaphore.demo import catalogue
from cemaphore.demo.arrays import Ints, Stream, stream
from cemaphore.demo.city import City
from cemaphore.demo.faults import Fault
from cemaphore.demo.files import write_bytes, write_csv
from cemaphore.demo.load import Clock
from cemaphore.demo.people import People
from cemaphore.demo.size import WorldSize
from cemaphore.demo.story import BILLING_DAY, BILLING_HOURS, at
from cemaphore.demo.ticket import ticket_json
from cemaphore.demo.truth import Tally
from cemaphore.demo.words import COMPLAINTS

LONGEST_DELAY_H = 48.0
_MEAN_DELAY_H = 4.0
_MEAN_REPAIR_H = 16.0
_TOUCHPOINT_WEIGHT = 2.5  # a bad touchpoint moves people more than a bad session (own)
_CHANNELS = ("hotline", "app", "wechat", "store", "web")
_CHANNEL_SHARE = (0.5, 0.2, 0.12, 0.08, 0.1)
_TICKETS = ("app", "wechat", "web")  # these come from the ticket system, the others as a table
_OTHER_TOPICS = ("network", "app", "device", "service", "installation", "billing")
_OTHER_SHARE = (0.25, 0.1, 0.05, 0.25, 0.1, 0.25)
_COLUMNS = (
    "complaint_id", "created_at", "subscriber_id", "channel", "category", "text", "cell_id", "app", "status",
    "resolved_at", "updated_at", "satisfaction",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Bad:
    """The bad sessions or touchpoints that a fault caused in one hour; `cell` and `app` are -1 where unknown."""

    person: Ints
    cell: Ints
    app: Ints


class ComplaintDesk:
    """Takes complaints as they come and keeps only those whose day is not yet written."""

    def __init__(self, world: WorldSize, city: City, people: People, seed: int) -> None:
        self._world, self._city, self._people, self._seed = world, city, people, seed
        self._days: dict[int, list[dict[str, Any]]] = defaultdict(list)
        self._number = 0
        self._done: dict[str, set[int]] = defaultdict(set)

    def after_fault(self, place: tuple[int, int], fault: Fault, now: Clock, bad: Bad, tally: Tally) -> None:
        """Let people hurt by the fault in this hour complain: 1 - exp(-hazard * bad records), once per fault.

        `place` is the number of the fault and the block of people: what makes the draws its own.
        """
        rng = stream(self._seed, Stream.COMPLAINTS, now.index, place[0] + 1, place[1])
        people, first, counts = np.unique(bad.person, return_index=True, return_counts=True)
        draws = rng.random(len(people))
        delays = np.minimum(rng.exponential(_MEAN_DELAY_H, len(people)), LONGEST_DELAY_H)
        weight = _TOUCHPOINT_WEIGHT if fault.over == "touchpoints" else 1.0
        for row in np.flatnonzero(draws < 1.0 - np.exp(-self._world.complaint_hazard * weight * counts)):
            person, created_h = int(people[row]), float(now.index + 1 + delays[row])
            if person in self._done[fault.id] or created_h >= self._world.hours:
                continue
            self._done[fault.id].add(person)
            one = int(first[row])
            name = self._file(rng, person, fault.topic, created_h, int(bad.cell[one]), int(bad.app[one]))
            tally.complain(fault.id, name)

    def other(self, now: Clock) -> None:
        """Let people complain for reasons of their own, more by day, and about their bills in the billing wave."""
        rng = stream(self._seed, Stream.COMPLAINTS, now.index, 0)
        by_day = 24.0 / 14.0 if 8 <= now.hour < 22 else 0.0
        usual = self._people.count * self._world.background_complaints_per_user_day * by_day / 24.0
        topics = [str(rng.choice(_OTHER_TOPICS, p=_OTHER_SHARE)) for _ in range(int(rng.poisson(usual)))]
        if at(BILLING_DAY, BILLING_HOURS[0]) <= now.index < at(BILLING_DAY, BILLING_HOURS[1]):
            wave = self._people.count * self._world.billing_wave / (BILLING_HOURS[1] - BILLING_HOURS[0])
            topics += ["billing"] * int(rng.poisson(wave))
        for topic in topics:
            person = int(rng.integers(self._people.count))
            app = int(rng.integers(len(catalogue.APPS))) if topic == "app" else -1
            cell = int(self._people.home.cell[person]) if topic == "network" else -1
            self._file(rng, person, topic, now.index + float(rng.random()), cell, app)

    def write_day(self, folder: Path, day: int) -> None:
        """Write the complaints, and the updates of earlier ones, whose time lies in that day (0 is the first)."""
        rows = sorted(self._days.pop(day, []), key=lambda row: (row["updated_at"], row["complaint_id"]))
        date = f"{self._world.moment(day * 24.0):%Y-%m-%d}"
        tickets = [row for row in rows if row["channel"] in _TICKETS]
        others = [row for row in rows if row["channel"] not in _TICKETS]
        if tickets:
            write_bytes(folder / f"tickets-{date}.json", ticket_json(tickets))
        if others:
            table = pa.table({name: pa.array([row[name] for row in others]) for name in _COLUMNS})
            write_csv(folder / f"complaints-{date}.csv", table)

    def _file(self, rng: np.random.Generator, person: int, topic: str, created_h: float, cell: int, app: int) -> str:
        self._number += 1
        name = f"T{self._number:08d}"
        words = COMPLAINTS[topic]
        app_name = catalogue.APPS[app].name if app >= 0 else None
        created = self._time(created_h)
        row = {
            "complaint_id": name,
            "created_at": created,
            "subscriber_id": self._people.msisdn[person].as_py(),
            "channel": str(rng.choice(_CHANNELS, p=_CHANNEL_SHARE)),
            "category": topic,
            "text": words[int(rng.integers(len(words)))].format(app=app_name or "APP"),
            "cell_id": self._city.cells.name[cell] if cell >= 0 and rng.random() < 0.7 else None,
            "app": app_name if topic == "app" else None,
            "status": "open",
            "resolved_at": None,
            "updated_at": created,
            "satisfaction": None,
        }
        self._days[int(created_h // 24)].append(row)
        self._resolve(rng, row, created_h + 1.0 + float(rng.exponential(_MEAN_REPAIR_H)))
        return name

    def _resolve(self, rng: np.random.Generator, row: dict[str, Any], resolved_h: float) -> None:
        rated = int(rng.integers(1, 6)) if rng.random() < 0.5 else None
        if resolved_h < self._world.hours:
            when = self._time(resolved_h)
            done = {"status": "resolved", "resolved_at": when, "updated_at": when, "satisfaction": rated}
            self._days[int(resolved_h // 24)].append({**row, **done})

    def _time(self, hours: float) -> str:
        return self._world.moment(hours).isoformat(timespec="seconds")
