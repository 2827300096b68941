"""Collection of sessions from Parquet, committed exactly once, against `psql \\copy` of the same rows in binary.

The peer writes the stored columns of the same rows, from a binary file, into an unlogged table without an index:
the least that PostgreSQL can do with them. Ours reads Parquet, checks every value, replaces 200,000 subscribers (half
of them new to the vault) by tokens and names by numbers, and commits rows, ledger, marks and watermark.
"""

import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from bench.ingest_rows import SESSIONS_PER_HOUR, subscribers, write_hour
from bench.pairs import Cost, arguments, close, cpu_ratio, measure, pairs, tell
from cemaphore import privatedb
from cemaphore.collecting import opened_intake, options_of
from cemaphore.settings import Settings, load_settings
from collectors.collection import Reading, collect
from collectors.folders import find
from collectors.streams import identify
from records.identifiers import normalise_all
from store.connection import Connection, connect
from store.vault import Vault, open_keys

TARGET = 0.25
_POPULATION = 200_000
_PEAK = """
import resource
from cemaphore.cli import main
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


class Bench:
    """One database, one folder of files, and the two ways in."""

    def __init__(self, folder: Path, settings: Settings, hours: int, rows_per_hour: int, population: int) -> None:
        self.files = folder / "sessions"
        self.rows = hours * rows_per_hour
        self._settings = settings
        self._binary = folder / "rows.pgcopy"
        self._url = privatedb.ensure(settings)
        self._pid = privatedb.status(settings).pid
        self.files.mkdir()
        for hour in range(hours):
            write_hour(self.files / f"{hour:02}.parquet", hour, rows_per_hour, population)
        self._know(population // 2)

    def _know(self, count: int) -> None:
        import pyarrow as pa

        with connect(self._url, autocommit=True) as connection:
            vault = Vault(connection, open_keys(connection, self._settings.keys_dir))
            vault.tokens(normalise_all(pa.array(subscribers(count)), "imsi").to_pylist())
            connection.execute("CREATE SCHEMA bench")
            connection.execute("CREATE TABLE bench.known AS SELECT token FROM vault.subject")

    def collect_once(self) -> None:
        """Collect all files as `cem collect` does."""
        with opened_intake(self._settings, self._url) as intake:
            stored = sum(
                result.stored for result in collect([self.files], intake=intake, options=options_of(self._settings))
            )
        if stored != self.rows:
            raise SystemExit(f"{stored} of {self.rows} rows were stored")

    def ours(self) -> Cost:
        """Cost of collecting into the empty table, with half of the subscribers known."""
        with connect(self._url, autocommit=True) as connection:
            self._empty(connection)
        return measure(self.collect_once, self._pid)

    def peer(self) -> Cost:
        """Cost of `psql \\copy` of the same rows; the file is made of what ours stored."""
        if not self._binary.exists():
            self.collect_once()
            with self._binary.open("wb") as file:
                self._psql("\\copy (SELECT * FROM cem.session) TO pstdout (FORMAT binary)", output=file)
            self._psql("CREATE UNLOGGED TABLE bench.peer (LIKE cem.session)")
        self._psql("TRUNCATE bench.peer", "CHECKPOINT")
        with self._binary.open("rb") as file:
            return measure(lambda: self._psql("\\copy bench.peer FROM pstdin (FORMAT binary)", given=file), self._pid)

    def reading(self) -> Cost:
        """Cost of reading and checking alone."""
        options = options_of(self._settings)

        def work() -> None:
            for found in find([self.files], options):
                for _ in Reading(found, identify(found.path), options, None).batches():
                    pass

        return measure(work, self._pid)

    def peak_mib(self, hours: int) -> float:
        """Peak memory of a `cem collect` of so many files, in a process of its own."""
        with connect(self._url, autocommit=True) as connection:
            self._empty(connection)
        files = sorted(str(file) for file in self.files.iterdir())[:hours]
        command = [sys.executable, "-c", _PEAK, "collect", "--json", "--kind", "sessions", *files]
        environment = {"CEMAPHORE_HOME": str(self._settings.home), "PATH": "/usr/bin:/bin"}
        output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
        return int(output.split()[-1]) / 1024

    def _empty(self, connection: Connection) -> None:
        connection.execute("TRUNCATE cem.session, cem.batch, cem.quarantine, cem.dirty, cem.watermark")
        connection.execute("DELETE FROM vault.subject WHERE token NOT IN (SELECT token FROM bench.known)")
        connection.execute("VACUUM ANALYZE vault.subject")
        connection.execute("CHECKPOINT")

    def _psql(self, *commands: str, given: IO[bytes] | None = None, output: IO[bytes] | None = None) -> None:
        arguments = [part for command in commands for part in ("-c", command)]
        command = ["psql", "-q", "-X", "-d", self._url, *arguments]
        subprocess.run(command, check=True, stdin=given, stdout=output or subprocess.DEVNULL)


def main() -> int:
    """Run the pairs and say where the time goes."""
    asked = arguments(__doc__ or "")
    hours, per_hour, population = (4, 100_000, 40_000) if asked.small else (8, SESSIONS_PER_HOUR, _POPULATION)
    rounds = 3 if asked.small else 5
    with tempfile.TemporaryDirectory(prefix="cemaphore-bench-") as folder:
        settings = load_settings(home=Path(folder) / "home", database_url=None, demo=True)
        try:
            bench = Bench(Path(folder), settings, hours, per_hour, population)
            found = pairs(bench.ours, bench.peer, rounds, tell)
            reading = bench.reading()
            peaks = {"1": bench.peak_mib(1), str(hours): bench.peak_mib(hours)}
        finally:
            privatedb.remove(settings)
    million = bench.rows / 1e6
    ours, peer = sorted(found, key=lambda pair: pair[1].cpu_s / pair[0].cpu_s)[len(found) // 2]
    tell(f"{bench.rows:,} sessions on {datetime.now(UTC):%Y-%m-%d}; CPU us a row of the median pair:")
    tell(f"  reading and checking Parquet   {reading.client_s / million:6.2f}")
    tell(f"  tokens, names, order, encoding {(ours.client_s - reading.client_s) / million:6.2f}")
    tell(f"  server: rows, index, WAL       {ours.server_s / million:6.2f}")
    tell(f"  peer: client {peer.client_s / million:.2f}, server {peer.server_s / million:.2f}")
    tell("  peak memory MiB by files: " + ", ".join(f"{files}: {peak:.0f}" for files, peak in peaks.items()))
    detail: dict[str, object] = {"rows": bench.rows, "pairs": found, "reading": reading, "peak_mib": peaks}
    return close("ingest", cpu_ratio(found), "of psql's CPU speed", TARGET, detail=detail, as_json=asked.json)


if __name__ == "__main__":
    raise SystemExit(main())
