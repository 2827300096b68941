"""`cem runs`: the log of runs, newest first, with what each took, made and cost."""

from typing import Annotated

import typer

_SHOWN = ("run_id", "job", "started_at", "seconds", "ok", "windows", "input_rows", "engine", "processes", "error")


def register(app: typer.Typer) -> None:
    """Add `cem runs` to `app`."""
    app.command("runs")(_runs)


def _runs(
    job: Annotated[str | None, typer.Option("--job", help="Only runs of this job, such as score.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only runs that failed.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many runs.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the newest runs: windows and rows they took, versions, counts, seconds, engine and processes."""
    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.printing import records, show
    from cemaphore.settings import load_settings
    from store import runs
    from store.connection import connect

    with exits(), connect(privatedb.database_url(load_settings()), autocommit=True) as connection:
        show(records(runs.newest(connection, limit, job, failed=failed)), as_json, columns={"": _SHOWN})
