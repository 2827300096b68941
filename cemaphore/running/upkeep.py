"""The jobs beside the flow of records: old rows dropped, the house kept in order, the week's report sent."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from cemaphore.running.schedule import Source
from cemaphore.running.work import Call, Counts, Work, counts_of
from cemaphore.settings import Settings
from store import audit, housekeeping, retention, slots
from store.connection import Connection, connect

Log = structlog.typing.FilteringBoundLogger
_LEDGER_DAYS = 2  # of slots of jobs: enough to see what happened in the night before (own)
_DAY_S = 86_400


class Upkeep:
    """Keeps nothing: what was done is in the database. In demo mode no row is dropped unless the clock `rehearses`."""

    sources: Sequence[Source] = ()

    def __init__(self, settings: Settings, log: Log, *, rehearses: bool = False) -> None:
        self._settings, self._log = settings, log
        self._drops = not settings.demo or rehearses
        self.work: Mapping[str, Work] = {
            "retention": self._retention,
            "housekeeping": self._housekeeping,
            "report": self._report,
        }

    def close(self) -> None:
        """Nothing is kept open."""

    def _retention(self, call: Call) -> Counts:
        if not self._drops:
            return {}
        with connect(call.dsn, autocommit=True) as connection:
            dropped = retention.drop(connection, self._settings.retention_days, call.now)
        for one in dropped:
            if one.held:
                self._log.warning("kept longer", rows=one.name, until=one.before.isoformat(), reason=one.held)
        return {one.name: one.rows for one in dropped if one.rows}

    def _housekeeping(self, call: Call) -> Counts:
        with connect(call.dsn, autocommit=True) as connection:
            counts = {
                "ledger_rows": slots.prune(connection, _LEDGER_DAYS),
                "tables_analyzed": housekeeping.analyze(connection),
                "damaged_files": _expire(self._settings.home / "spill", self._settings.retention_days["quarantine"]),
                "database_mib": housekeeping.size_bytes(connection) >> 20,
            }
            if (broken := audit.broken_at(connection)) is not None:
                self._log.error("audit trail was altered", first_entry=broken)
            self._remind(connection)
        return counts

    def _report(self, call: Call) -> Counts:
        if not self._settings.report_receivers:
            return {}
        from cemaphore.reporting.sending import send_week  # draws and sets: not held by who sends none

        return counts_of(send_week(call.dsn, self._settings, now=call.now))

    def _remind(self, connection: Connection) -> None:
        days = self._settings.backup_within_days
        if days is None:
            return
        last = housekeeping.last_backup(connection)
        if last is None or last < datetime.now(UTC) - timedelta(days=days):
            self._log.warning("backup is due", last="never" if last is None else last.isoformat(), within_days=days)


def _expire(folder: Path, days: int) -> int:
    """Delete what spills set aside as damaged longer than so many days ago; nobody can read it."""
    oldest = time.time() - days * _DAY_S
    gone = [path for path in folder.rglob("*.damaged") if path.stat().st_mtime < oldest]
    for path in gone:
        path.unlink()
    return len(gone)
