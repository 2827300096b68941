"""`cem collect`: files and folders into the store, with what became of every record."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collectors.collection import FileResult, Progress
    from collectors.options import Options

_SLOW_S = 2.0
_SHOWN_REASONS = 5


def register(app: typer.Typer) -> None:
    """Add `cem collect` to `app`."""
    app.command("collect")(_collect)


def _collect(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders (searched to any depth).", show_default=False)],
    kind: Annotated[str | None, typer.Option(help="What all these files hold, whatever their place says.")] = None,
    source: Annotated[str | None, typer.Option(help="Name of the source, whatever their place says.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: one object with a list of files.")] = False,
) -> None:
    """Collect sessions, counters, inventory, complaints, touchpoints and surveys from files.

    Exit codes: 0 all in, 1 a file could not be read, 3 some records were quarantined, 4 configuration, 75 try again.
    """
    from cemaphore.collecting import opened_intake, options_of
    from cemaphore.exits import exits
    from cemaphore.settings import load_settings
    from records.kinds import KINDS

    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} is no kind of record; one of {', '.join(KINDS)} is.", param_hint="--kind")
    with exits():
        settings = load_settings()
        options = options_of(settings, kind=kind, source=source)
        with opened_intake(settings, patient=True, tell=_tell) as intake, _bar(paths, options, as_json) as progress:
            from collectors.collection import collect

            results = list(collect(paths, intake=intake, options=options, progress=progress))
    _print_json(results) if as_json else _print_table(results)
    raise typer.Exit(_exit_of(results))


def _tell(text: str) -> None:
    typer.echo(f"cem: {text}", err=True)


def _exit_of(results: Sequence["FileResult"]) -> int:
    from cemaphore.exits import Exit

    if any(result.error and not result.temporary for result in results):
        return Exit.FAILURE
    if any(result.error for result in results):
        return Exit.TEMPORARY
    return Exit.PARTIAL if any(result.quarantined for result in results) else Exit.OK


@contextmanager
def _bar(paths: Sequence[Path], options: "Options", as_json: bool) -> Iterator["Progress | None"]:
    """A progress bar on standard error once the work has taken two seconds, where a person looks."""
    import sys
    import time

    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from collectors.folders import find

    if as_json or not sys.stderr.isatty():
        yield None
        return
    total = sum(found.path.stat().st_size for found in find(paths, options) if found.problem is None)
    shown = Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True,
    )  # fmt: skip
    task = shown.add_task("collecting", total=total)
    began = time.monotonic()

    def progress(path: Path, raw_bytes: int) -> None:
        shown.update(task, advance=raw_bytes, description=path.name)
        if not shown.live.is_started and time.monotonic() - began > _SLOW_S:
            shown.start()

    try:
        yield progress
    finally:
        shown.stop()


def _print_json(results: Sequence["FileResult"]) -> None:
    import json
    from dataclasses import asdict

    names = ("rows_read", "stored", "duplicate", "quarantined")
    totals = {name: sum(getattr(result, name) for result in results) for name in names}
    typer.echo(json.dumps({"files": [asdict(result) for result in results], "total": totals}, default=str))


def _print_table(results: Sequence["FileResult"]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("file", overflow="fold")
    table.add_column("kind")
    for name in ("read", "stored", "duplicate", "quarantined", "seconds"):
        table.add_column(name, justify="right")
    for result in results:
        counts = (result.rows_read, result.stored, result.duplicate, result.quarantined)
        cells = [f"{count:,}" for count in counts] if result.error is None else ["-"] * len(counts)
        table.add_row(str(result.path), result.kind or "-", *cells, f"{result.seconds:.1f}")
    console = Console(width=None if Console().is_terminal else 160, soft_wrap=True, highlight=False, markup=False)
    console.print(table if results else "No data files found.")
    for result in results:
        for line in _remarks(result):
            console.print(line)


def _remarks(result: "FileResult") -> Iterator[str]:
    name = result.path.name
    if result.error is not None:
        yield f"{result.path}: {result.error}"
    if result.already_loaded:
        yield f"{name}: was collected before; nothing of it was read again."
    yield from (f"{name}: {note}" for note in result.notes)
    if result.dropped_columns:
        names = ", ".join(result.dropped_columns)
        yield f"{name}: {len(result.dropped_columns)} column(s) that no kind knows were left out: {names}"
    for reason in result.reasons[:_SHOWN_REASONS]:
        yield f"quarantined {reason.count:,} x {reason.code}: {reason.first}"
    if len(result.reasons) > _SHOWN_REASONS:
        yield f"{name}: {len(result.reasons) - _SHOWN_REASONS} more kinds of problem."
