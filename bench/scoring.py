"""Scoring of sessions into committed index rows, against reading the same columns by binary COPY into arrays.

Ours reads the sessions of each hour, joins inventory and customers, rates them, splits their loss, and commits rows per
customer, group and indicator, then the day and the trailing periods. The peer only reads the columns.
"""

import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.ingest_rows import START_US, write_hour
from bench.pairs import Cost, arguments, close, measure, pairs, tell
from cemaphore import privatedb
from cemaphore.collecting import opened_intake, options_of
from cemaphore.pipeline.scoring import ScoreRun, score
from cemaphore.settings import Settings, load_settings
from collectors.collection import collect
from store.connection import Connection, connect
from store.frames import read_sessions

TARGET = 3.0
_START = datetime.fromtimestamp(START_US / 1e6, UTC)
_HOUR = timedelta(hours=1)
_PEAK = """
import resource, sys
from cemaphore.pipeline.scoring import score
from cemaphore.settings import load_settings
score(sys.argv[1], load_settings(home=sys.argv[2], database_url=None), processes=1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
INVENTORY = """
INSERT INTO cem.label (kind, value) SELECT kind, kind || number FROM
    unnest(ARRAY['site', 'region', 'band', 'model', 'segment']) AS kind, generate_series(1, 60) AS number;
INSERT INTO cem.cell (cell_id, site_id, region, band, source_id, batch_id, arrived_at)
    SELECT c.label_id, s.label_id, r.label_id, b.label_id, 1, 1, now() FROM cem.label c
    JOIN cem.label s ON s.kind = 'site' AND s.value = 'site' || (c.label_id / 3 % 60 + 1)
    JOIN cem.label r ON r.kind = 'region' AND r.value = 'region' || (c.label_id % 5 + 1)
    JOIN cem.label b ON b.kind = 'band' AND b.value = 'band' || (c.label_id % 6 + 1) WHERE c.kind = 'cell';
INSERT INTO cem.device (tac, model, source_id, batch_id, arrived_at)
    SELECT 35000000 + number, m.label_id, 1, 1, now() FROM generate_series(0, 299) AS number
    JOIN cem.label m ON m.kind = 'model' AND m.value = 'model' || (number % 60 + 1);
INSERT INTO cem.subscriber (subscriber_key, segment, source_id, batch_id, arrived_at)
    SELECT token, s.label_id, 1, 1, now() FROM vault.subject
    JOIN cem.label s ON s.kind = 'segment' AND s.value = 'segment' || (token % 8 + 1);
"""


class Bench:
    """One database with sessions of some hours, and the two things done with them."""

    def __init__(self, folder: Path, settings: Settings, hours: int, per_hour: int, population: int) -> None:
        self.hours, self.rows = hours, hours * per_hour
        self._settings, self._files = settings, folder / "sessions"
        self._url = privatedb.ensure(settings)
        self._pid = privatedb.status(settings).pid
        self._files.mkdir()
        for hour in range(hours):
            _write(self._files / f"{hour:02}.parquet", hour, per_hour, population)
        with opened_intake(settings, self._url) as intake:
            for _ in collect([self._files], intake=intake, options=options_of(settings)):
                pass
        with connect(self._url, autocommit=True) as connection:
            connection.execute(INVENTORY)
            connection.execute("VACUUM ANALYZE")
        self.last = ScoreRun()

    def ours(self) -> Cost:
        """Cost of scoring all hours, nothing scored before."""
        self._dirty(self.hours)
        return measure(self._score, self._pid)

    def peer(self) -> Cost:
        """Cost of reading the columns that scoring reads, hour by hour."""
        with connect(self._url, autocommit=True) as connection:
            return measure(lambda: self._read(connection), self._pid)

    def peak_mib(self, hours: int) -> float:
        """Peak memory of a process that scores so many hours."""
        self._dirty(hours)
        command = [sys.executable, "-c", _PEAK, self._url, str(self._settings.home)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return int(output.split()[-1]) / 1024

    def _score(self) -> None:
        self.last = score(self._url, self._settings, processes=1)
        if not self.last.sessions == self.rows:
            raise SystemExit(f"{self.last.sessions} of {self.rows} sessions were scored")

    def _read(self, connection: Connection) -> None:
        for hour in range(self.hours):
            read_sessions(connection, _START + hour * _HOUR, _START + (hour + 1) * _HOUR)

    def _dirty(self, hours: int) -> None:
        with connect(self._url, autocommit=True) as connection:
            connection.execute(
                "TRUNCATE cem.user_hour, cem.user_day, cem.user_period, cem.group_index, cem.kqi_value, "
                "cem.dirty, cem.touched, cem.period"
            )
            connection.execute(
                "INSERT INTO cem.dirty (kind, window_start) SELECT 'sessions', %s + hour * INTERVAL '1 hour' "
                "FROM generate_series(0, %s - 1) AS hour",
                [_START, hours],
            )
            connection.execute("CHECKPOINT")


def _write(path: Path, hour: int, rows: int, population: int) -> None:
    """Write an hour of sessions in a tenth (small: a hundredth) of the ingest benchmark's cells, as of its people."""
    write_hour(path, hour, rows, population)
    table = pq.read_table(path)
    cells = pc.replace_substring_regex(table["cell_id"], "[0-9]$" if rows > 50_000 else "[0-9]{1,2}$", "")
    pq.write_table(table.set_column(table.schema.get_field_index("cell_id"), "cell_id", cells), path)


def main() -> int:
    """Run the pairs, then look at the memory of one hour against all."""
    asked = arguments(__doc__ or "")
    hours, per_hour, population = (8, 30_000, 8_100) if asked.small else (10, 100_000, 27_000)
    with tempfile.TemporaryDirectory(prefix="cemaphore-bench-") as folder:
        settings = load_settings(home=Path(folder) / "home", database_url=None, demo=True)
        try:
            bench = Bench(Path(folder), settings, hours, per_hour, population)
            found = pairs(bench.ours, bench.peer, 3, tell)
            peaks = {"1": bench.peak_mib(1), str(hours): bench.peak_mib(hours)}
        finally:
            privatedb.remove(settings)
    ratio = median(ours.cpu_s / peer.cpu_s for ours, peer in found)
    million = bench.rows / 1e6
    tell(f"{bench.rows:,} sessions, {bench.last.user_hours:,} user-hours; ours over peer, CPU {ratio:.2f}, wall "
         f"{median(ours.wall_s / peer.wall_s for ours, peer in found):.2f}")  # fmt: skip
    ours, peer = found[-1]
    tell(f"CPU us a session: ours client {ours.client_s / million:.2f}, server {ours.server_s / million:.2f}; "
         f"peer client {peer.client_s / million:.2f}, server {peer.server_s / million:.2f}")  # fmt: skip
    tell("peak memory MiB by hours: " + ", ".join(f"{number}: {peak:.0f}" for number, peak in peaks.items()))
    detail: dict[str, object] = {"rows": bench.rows, "pairs": found, "peak_mib": peaks}
    return close("scoring", ratio, "times the CPU of reading", TARGET, at_most=True, detail=detail, as_json=asked.json)


if __name__ == "__main__":
    raise SystemExit(main())
