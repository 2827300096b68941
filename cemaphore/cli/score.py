"""`cem score`: scores all dirty windows, or a span of time again."""

from pathlib import Path
from typing import Annotated

import typer

from cemaphore.engines import Engine
from cemaphore.moments import From, To

_SLOW_S = 2.0  # a progress bar appears for what takes longer


def register(app: typer.Typer) -> None:
    """Add `cem score` to `app`."""
    app.command("score")(_score)


def _score(
    start: From = None,
    end: To = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes that score side by side; default: the setting.")
    ] = None,
    shadow: Annotated[
        Path | None,
        typer.Option(help="Score with this quality catalogue beside the one in force; `cem compare` shows both."),
    ] = None,
    engine: Annotated[Engine | None, typer.Option(help="What hours are rated with; default: the setting.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score all dirty windows; with --from or --to all windows of that span again."""
    from dataclasses import asdict

    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.pipeline.scoring import ScoreRun, score
    from cemaphore.pipeline.shadowing import ShadowRun, score_shadow
    from cemaphore.printing import show
    from cemaphore.settings import load_settings

    with exits():
        settings = load_settings()
        dsn = privatedb.database_url(settings)
        run: ScoreRun | ShadowRun
        with _Bar() as bar:
            if shadow is not None:
                run = score_shadow(dsn, settings, shadow, start=start, end=end, progress=bar)
            else:
                run = score(
                    dsn,
                    settings,
                    start=start,
                    end=end,
                    progress=bar,
                    processes=processes,
                    engine=engine or settings.engine,
                )
        show(asdict(run), as_json)


class _Bar:
    """A progress bar over hours on standard error, shown once the run takes longer than two seconds."""

    def __init__(self) -> None:
        import time

        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._began, self._clock = time.monotonic(), time.monotonic
        columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TextColumn("hours"), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("scoring", total=None)
        self._shown = False

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown:
            self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        if not self._shown and self._clock() - self._began > _SLOW_S:
            self._bar.start()
            self._shown = True
        self._bar.update(self._task, completed=done, total=total)
