"""The Spark engine: hours leave the database as Parquet parts, tasks rate them, and this process stores them.

Spark deals the parts out and tries failed ones again; no record passes through Java, as each task reads its part as
Arrow record batches itself.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from shutil import rmtree
from types import TracebackType
from typing import Any

from cemaphore.engines.parts import compare_parts, kept_scores, working_folder, write_parts
from cemaphore.engines.session import quiet_about_pandas, spark_session
from cemaphore.engines.tasks import DEALT, DONE, Wave, hear_dealt, packed, rate_dealt
from cemaphore.engines.worker import Outcome, Worker
from cemaphore.pipeline.frame import SESSION_LABELS, TOUCHPOINT_LABELS
from cemaphore.settings import Settings
from qoe.expectation import Margins
from records.errors import TransientError
from records.windows import local_day
from store.connection import Connection
from store.frames import label_values

# So many parts a core are written before they are rated: enough that cores wait little for the last (own).
PARTS_PER_CORE = 3

Work = Callable[..., Any]  # of `cemaphore.engines.tasks`


@dataclass(frozen=True, kw_only=True)
class _Written:
    """An hour on the disk: the marks that it answers, read before its records were, and its parts."""

    hour: datetime
    marks: Sequence[int]
    places: Sequence[Path]


class SparkPool:
    """Scores hours as `Pool` does, rated by Spark; it starts with the first hour."""

    def __init__(self, worker: Worker, connection: Connection, settings: Settings) -> None:
        self._worker, self._connection, self._settings = worker, connection, settings
        self._stack = ExitStack()
        self._folder: Path | None = None
        self._session: Any = None
        self._scoring: Any = None
        self.processes = 1  # of Spark, once it has started

    def __enter__(self) -> "SparkPool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def score(self, hours: Sequence[datetime], *, wait: bool) -> Iterator[tuple[datetime, Outcome]]:
        """Yield each hour of one local day with what became of it; see `Worker.hour`.

        Hours that others have, which come again with `wait`, are scored here one by one.
        """
        if wait:
            yield from ((hour, self._worker.hour(hour, wait=True)) for hour in hours)
            return
        if hours and self._session is None:
            self._start()
        rest = list(hours)
        while rest:
            written: list[_Written] = []
            while rest and sum(len(each.places) for each in written) < PARTS_PER_CORE * self.processes:
                hour = rest.pop(0)
                marks = self._worker.marks(hour)
                if marks:
                    written.append(self._write(hour, marks))
                else:
                    yield hour, self._worker.hour(hour, wait=False)
            yield from self._rated(written)

    def _start(self) -> None:
        folder = self._stack.enter_context(working_folder(self._settings.spark_folder))
        self._session = self._stack.enter_context(spark_session(self._settings.spark_master, folder))
        self._folder = folder
        self.processes = self._session.sparkContext.defaultParallelism
        self._scoring = self._session.sparkContext.broadcast(packed(self._worker.scoring))
        self._stack.callback(self._scoring.destroy)

    def _write(self, hour: datetime, marks: Sequence[int]) -> _Written:
        assert self._folder is not None
        inventory = self._worker.scoring.context.inventory
        return _Written(hour=hour, marks=marks, places=write_parts(self._connection, hour, self._folder, inventory))

    def _rated(self, written: Sequence[_Written]) -> Iterator[tuple[datetime, Outcome]]:
        if not written:
            return
        _, margins = self._worker.baseline(local_day(written[0].hour, self._worker.scoring.zone))
        in_parts = [each for each in written if len(each.places) > 1]
        if in_parts:
            self._run(hear_dealt, in_parts, margins)
            for each in in_parts:
                compare_parts(each.places)
        self._run(rate_dealt, written, margins)
        for each in written:
            parts = (kept_scores(place) for place in each.places)
            yield each.hour, self._worker.store(each.hour, parts, each.marks)
            rmtree(each.places[0].parent)

    def _run(self, work: Work, written: Sequence[_Written], margins: Margins) -> None:
        """Do that work on all parts, one a task."""
        dealt = [(int(each.hour.timestamp()), str(place)) for each in written for place in each.places]
        names = label_values(self._connection, [*SESSION_LABELS, *TOUCHPOINT_LABELS])
        context = self._session.sparkContext
        wave = context.broadcast(Wave(margins=margins, names=names))
        try:
            with quiet_about_pandas():
                table = self._session.createDataFrame(context.parallelize(dealt, len(dealt)), DEALT)
                table.mapInArrow(partial(work, self._scoring, wave), DONE).collect()
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise TransientError(f"Spark did not rate its hours, which are as they were: {reason}") from error
        finally:
            wave.destroy()
