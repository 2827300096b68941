"""`cem detect`: look for degraded-experience clusters in the windows that wait."""

from typing import Annotated

import typer

from cemaphore.moments import From

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add `cem detect` to `app`."""
    app.command("detect")(_detect)


def _detect(start: From = None, as_json: JSON = False) -> None:
    """Search every scored and closed window, oldest first; with --from look again at all from then on."""
    import sys

    from rich.console import Console
    from rich.progress import Progress

    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.pipeline.detection import detect
    from cemaphore.printing import show
    from cemaphore.settings import load_settings

    with exits():
        settings = load_settings()
        dsn = privatedb.ensure(settings)
        quiet = as_json or not sys.stderr.isatty()
        with Progress(console=Console(stderr=True), transient=True, disable=quiet) as bar:
            task = bar.add_task("clusters", total=1.0)
            run = detect(dsn, settings, start=start, progress=lambda share: bar.update(task, completed=share))
        show(vars(run), as_json)
