"""How a command ends: the exit code of each kind of error, and one line of text instead of a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer

from records.errors import CemaphoreError, ConfigError, TransientError


class Exit(IntEnum):
    """What a command's exit code means."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    PARTIAL = 3
    CONFIGURATION = 4
    TEMPORARY = 75


def exit_of(error: BaseException) -> Exit:
    """The exit code that `error` ends a command with."""
    if isinstance(error, ConfigError):
        return Exit.CONFIGURATION
    return Exit.TEMPORARY if isinstance(error, TransientError) else Exit.FAILURE


@contextmanager
def exits() -> Iterator[None]:
    """End the command with a line on standard error and the right code when an error of ours is raised inside."""
    try:
        yield
    except CemaphoreError as error:
        typer.echo(f"cem: {error}", err=True)
        raise typer.Exit(exit_of(error)) from None
    except Exception as error:
        if not _is_database_away(error):
            raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        typer.echo(f"cem: The database does not answer ({reason}): try again later.", err=True)
        raise typer.Exit(Exit.TEMPORARY) from None


def _is_database_away(error: Exception) -> bool:
    """Whether a connection broke; a command that uses no database does not load its driver."""
    driver = sys.modules.get("psycopg")
    return driver is not None and isinstance(error, (driver.OperationalError, driver.InterfaceError))
