"""`cem report`: one cluster, or a week, as a printable PDF."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cemaphore.moments import To

ROLE = "cem_operations"  # reports made here hold no person and no words of one


class Language(StrEnum):
    """What a report is written in."""

    EN = "en"
    ZH = "zh"


InLanguage = Annotated[Language, typer.Option("--language", help="What it is written in.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="The file; default: named after what it reports.")]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add `cem report` to `app`."""
    reports = typer.Typer(no_args_is_help=True, help="Print one cluster, or a week, as PDF.")
    reports.command("cluster")(_cluster)
    reports.command("week")(_week)
    app.add_typer(reports, name="report")


def _cluster(
    cluster_id: Annotated[str, typer.Argument(metavar="ID", help="The cluster.")],
    language: InLanguage = Language.EN,
    output: Output = None,
    as_json: JSON = False,
) -> None:
    """Write the report of one cluster: evidence, whom it hurts, complaints, what to do."""
    from cemaphore.exits import exits
    from cemaphore.reporting import making

    with exits():
        made = making.cluster_here(cluster_id, language.value, role=ROLE)
        _write(made, output or Path(f"cluster-{cluster_id}-{language}.pdf"), as_json)


def _week(
    end: To = None,
    language: InLanguage = Language.EN,
    output: Output = None,
    as_json: JSON = False,
) -> None:
    """Write the report of the seven days that end at `--to`; default: those that end with the newest scored day."""
    from cemaphore.exits import exits
    from cemaphore.reporting import making

    with exits():
        first, made = making.week_here(end, language.value, role=ROLE)
        _write(made, output or Path(f"week-{first}-{language}.pdf"), as_json)


def _write(made: bytes, output: Path, as_json: bool) -> None:
    import json

    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(made)
    said = {"file": str(output), "bytes": len(made)}
    typer.echo(json.dumps(said) if as_json else f"{output} ({len(made) // 1024} KiB)")
