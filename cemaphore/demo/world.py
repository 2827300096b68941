"""Writes a whole demo world, hour by hour and block by block of people, as input files of the contract."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cemaphore.demo import catalogue
from cemaphore.demo.complaints import Bad, ComplaintDesk
from cemaphore.demo.counters import Counted, count_hour
from cemaphore.demo.drawing import Drawn
from cemaphore.demo.files import parquet_writer, write_ndjson, write_parquet
from cemaphore.demo.inventory import write_inventory
from cemaphore.demo.judging import Judge
from cemaphore.demo.load import Clock
from cemaphore.demo.measuring import Measured
from cemaphore.demo.pmfiles import write_pm_files
from cemaphore.demo.services import Columns
from cemaphore.demo.size import FAULT_DAYS, WorldSize
from cemaphore.demo.stage import Hour, Stage, acts, kept
from cemaphore.demo.surveys import write_surveys
from cemaphore.demo.tables import SCHEMA, SessionTables
from cemaphore.demo.touchpoints import Desk
from cemaphore.demo.truth import Tally, Truth

Progress = Callable[[str, float], None]


def write_world(
    folder: Path, world: WorldSize, seed: int, progress: Progress | None = None, *, calm: bool = False
) -> Truth:
    """Write the world of that size and seed into `folder` and return its truth, which is also `truth.json` there.

    `progress` is called with what is being written and the fraction done, 0..1. Files appear whole or not at all.
    A `calm` world has no fault, and still all that must not be flagged.
    """
    tell_progress = progress or (lambda stage, fraction: None)
    tell_progress("inventory", 0.0)
    writer = _Writer(folder, world, seed, calm=calm)
    for day in range(world.days):
        writer.write_day(day, partial(_in_day, tell_progress, day, world.days))
    truth = writer.tally.truth(world, writer.sessions)
    truth.write(folder / "truth.json")
    tell_progress("truth", 1.0)
    return truth


def _in_day(progress: Progress, day: int, days: int, done: float) -> None:
    progress("sessions", (day + done) / days)


class _Writer:
    """The state of a world in writing: what stands still, and per person only the day's failed sessions."""

    def __init__(self, folder: Path, world: WorldSize, seed: int, *, calm: bool) -> None:
        self._folder, self._world, self._seed = folder, world, seed
        self._stage = stage = Stage(world, seed, calm=calm)
        self._city, self._people, self._faults = stage.city, stage.people, stage.faults
        self._judge = Judge()
        self._tables = SessionTables(world, self._city, self._people)
        self._desk = Desk(world, self._people, self._faults, self._judge, seed)
        self._complaints = ComplaintDesk(world, self._city, self._people, seed)
        self._failed = np.zeros(self._people.count, dtype=np.int64)
        self.tally = Tally(self._faults)
        self.sessions = 0
        write_inventory(folder / "inventory", world, self._city, self._people, seed)

    def write_day(self, day: int, progress: Callable[[float], None]) -> None:
        """Write one local day; sessions go out hour by hour."""
        date = f"{self._world.moment(day * 24.0):%Y-%m-%d}"
        self._failed[:] = 0
        touches: list[pa.Table] = []
        counted: list[Counted] = []
        counting = day >= FAULT_DAYS - self._world.counter_days
        step = self._world.file_hours
        for first in range(0, 24, step):
            name = f"sessions-{date}T{first:02d}.parquet" if step == 1 else f"sessions-{date}.parquet"
            with parquet_writer(self._folder / "sessions" / "probe" / name, SCHEMA) as sink:
                for hour in range(first, first + step):
                    played = self._stage.hour(day * 24 + hour)
                    touches.append(self._write_hour(played, sink))
                    if counting:
                        counted.append(self._count(played))
                    progress((hour + 1) / 24)
            if counted:
                write_pm_files(self._folder / "counters", self._world, self._city, day * 24 + first, counted)
                counted = []
        self._write_touches(day, date, pa.concat_tables(touches))
        self._complaints.write_day(self._folder / "complaints", day)
        write_surveys(self._folder / "surveys", self._world, self._people, day, self._failed, self._seed)

    def _count(self, hour: Hour) -> Counted:
        stage = self._stage
        return count_hour(stage.city, stage.traffic, stage.faults, hour.now, hour.offered, self._seed)

    def _write_hour(self, hour: Hour, sink: pq.ParquetWriter) -> pa.Table:
        """Write the sessions of an hour, file its complaints and return its touchpoints."""
        now = hour.now
        for block, drawn in enumerate(self._stage.sessions(hour)):
            self._write_block(now, block, drawn, sink)
        self._complaints.other(now)
        touches, hurt = self._desk.hour(now, self.tally)
        for fault, people in hurt:
            nowhere = np.full(len(people), -1)
            bad = Bad(person=people, cell=nowhere, app=nowhere)
            self._complaints.after_fault((self._faults.index(fault), 0), fault, now, bad, self.tally)
        return touches

    def _write_block(self, now: Clock, block: int, drawn: Drawn, sink: pq.ParquetWriter) -> None:
        """Write the sessions of an hour and block of people as one row group."""
        seen, columns = self._stage.play(drawn, now)
        self._complain(now, block, drawn, seen, columns)
        self._failed += np.bincount(drawn.person[seen.cause != catalogue.OK], minlength=len(self._failed))
        table = self._tables.table(now.index, drawn, seen, columns, kept(drawn))
        sink.write_table(table)
        self.sessions += table.num_rows

    def _complain(self, now: Clock, block: int, drawn: Drawn, seen: Measured, columns: Columns) -> None:
        """Replay what each fault hit without it, with the same random numbers, and let the difference complain."""
        for number, fault in enumerate(self._faults):
            if not acts(fault, now):
                continue
            rows = np.flatnonzero(fault.hits(drawn.attributes, drawn.at_h) & kept(drawn))
            if not len(rows):
                continue
            part = drawn.take(rows)
            spared, spared_columns = self._stage.play(part, now, without=fault.id)
            hit_columns = {name: values[rows] for name, values in columns.items()}
            bad = self._judge.sessions(part, seen.cause[rows], hit_columns)
            before = self._judge.sessions(part, spared.cause, spared_columns)
            self.tally.add(fault, bad, before)
            hurt = bad & ~before
            harm = Bad(person=part.person[hurt], cell=part.cell[hurt], app=part.app[hurt])
            self._complaints.after_fault((number, block), fault, now, harm, self.tally)

    def _write_touches(self, day: int, date: str, table: pa.Table) -> None:
        folder = self._folder / "touchpoints"
        if day % 2:
            write_parquet(folder / f"touchpoints-{date}.parquet", table)
            return
        rows = table.to_pylist()
        for row in rows:
            row["time"] = row["time"].isoformat(timespec="milliseconds")
        write_ndjson(folder / f"touchpoints-{date}.ndjson.zst", rows)
