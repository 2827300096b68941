"""`cem aggregation`, `cem fairness` and `cem calibrate`: what settings of the index do, how evenly people fare."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cemaphore.settings import Settings

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Anew = Annotated[bool, typer.Option("--anew/--stored", help="Compute it again, or show what is stored.")]

_CHOICE = ("choice", "setting", "in_force", "attribute", "value", "n_users", "mean", "p10", "p50", "p90", "low_share",
           "up_share", "down_share")  # fmt: skip
_FAIRNESS = ("attribute", "value", "n_users", "n", "mean", "sigma", "fairness")
_WARNING = ("kind", "attribute", "value", "compared_with", "mix", "n_users", "crude", "adjusted", "strata", "against")


def register(app: typer.Typer) -> None:
    """Add the three commands to `app`."""
    app.command("aggregation")(_aggregation)
    app.command("fairness")(_fairness)
    app.command("calibrate")(_calibrate)


def _aggregation(anew: Anew = True, as_json: JSON = False) -> None:
    """Show how users' indices would lie under other means and caps, and who would move; groups below k are hidden."""
    from cemaphore.exits import exits
    from cemaphore.printing import records, show
    from store import aggregation as stored
    from store.connection import connect

    with exits():
        _, dsn = _assessed(anew)
        with connect(dsn, autocommit=True) as connection:
            show(records(stored.choices(connection)), as_json, columns={"": _CHOICE})


def _fairness(anew: Anew = True, as_json: JSON = False) -> None:
    """Show how evenly groups fare, and comparisons of groups that the mix of another attribute misleads."""
    from cemaphore.exits import exits
    from cemaphore.printing import records, show
    from store import aggregation as stored
    from store.connection import connect

    with exits():
        _, dsn = _assessed(anew)
        with connect(dsn, autocommit=True) as connection:
            found, misled = stored.fairness(connection), stored.warnings(connection)
        if not as_json:
            found = found[found["measure"] == "overall"]
        shape = {"fairness": records(found), "warnings": records(misled)}
        show(shape, as_json, columns={"fairness": _FAIRNESS, "warnings": _WARNING})


def _calibrate(
    days: Annotated[int, typer.Option(min=1, max=90, help="Days before a survey that the indices are of.")] = 7,
    write: Annotated[
        Path | None, typer.Option(help="Write the catalogue in force with these weights to a new file.")
    ] = None,
    as_json: JSON = False,
) -> None:
    """Propose weights of the dimensions from surveys; exit code 1 where there are too few. Changes nothing in force."""
    from dataclasses import asdict

    from cemaphore import privatedb
    from cemaphore.exits import Exit, exits
    from cemaphore.pipeline.calibration import propose, write_catalogue
    from cemaphore.printing import show
    from cemaphore.settings import load_settings
    from qoe.calibration import Refusal
    from store.connection import connect

    with exits():
        settings = load_settings()
        with connect(privatedb.database_url(settings), autocommit=True) as connection:
            found = propose(connection, settings, days)
        if isinstance(found, Refusal):
            show({"refused": found.reason, "answers": found.answers}, as_json)
            raise typer.Exit(Exit.FAILURE)
        written = {} if write is None else {"written": str(write), "version": write_catalogue(settings, found, write)}
        shape = {"refused": None, "better": found.better, **asdict(found), **written}
        show({name: list(value) if isinstance(value, tuple) else value for name, value in shape.items()}, as_json)


def _assessed(anew: bool) -> "tuple[Settings, str]":
    from cemaphore import privatedb
    from cemaphore.pipeline.aggregation import assess
    from cemaphore.settings import load_settings

    settings = load_settings()
    dsn = privatedb.database_url(settings)
    if anew:
        assess(dsn, settings)
    return settings, dsn
