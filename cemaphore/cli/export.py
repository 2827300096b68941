"""`cem export`: indices, indicators and sessions as files for others."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cemaphore.moments import From, To


class What(StrEnum):
    """What can be exported."""

    INDICES = "indices"
    KPIS = "kpis"
    SESSIONS = "sessions"


class By(StrEnum):
    """The windows that indices are exported for."""

    HOUR = "hour"
    DAY = "day"


def register(app: typer.Typer) -> None:
    """Add `cem export` to `app`."""
    app.command("export")(_export)


def _export(
    what: What,
    output: Annotated[Path, typer.Option("--output", "-o", help="A .csv or .parquet file.")],
    start: From = None,
    end: To = None,
    by: Annotated[By, typer.Option("--by", help="Windows of the indices.")] = By.HOUR,
    ids: Annotated[
        Path | None,
        typer.Option("--ids", help="Raw identifiers, one a line: adds subscriber_id for just those. Audited."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write indices, kpis or sessions that start in [--from, --to) to a file."""
    import json

    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.exporting import identified, write
    from cemaphore.identification import customers_by_identifier
    from cemaphore.settings import load_settings
    from store import exports
    from store.connection import connect

    with exits():
        settings = load_settings()
        chosen = {
            What.INDICES: lambda: exports.indices(start, end, by.value),
            What.KPIS: lambda: exports.kpis(start, end),
            What.SESSIONS: lambda: exports.sessions(start, end),
        }[what]()
        dsn = privatedb.database_url(settings)
        with connect(dsn) as connection:
            schema, batches = chosen.schema, exports.rows(connection, chosen)
            if ids is not None:
                named = customers_by_identifier(dsn, settings, ids, action=f"export {what.value}")
                schema, batches = identified(schema, batches, named)
            rows = write(output, schema, batches)
        shown = {"file": str(output), "rows": rows}
        typer.echo(json.dumps(shown) if as_json else f"{rows} rows in {output}")
