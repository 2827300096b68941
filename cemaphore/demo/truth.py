"""The truth file: what was done to the world, how much it hurt, and which complaints it caused."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from cemaphore.demo.arrays import Bools
from cemaphore.demo.faults import Fault
from cemaphore.demo.files import written
from cemaphore.demo.size import WorldSize

MUST_FLAG_SEVERITY = 0.3


@dataclass(frozen=True, kw_only=True)
class TruthEntry:
    """One fault, or with `must_flag` false one thing that is none; fields as in the truth file of `design.md` 3.

    `severity` is (bad ratio with the fault - bad ratio without) / (1 - bad ratio without), from replaying the same
    random numbers; 0 for what does nothing.
    """

    id: str
    domain: str
    dimension: str
    over: str
    selector: Mapping[str, tuple[str, ...]]
    started_at: datetime
    ended_at: datetime
    severity: float
    must_flag: bool
    complaint_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Truth:
    """All entries of a world, faults first, and how many sessions were written."""

    entries: tuple[TruthEntry, ...]
    sessions: int

    def write(self, path: Path) -> None:
        """Write the entries as a JSON list."""
        rows = [
            {
                **vars(entry),
                "selector": {column: list(values) for column, values in entry.selector.items()},
                "started_at": entry.started_at.isoformat(),
                "ended_at": entry.ended_at.isoformat(),
                "complaint_ids": list(entry.complaint_ids),
            }
            for entry in self.entries
        ]
        with written(path) as part:
            part.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


class Tally:
    """Counts of bad records with and without each fault, and its complaints, while the world is written."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._faults = faults
        self._counts = {fault.id: np.zeros(3, dtype=np.int64) for fault in faults}
        self._complaints: dict[str, list[str]] = {fault.id: [] for fault in faults}

    def add(self, fault: Fault, bad_with: Bools, bad_without: Bools) -> None:
        """Add records that the fault hit, each judged with and without it."""
        self._counts[fault.id] += (len(bad_with), int(bad_with.sum()), int(bad_without.sum()))

    def complain(self, fault_id: str, complaint_id: str) -> None:
        """Note a complaint that the fault caused."""
        self._complaints[fault_id].append(complaint_id)

    def severity(self, fault: Fault) -> float:
        """Return the severity so far; 0 where nothing was hit."""
        records, bad_with, bad_without = (int(count) for count in self._counts[fault.id])
        if not fault.hurts or records == bad_without:
            return 0.0
        return round((bad_with - bad_without) / (records - bad_without), 4)

    def truth(self, world: WorldSize, sessions: int) -> Truth:
        """Return what is known at the end."""
        return Truth(
            sessions=sessions,
            entries=tuple(
                TruthEntry(
                    id=fault.id,
                    domain=fault.domain,
                    dimension=fault.dimension,
                    over=fault.over,
                    selector=fault.selector,
                    started_at=world.moment(fault.begins_h),
                    ended_at=world.moment(fault.ends_h),
                    severity=self.severity(fault),
                    must_flag=fault.hurts and self.severity(fault) >= MUST_FLAG_SEVERITY,
                    complaint_ids=tuple(sorted(self._complaints[fault.id])),
                )
                for fault in self._faults
            ),
        )
