"""A database of its own with many hours of sessions, made cheaply: one hour is collected, the others are its copies."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg import sql

from bench.ingest_rows import START_US, write_hour
from bench.scoring import INVENTORY
from cemaphore import privatedb
from cemaphore.collecting import opened_intake, options_of
from cemaphore.settings import Settings, load_settings
from collectors.collection import collect
from store.connection import connect

START = datetime.fromtimestamp(START_US / 1e6, UTC)
HOUR = timedelta(hours=1)
_PEAK = """
import resource, sys
from cemaphore.pipeline.scoring import score
from cemaphore.settings import load_settings
score(sys.argv[1], load_settings(home=sys.argv[2], database_url=None), processes=1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


class SessionHours:
    """A private database whose first hour was collected; `url` and `pid` of its server, `settings` of its scoring."""

    def __init__(self, settings: Settings, folder: Path, per_hour: int, population: int) -> None:
        self.settings, self.url = settings, privatedb.ensure(settings)
        self.pid = privatedb.status(settings).pid
        files = folder / "sessions"
        files.mkdir()
        write_hour(files / "first.parquet", 0, per_hour, population)
        with opened_intake(settings, self.url) as intake:
            for _ in collect([files], intake=intake, options=options_of(settings)):
                pass
        self.execute(INVENTORY)

    def fill(self, hours: int, *, without: int | None = None) -> None:
        """Copy the first hour to those after it, but for one, and mark all of them."""
        for hour in range(1, hours):
            if hour != without:
                self.copy(hour, "", f"/{hour}")
        self.mark(0, hours)
        self.execute("VACUUM ANALYZE cem.session")

    def copy(self, hour: int, where: str, suffix: str) -> None:
        """Copy rows of the first hour, all or those of a condition, to another under other names."""
        with connect(self.url, autocommit=True) as connection:
            names = [
                name
                for (name,) in connection.execute(
                    "SELECT column_name::text FROM information_schema.columns "
                    "WHERE table_schema = 'cem' AND table_name = 'session' ORDER BY ordinal_position"
                )
            ]
            values = {
                "start_time": sql.SQL("start_time + {}").format(sql.Literal(hour * HOUR)),
                "session_id": sql.SQL("session_id || {}").format(sql.Literal(suffix)),
            }
            connection.execute(
                sql.SQL("INSERT INTO cem.session ({}) SELECT {} FROM cem.session WHERE start_time < {} {}").format(
                    sql.SQL(", ").join(map(sql.Identifier, names)),
                    sql.SQL(", ").join(values.get(name, sql.Identifier(name)) for name in names),
                    sql.Literal(START + HOUR),
                    sql.SQL(where),  # the condition is of this folder
                )
            )

    def mark(self, first: int, end: int) -> None:
        """Mark these hours to be scored."""
        with connect(self.url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO cem.dirty (kind, window_start) SELECT 'sessions', %s + hour * INTERVAL '1 hour' "
                "FROM generate_series(%s, %s - 1) AS hour",
                [START, first, end],
            )

    def execute(self, statement: str) -> None:
        """Run one statement of the benchmark's own."""
        with connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def score_apart(self) -> float:
        """Score what is dirty in a process of its own, and return its peak memory in MiB."""
        command = [sys.executable, "-c", _PEAK, self.url, str(self.settings.home)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        return int(output.split()[-1]) / 1024


@contextmanager
def session_hours(per_hour: int, population: int) -> Iterator[SessionHours]:
    """Open such a database, and remove it in the end."""
    with tempfile.TemporaryDirectory(prefix="cemaphore-bench-") as folder:
        settings = load_settings(home=Path(folder) / "home", database_url=None, demo=True)
        try:
            yield SessionHours(settings, Path(folder), per_hour, population)
        finally:
            privatedb.remove(settings)
