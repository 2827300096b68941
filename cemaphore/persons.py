"""How a user names one customer at the shell: by pseudonym, or by a file that holds a raw identifier."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cemaphore.settings import Settings

Customer = Annotated[int | None, typer.Argument(help="The customer's pseudonym (subscriber_key).")]
_FILE = typer.Option(help="A file with one raw identifier (- for standard input), so that none stands in a history.")
IdentifierFile = Annotated[Path | None, _FILE]
NeededIdentifierFile = Annotated[Path, _FILE]


def meant(customer: int | None, identifier_file: Path | None) -> None:
    """End with a usage error unless exactly one of the two is given."""
    if (customer is None) == (identifier_file is None):
        raise typer.BadParameter("give either a pseudonym or --identifier-file")


def key_of(dsn: str, settings: "Settings", customer: int | None, identifier_file: Path | None) -> int:
    """Return the customer's key; a raw identifier is looked up in the vault, audited."""
    from cemaphore.identification import customer_of_file

    return customer if customer is not None else customer_of_file(dsn, settings, identifier_file or Path("-"))
