"""`cem retention`: drops what is older than it may be kept, and says how old everything is."""

from typing import Annotated

import typer

from cemaphore.moments import Now

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add `cem retention ...` to `app`."""
    retention = typer.Typer(help="How long records and scores are kept, and dropping what is older.")
    retention.command("run")(_run)
    retention.command("report")(_report)
    app.add_typer(retention, name="retention", no_args_is_help=True)


def _run(now: Now = None, as_json: JSON = False) -> None:
    """Drop what is older than the setting `retention_days` allows; nothing goes before everything was made of it."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from cemaphore.settings import load_settings
    from records.errors import ConfigError
    from store import retention
    from store.connection import connect

    settings = load_settings()
    with exits():
        if settings.demo and now is None:
            raise ConfigError("The demo's records are all old and would all go: say what time it is with --now.")
        with connect(privatedb.database_url(settings), autocommit=True) as connection:
            dropped = retention.drop(connection, settings.retention_days, now or datetime.now(UTC))
        show([asdict(one) for one in dropped], as_json)


def _report(now: Now = None, as_json: JSON = False) -> None:
    """Show per kind how long it is kept, its oldest row, and whether anything is older than promised."""
    from datetime import UTC, datetime

    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from cemaphore.settings import load_settings
    from store import retention
    from store.connection import connect

    settings = load_settings()
    with exits(), connect(privatedb.database_url(settings), autocommit=True) as connection:
        show(retention.report(connection, settings.retention_days, now or datetime.now(UTC)), as_json)
