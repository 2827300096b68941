"""`cem erase`: erases a person, on their demand."""

from typing import Annotated

import typer

from cemaphore.persons import NeededIdentifierFile


def register(app: typer.Typer) -> None:
    """Add `cem erase` to `app`."""
    app.command("erase")(_erase)


def _erase(
    identifier_file: NeededIdentifierFile,
    reason: Annotated[str, typer.Option(help="Why; goes into the audit trail.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Erase a person with all identifiers known to be theirs; later rows of theirs are refused. Cannot be undone."""
    from dataclasses import asdict

    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.identification import erase_person
    from cemaphore.printing import show
    from cemaphore.settings import load_settings

    with exits():
        settings = load_settings()
        show(asdict(erase_person(privatedb.database_url(settings), settings, identifier_file, reason)), as_json)
