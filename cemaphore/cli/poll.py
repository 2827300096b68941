"""`cem poll`: ticket systems of `sources.toml`, asked by hand for what is new."""

from datetime import UTC, datetime
from typing import Annotated

import typer

JSON = Annotated[bool, typer.Option("--json", help="Print JSON: a list of polls.")]


def register(app: typer.Typer) -> None:
    """Add `cem poll` to `app`."""
    app.command("poll")(_poll)


def _poll(
    names: Annotated[list[str] | None, typer.Argument(help="Sources of type tmf621. None: all.")] = None,
    as_json: JSON = False,
) -> None:
    """Ask TMF621 servers for tickets that are new or changed since the last poll.

    Exit codes: 0 all in, 3 some tickets were refused, 4 configuration or a server that refuses, 75 try again.
    """
    from dataclasses import asdict

    from cemaphore.collecting import opened_intake, options_of
    from cemaphore.exits import Exit, exits
    from cemaphore.printing import show
    from cemaphore.settings import load_settings
    from cemaphore.sources import Tmf621, chosen, load_sources
    from collectors.tmf621.polling import poll

    with exits():
        settings = load_settings()
        servers = [source.target(settings.home) for source in chosen(load_sources(settings), Tmf621, names or [])]
        with opened_intake(settings) as intake:
            done = [poll(server, intake, datetime.now(UTC), options_of(settings)) for server in servers]
    show([asdict(one) for one in done], as_json)
    raise typer.Exit(Exit.PARTIAL if any(one.quarantined for one in done) else Exit.OK)
