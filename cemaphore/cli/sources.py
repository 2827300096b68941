"""`cem sources`: who delivers what, how late and how good, and who is away."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cemaphore.moments import From, To

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_SHOWN = (
    *("source", "kind", "newest", "state", "window", "received", "expected", "late_p95_s", "late", "duplicate"),
    *("quarantined", "gaps", "away"),
)
_GAPS = 3


def register(app: typer.Typer) -> None:
    """Add `cem sources` to `app`."""
    app.command("sources")(_sources)


def _sources(
    assess: Annotated[
        bool, typer.Option("--assess", help="Look at closed windows first: what is new, or all from --from to --to.")
    ] = False,
    start: From = None,
    end: To = None,
    as_json: JSON = False,
) -> None:
    """Show each source: its newest record, its last closed window against its own history, and what is wrong with it.

    State: good, learning (too little history), silent (a tenth of the usual, or less) or outage (it did not answer).
    """
    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.pipeline.sourcehealth import assess as assessed
    from cemaphore.printing import records, show
    from cemaphore.settings import load_settings
    from records.windows import QUARTER, floor
    from store import quality
    from store.connection import connect

    if (start is None) != (end is None) or (start is not None and not assess):
        raise typer.BadParameter("--from and --to go together, and with --assess.")
    with exits():
        settings = load_settings()
        dsn = privatedb.database_url(settings)
        if assess:
            first = None if start is None else floor(start, QUARTER)
            assessed(dsn, settings, now=datetime.now(UTC), start=first, end=end)
        with connect(dsn, autocommit=True) as connection:
            found = records(quality.overview(connection))
    if as_json:
        show(found, as_json)
        return
    told = [
        {"source": row["source"], "kind": row["kind"], "finding": _said(finding)}
        for row in found
        for finding in row["findings"] or []
    ]
    show({"sources": [_line(row) for row in found], "findings": told}, as_json, columns={"sources": _SHOWN})


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """A source as people see it; a column that it never gives is no gap."""
    some = [(name, share) for name, share in (row["missing"] or {}).items() if share < 1]
    gaps = sorted(some, key=lambda gap: -gap[1])[:_GAPS]
    return {
        **{name: row[name] for name in ("source", "kind", "newest", "state", "window", "received", "expected", "late")},
        "late_p95_s": row["lateness_p95_s"],
        "duplicate": row["rows_duplicate"],
        "quarantined": " ".join(f"{code}:{count}" for code, count in sorted(row["quarantined"].items())) or None,
        "gaps": " ".join(f"{name}:{share:.0%}" for name, share in gaps) or None,
        "away": row["away"] or row["reason"],
    }


def _said(finding: dict[str, Any]) -> str:
    column = finding["column"]
    if finding["finding"] == "unit":
        return f"{column} is {finding['meaning']}?"
    if finding["finding"] == "missing":
        return f"{column} missing {finding['share']:.0%}, usually {finding['usual']:.0%}"
    ratio = f" ({finding['ratio']:.3g} times the usual)" if finding["ratio"] is not None else ""
    return f"{column} drifts by {finding['spreads']} spreads{ratio}"
