"""`cem dashboard`: the screens."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `cem dashboard` to `app`."""
    app.command("dashboard")(_dashboard)


def _dashboard(
    port: Annotated[int | None, typer.Option(help="Default: the setting dashboard_port; a busy one moves on.")] = None,
) -> None:
    """Serve the screens until interrupted."""
    from cemaphore import privatedb, serving
    from cemaphore.exits import exits
    from cemaphore.settings import load_settings

    with exits():
        settings = load_settings()
        privatedb.ensure(settings)
        chosen = serving.free_port(settings.host, port or settings.dashboard_port)
        process = serving.start(settings, chosen)
    typer.echo(f"http://{settings.host}:{chosen}")
    raise typer.Exit(serving.wait(process))
