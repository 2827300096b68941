"""`cem compare`: what another version of the scores would change, and for whom."""

from typing import Annotated

import typer

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add `cem compare` to `app`."""
    app.command("compare")(_compare)


def _compare(
    day: Annotated[
        str | None, typer.Option(help="Local day, such as 2026-03-02; default: the newest of the shadow.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most groups shown, the greatest shift first.")] = 20,
    end: Annotated[bool, typer.Option("--end", help="Remove the shadow and all that it made instead.")] = False,
    as_json: JSON = False,
) -> None:
    """Compare the scores in force with those of the shadow (`cem score --shadow FILE`): what moves for whom."""
    from datetime import date

    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.pipeline.shadowing import compare_shadow, end_shadow
    from cemaphore.printing import show
    from cemaphore.settings import load_settings

    try:
        chosen = None if day is None else date.fromisoformat(day)
    except ValueError:
        raise typer.BadParameter(f"{day!r} is no day; write it as 2026-03-02.") from None
    with exits():
        settings = load_settings()
        dsn = privatedb.database_url(settings)
        if end:
            show({"ended": end_shadow(dsn)}, as_json)
        else:
            show(compare_shadow(dsn, settings, chosen, limit), as_json)
