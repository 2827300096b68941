"""A feed of 700 GB a month, the volume that one provincial operator reports: how many times faster it is taken here.

Hours of a made-up city's sessions are collected into a private TimescaleDB and scored, to indices of hours, days and
trailing periods. Their volume is that of the same rows as uncompressed CSV, of filled values only: an empty one counts
nothing, not even its comma. The inventory is there before. The feed holds some 4 million sessions an hour, these
hours fewer: what an hour costs whatever is in it weighs more here.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from bench.pairs import Cost, arguments, close, measure, tell
from bench.soak_feed import write
from cemaphore import privatedb
from cemaphore.collecting import opened_intake, options_of
from cemaphore.demo import WorldSize
from cemaphore.pipeline.scoring import ScoreRun, score
from cemaphore.settings import Settings, load_settings
from collectors.collection import collect
from store.connection import connect

TARGET, AMBITION = 10.0, 20.0
FEED_BYTES_PER_S = 700e9 / (30 * 86_400)  # 270 kB a second
_FULL, _HOURS = WorldSize(users=60_000, sites=300, models=40), 10
_SMALL, _SMALL_HOURS = WorldSize(users=10_000, sites=100, models=40), 5


@contextmanager
def _base() -> Iterator[tuple[Settings, Path]]:
    """A home for a server of its own, which is gone in the end."""
    with tempfile.TemporaryDirectory(prefix="cemaphore-feed-") as folder:
        settings = load_settings(
            home=Path(folder) / "home", database_url=None, time_zone=_FULL.zone, country_code="CN", demo=True
        )
        try:
            yield settings, Path(folder) / "world"
        finally:
            privatedb.remove(settings)


def csv_bytes(table: pa.Table) -> int:
    """Bytes of a table as CSV without its header: of its filled values, each with the comma or line end after it."""
    flat = [
        pa.array([None if row is None else ";".join(map(str, row)) for row in column.to_pylist()], pa.string())
        if pa.types.is_list(column.type)
        else column
        for column in table.columns
    ]
    sink = pa.BufferOutputStream()
    options = pacsv.WriteOptions(include_header=False, quoting_style="needed")
    pacsv.write_csv(pa.table(dict(zip(table.column_names, flat, strict=True))), sink, options)
    return int(sink.getvalue().size - sum(column.null_count for column in table.columns))


def _collect(settings: Settings, url: str, folder: Path) -> None:
    with opened_intake(settings, url) as intake:
        for result in collect([folder], intake=intake, options=options_of(settings)):
            if result.error is not None or result.quarantined:
                raise SystemExit(f"a file of the feed was not read whole: {result}")


def _stored(url: str) -> int:
    """Bytes of the sessions' chunks and their indexes."""
    query = "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'cem.session'::regclass"
    with connect(url) as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def main() -> int:
    """Write the feed, take its inventory, then collect and score the rest against the clock."""
    asked = arguments(__doc__ or "")
    with _base() as (settings, folder):
        write(folder, *((_SMALL, _SMALL_HOURS) if asked.small else (_FULL, _HOURS)))
        tables = [pq.read_table(file) for file in sorted(folder.glob("sessions/*/*.parquet"))]
        rows, volume = sum(table.num_rows for table in tables), sum(map(csv_bytes, tables))
        url = privatedb.ensure(settings)
        pid = privatedb.status(settings).pid
        _collect(settings, url, folder / "inventory")
        collected = measure(lambda: _collect(settings, url, folder / "sessions"), pid)
        runs: list[ScoreRun] = []
        scored = measure(lambda: runs.append(score(url, settings)), pid)
        tell(f"{_stored(url) / rows:.0f} bytes a session in the database, with indexes")
    if runs[0].sessions != rows:
        raise SystemExit(f"{runs[0].sessions} sessions of {rows} were scored")
    return _close(rows, volume, collected, scored, as_json=asked.json)


def _close(rows: int, volume: int, collected: Cost, scored: Cost, *, as_json: bool) -> int:
    wall_s, cpu_s = collected.wall_s + scored.wall_s, collected.cpu_s + scored.cpu_s
    tell(f"{rows:,} sessions, {volume / 1e6:.1f} MB of CSV, {volume / rows:.0f} bytes a session: "
         f"{volume / FEED_BYTES_PER_S:.0f} s of the feed")  # fmt: skip
    for name, cost in (("collected", collected), ("scored", scored)):
        tell(f"{name} in {cost.wall_s:.1f} s: {cost.cpu_s:.1f} CPU s (client {cost.client_s:.1f}, server "
             f"{cost.server_s:.1f}), {cost.cpu_s / rows * 1e6:.1f} CPU us a session")  # fmt: skip
    tell(f"one core alone, by processor seconds: {volume / cpu_s / FEED_BYTES_PER_S:.1f} times real time; "
         f"by the clock {volume / wall_s / FEED_BYTES_PER_S:.1f} (ambition {AMBITION:g})")  # fmt: skip
    detail: dict[str, object] = {
        "rows": rows, "csv_bytes": volume, "collected": collected, "scored": scored,
        "times_a_core": volume / cpu_s / FEED_BYTES_PER_S,
    }  # fmt: skip
    times = volume / wall_s / FEED_BYTES_PER_S
    return close("feed", times, "times faster than a feed of 700 GB a month", TARGET, detail=detail, as_json=as_json)


if __name__ == "__main__":
    raise SystemExit(main())
