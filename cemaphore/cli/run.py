"""`cem run`: collect, score, detect and alert, over and over, until it is told to stop."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `cem run` to `app`."""
    app.command("run")(_run)


def _run(
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two runs of a job.")] = 30.0,
    stable: Annotated[float, typer.Option(min=0, help="Seconds a file must be unchanged to be collected.")] = 10.0,
    once: Annotated[bool, typer.Option("--once", help="Run every job once and end; for a timer of your own.")] = False,
) -> None:
    """Watch the folder `watch_folder`; metrics and health are on `ops_port`. SIGTERM ends it after the running job."""
    from cemaphore.exits import Exit, exits
    from cemaphore.running.program import run
    from cemaphore.settings import load_settings

    with exits():
        good = run(load_settings(), every_s=every, stable_s=stable, once=once)
    if not good:
        raise typer.Exit(Exit.FAILURE)
