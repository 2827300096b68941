"""The jobs that take records in: asking the sources of `sources.toml`, and collecting from the watched folders."""

from collections.abc import Mapping, Sequence
from functools import partial

import structlog

from cemaphore.collecting import options_of
from cemaphore.running.asking import Asking
from cemaphore.running.folders import Folders
from cemaphore.running.intakes import Intakes
from cemaphore.running.schedule import SOURCE, Source
from cemaphore.running.work import OUTCOMES, Call, Counts, News, Work
from cemaphore.settings import Settings
from collectors.collection import FileResult
from collectors.watching import WatchedFolder

Log = structlog.typing.FilteringBoundLogger


class Taking:
    """Keeps open, from one run to the next, what it asks the sources and the database with."""

    def __init__(
        self, settings: Settings, log: Log, folders: Sequence[WatchedFolder], askings: Sequence[Asking] = ()
    ) -> None:
        self._settings, self._log = settings, log
        self._watcher = Folders(folders=folders, options=options_of(settings))
        self._askings = askings
        self._intakes: dict[str, Intakes] = {}
        self._away: set[str] = set()
        self.sources: Sequence[Source] = (
            *(Source(name=one.name, interval_s=one.interval_s) for one in askings),
            *(Source(name=folder.source) for folder in folders if folder.source),
        )
        self.work: Mapping[str, Work] = {
            **{SOURCE + one.name: partial(self._ask, one) for one in askings},
            "collect": self._collect,
        }

    def close(self) -> None:
        """Leave sources and database; once no job runs any more."""
        for one in self._askings:
            one.asked.close()
        for intakes in self._intakes.values():
            intakes.close()

    def _ask(self, one: Asking, call: Call) -> Counts:
        try:
            with self._kept(call).one(call.now) as intake:
                answer = one.asked.ask(intake, intake.clock_now)
        except BaseException:
            call.news.append(News(source=one.name, up=False))
            raise
        counts = {outcome: getattr(answer, outcome) for outcome in OUTCOMES}
        call.news.append(News(source=one.name, up=answer.up, **counts))
        if not answer.up and one.name not in self._away:
            self._away.add(one.name)
            self._log.warning("source away", source=one.name, reason=answer.reason)
        elif answer.up and one.name in self._away:
            self._away.remove(one.name)
            self._log.info("source back", source=one.name)
        return counts

    def _collect(self, call: Call) -> Counts:
        totals = {"files": 0, "read": 0, "stored": 0, "duplicate": 0, "quarantined": 0, "failed": 0}
        call.news.extend(
            News(source=folder.source, up=folder.path.is_dir()) for folder in self._watcher.folders if folder.source
        )
        self._watcher.options = options_of(self._settings)
        with self._kept(call).one(call.now) as intake:
            for result in self._watcher.step(intake):
                self._count(result, totals, call)
        return totals

    def _count(self, result: FileResult, totals: dict[str, int], call: Call) -> None:
        counts = {outcome: getattr(result, outcome) for outcome in OUTCOMES}
        totals["files"] += 1
        totals["read"] += result.rows_read
        for outcome, count in counts.items():
            totals[outcome] += count
        call.news.append(News(source=result.source, **counts))
        if result.error is not None:
            totals["failed"] += 1
            self._log.warning("file not collected", file=result.path.name, error=result.error)

    def _kept(self, call: Call) -> Intakes:
        """Those intakes whose statements end when this job must."""
        return self._intakes.setdefault(call.dsn, Intakes(call.dsn, self._settings))
