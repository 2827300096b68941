"""`cem demo`: a made-up city from nothing to screens."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `cem demo` to `app`."""
    app.command("demo")(_demo)


def _demo(
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Open the screens at the end.")] = True,
    fast: Annotated[bool, typer.Option("--fast", help="A small city, as the tests use it.")] = False,
    seed: Annotated[int, typer.Option(help="Another seed makes another city.")] = 1,
    users: Annotated[int | None, typer.Option(min=200, help="Users; any number.")] = None,
    days: Annotated[int | None, typer.Option(min=10, help="Days.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the screens; a busy one moves to the next free.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write a demo city as input files, collect, score and search it, and show it; a second call resumes."""
    import json
    from dataclasses import replace

    from cemaphore import demonstration, serving
    from cemaphore.demo import DEFAULT, FAST
    from cemaphore.exits import exits

    with exits():
        size = FAST if fast else DEFAULT
        world = replace(size, users=users or size.users, days=days or size.days)
        settings = demonstration.prepare(world)
        done = demonstration.run(settings, world, seed)
        typer.echo(json.dumps(done) if as_json else _closing(done))
        if not serve:
            return
        chosen = serving.free_port(settings.host, port or settings.dashboard_port)
        process = serving.start(settings, chosen)
    typer.echo(f"Open http://{settings.host}:{chosen} (Ctrl-C ends it): start with 'Degraded clusters'.")
    raise typer.Exit(serving.wait(process))


def _closing(done: dict[str, object]) -> str:
    return (
        f"{done['clusters']} clusters found; what was really wrong is in {done['folder']}/truth.json. "
        "Look with `cem clusters --from 2026-03-01T00:00:00Z --to 2026-04-01T00:00:00Z`, `cem top site`, `cem status`."
    )
