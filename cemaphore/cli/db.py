"""`cem db`: start, stop, look at, back up and restore the database."""

from pathlib import Path
from typing import Annotated

import typer

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add `cem db ...` to `app`."""
    db = typer.Typer(help="The database: a private TimescaleDB, or the one CEMAPHORE_DATABASE_URL names.")
    db.command("start")(_start)
    db.command("stop")(_stop)
    db.command("status")(_status)
    db.command("url")(_url)
    db.command("upgrade")(_upgrade)
    db.command("backup")(_backup)
    db.command("restore")(_restore)
    app.add_typer(db, name="db", no_args_is_help=True)


def _start(as_json: JSON = False) -> None:
    """Start the private server if it is down, and bring the schema up to date."""
    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.settings import load_settings

    with exits():
        settings = load_settings()
        _tell(privatedb.start(settings), as_json)


def _stop(as_json: JSON = False) -> None:
    """Stop the private server; nothing is lost."""
    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.settings import load_settings

    with exits():
        stopped = privatedb.stop(load_settings())
        _print({"stopped": stopped}, "stopped" if stopped else "was not running", as_json)


def _status(as_json: JSON = False) -> None:
    """Say whether the database runs, where, and what it is; exit code 4 when it does not."""
    from cemaphore import privatedb
    from cemaphore.exits import Exit, exits
    from cemaphore.settings import load_settings

    with exits():
        found = privatedb.status(load_settings())
        _tell(found, as_json)
        if not found.running:
            raise typer.Exit(Exit.CONFIGURATION)


def _url(
    as_json: JSON = False,
    tcp: Annotated[bool, typer.Option("--tcp", help="Over 127.0.0.1 instead of the local socket.")] = False,
) -> None:
    """Print the connection string. It holds the password."""
    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.settings import load_settings

    with exits():
        url = privatedb.database_url(load_settings(), tcp=tcp)
        _print({"url": url}, url, as_json)


def _upgrade(
    as_json: JSON = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which migrations would be applied.")] = False,
) -> None:
    """Bring the schema of the running database up to date."""
    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.settings import load_settings

    with exits():
        names = privatedb.upgrade(load_settings(), dry_run=dry_run)
        _print({"dry_run": dry_run, "migrations": names}, "\n".join(names) or "schema is up to date", as_json)


def _backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")], as_json: JSON = False
) -> None:
    """Write the whole database into one file, while everything goes on. Back the keys up apart: they are not in it."""
    from dataclasses import asdict

    from cemaphore.backup import backup
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from cemaphore.settings import load_settings

    with exits():
        show(asdict(backup(load_settings(), file)), as_json)


def _restore(
    file: Annotated[Path, typer.Argument(help="A file that `cem db backup` wrote.")], as_json: JSON = False
) -> None:
    """Bring a backup back into a database that holds nothing yet, and check that the keys are those of its vault."""
    from dataclasses import asdict

    from cemaphore.backup import restore
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from cemaphore.settings import load_settings

    with exits():
        show(asdict(restore(load_settings(), file)), as_json)


def _tell(found: object, as_json: bool) -> None:
    from dataclasses import asdict

    from cemaphore.privatedb import Status

    assert isinstance(found, Status)
    shown = asdict(found)
    lines = [f"{name.replace('_', ' '):17}{value}" for name, value in shown.items() if value not in (None, ())]
    _print(shown, "\n".join(lines), as_json)


def _print(shape: dict[str, object], text: str, as_json: bool) -> None:
    import json

    typer.echo(json.dumps(shape, default=str) if as_json else text)
