"""`cem alerts`: what was said, and what is still firing."""

from typing import Annotated

import typer

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add `cem alerts ...` to `app`."""
    alerts = typer.Typer(help="Alerts: what dropped, by how much, since when.")
    alerts.command("list")(_list)
    app.add_typer(alerts, name="alerts", no_args_is_help=True)


def _list(limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100, as_json: JSON = False) -> None:
    """List alerts: unresolved ones first, then the newest."""
    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from cemaphore.settings import load_settings
    from store import alerts as stored
    from store.connection import connect

    with exits(), connect(privatedb.ensure(load_settings()), autocommit=True) as connection:
        rows = [dict(vars(row)) for row in stored.newest(connection, limit)]
    if not as_json:
        rows = [{name: value for name, value in row.items() if name != "detail"} for row in rows]
    show(rows, as_json)
