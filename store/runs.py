"""The log of runs: one row each, with what went in, what it was made with, what came out and how long it took."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from psycopg.types.json import Jsonb

from store.connection import Connection
from store.screens import frame


@dataclass(frozen=True, kw_only=True)
class RunInputs:
    """What a run of scoring took: windows (hours) and rows, the versions of its scores, and what it ran on."""

    windows: int
    rows: int
    versions: Mapping[str, Any]
    engine: str
    processes: int


def begin(connection: Connection, job: str, started_at: datetime) -> int:
    """Note the start of a run and return its number."""
    row = connection.execute(
        "INSERT INTO cem.run (job, started_at) VALUES (%s, %s) RETURNING run_id", [job, started_at]
    ).fetchone()
    assert row is not None
    return int(row[0])


def end(
    connection: Connection,
    run_id: int,
    finished_at: datetime,
    counts: Mapping[str, Any],
    inputs: RunInputs | None = None,
    error: str | None = None,
) -> None:
    """Note the end of a run, with what it did or why it failed; its seconds are those on the clock."""
    given: tuple[Any, ...] = (None,) * 5
    if inputs is not None:
        given = (inputs.windows, inputs.rows, Jsonb(dict(inputs.versions)), inputs.engine, inputs.processes)
    connection.execute(
        "UPDATE cem.run SET finished_at = %s, ok = %s, counts = %s, error = %s, "
        "seconds = extract(epoch FROM %s - started_at), windows = %s, input_rows = %s, versions = %s, engine = %s, "
        "processes = %s WHERE run_id = %s",
        [finished_at, error is None, Jsonb(dict(counts)), error, finished_at, *given, run_id],
    )


def newest(connection: Connection, limit: int, job: str | None = None, *, failed: bool = False) -> pd.DataFrame:
    """Return the newest runs, of one job or of all, or only those that `failed`."""
    return frame(
        connection,
        "SELECT * FROM api.runs WHERE job = coalesce(%(job)s, job) AND (NOT %(failed)s OR NOT ok) "
        "ORDER BY run_id DESC LIMIT %(limit)s",
        {"job": job, "limit": limit, "failed": failed},
    )
