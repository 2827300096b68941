"""`cem effects`: what each cell, device model, app, server and core node by itself does, and whose fault it is."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

_EFFECT = ("attribute", "value", "n", "users", "shrunk", "lo", "hi", "effect", "se")
_VERDICT = ("attribute", "value", "n", "verdict", "not_network", "network", "device", "app", "server", "core")


class Cause(StrEnum):
    """What has effects of its own."""

    CELL = "cell"
    MODEL = "model"
    APP = "app"
    SERVER = "server"
    CORE_NODE = "core_node"


class Outcome(StrEnum):
    """What effects are on."""

    QUALITY = "quality"
    FAILURE = "failure"


def register(app: typer.Typer) -> None:
    """Add `cem effects` to `app`."""
    app.command("effects")(_effects)


def _effects(
    attribute: Annotated[Cause | None, typer.Option(help="Only levels of this attribute.")] = None,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Effects by this local day; default the newest that was learned."),
    ] = None,
    outcome: Annotated[
        Outcome, typer.Option(help="Points of session quality, or percent of sessions that fail.")
    ] = Outcome.QUALITY,
    limit: Annotated[int, typer.Option(min=1, help="Most levels shown, the worst first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show joint effects with their intervals, the worst first, and whose fault poor sessions of each level are."""
    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.printing import records, show
    from cemaphore.settings import load_settings
    from store import effects as stored
    from store.connection import connect

    with exits(), connect(privatedb.database_url(load_settings()), autocommit=True) as connection:
        asked = None if day is None else day.date()
        chosen = None if attribute is None else attribute.value
        found = stored.effects(connection, asked, chosen, outcome.value).head(limit)
        judged = stored.verdicts(connection, asked, chosen)
        judged = judged.merge(found[["attribute", "value"]], on=["attribute", "value"])
        shape = {"effects": records(found), "verdicts": records(judged)}
    show(shape, as_json, columns={"effects": _EFFECT, "verdicts": _VERDICT})
