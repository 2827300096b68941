"""`cem quarantine`: refused records listed, one of them shown, and tried again after what was wrong is right."""

from typing import Annotated

import typer

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Source = Annotated[str | None, typer.Option(help="Only records of this source.")]
Kind = Annotated[str | None, typer.Option(help="Only records of this kind, such as sessions.")]
Code = Annotated[str | None, typer.Option(help="Only records refused for this reason, such as future.")]


def register(app: typer.Typer) -> None:
    """Add `cem quarantine ...` to `app`."""
    quarantine = typer.Typer(help="Records that were refused: why, what they hold, and once more.")
    quarantine.command("list")(_list)
    quarantine.command("show")(_show)
    quarantine.command("retry")(_retry)
    app.add_typer(quarantine, name="quarantine", no_args_is_help=True)


def _list(
    source: Source = None,
    kind: Kind = None,
    code: Code = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most records shown, newest first.")] = 20,
    as_json: JSON = False,
) -> None:
    """Count refused records by source, kind and reason, and list the newest; what they hold stays sealed."""
    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from cemaphore.settings import load_settings
    from store import quarantine
    from store.connection import connect

    choice = quarantine.Choice(source=source, kind=kind, code=code)
    with exits(), connect(privatedb.database_url(load_settings()), autocommit=True) as connection:
        shape = {
            "reasons": quarantine.counted(connection, choice),
            "records": quarantine.listed(connection, choice, limit),
        }
        show(shape, as_json, columns={"records": ("id", "source", "kind", "code", "reason", "arrived_at", "kept")})


def _show(
    number: Annotated[int, typer.Argument(help="The record, as `cem quarantine list` numbers it.")],
    reason: Annotated[str, typer.Option(help="Why it is looked at; goes into the audit trail.")],
    as_json: JSON = False,
) -> None:
    """Open one record and show it as it came, identifiers included. Audited: who, when, which and why."""
    import getpass
    from dataclasses import asdict

    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from cemaphore.settings import load_settings
    from store import quarantine
    from store.connection import connect
    from store.vault import open_keys

    with exits():
        settings = load_settings()
        with connect(privatedb.database_url(settings), autocommit=True) as connection:
            keys = open_keys(connection, settings.keys_dir)
            held = quarantine.reveal(connection, keys, number, actor=getpass.getuser(), reason=reason)
        payload = None if held.payload is None else held.payload.decode(errors="replace")
        show({**asdict(held), "payload": payload}, as_json)


def _retry(
    numbers: Annotated[list[int] | None, typer.Argument(help="Records, as `cem quarantine list` numbers them.")] = None,
    source: Source = None,
    kind: Kind = None,
    code: Code = None,
    all_of_them: Annotated[bool, typer.Option("--all", help="All that there are.")] = False,
    as_json: JSON = False,
) -> None:
    """Send records through the collectors again, after a setting, a mapping or a clock was put right.

    What goes in leaves the quarantine with the same transaction, so it counts once. Exit codes: 0 all went in, 3 some
    are still refused, 4 configuration, 75 try again.
    """
    from dataclasses import asdict

    from cemaphore.exits import Exit, exits
    from cemaphore.printing import show
    from cemaphore.retrying import retry_chosen
    from cemaphore.settings import load_settings
    from store.quarantine import Choice

    if not (numbers or source or kind or code or all_of_them):
        raise typer.BadParameter("say which records: numbers, --source, --kind, --code, or --all.")
    with exits():
        choice = Choice(source=source, kind=kind, code=code, ids=tuple(numbers) if numbers else None)
        outcomes = retry_chosen(load_settings(), choice)
    show([asdict(one) for one in outcomes], as_json)
    raise typer.Exit(Exit.PARTIAL if any(one.refused or one.unreadable for one in outcomes) else Exit.OK)
