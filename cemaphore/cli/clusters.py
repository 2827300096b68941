"""`cem clusters` and `cem cluster`: what hurts or hurt whom, since when, and what it explains."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cemaphore.moments import From, To, moment

if TYPE_CHECKING:
    from store.clusters import ClusterRow
    from store.connection import Connection

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
At = Annotated[datetime | None, typer.Option("--at", parser=moment, metavar="TIME", help="Open at that moment.")]


def register(app: typer.Typer) -> None:
    """Add `cem clusters` and `cem cluster` to `app`."""
    app.command("clusters")(_clusters)
    app.command("cluster")(_cluster)


def _clusters(at: At = None, start: From = None, end: To = None, as_json: JSON = False) -> None:
    """List the open clusters; with --at or --from and --to those that were open then. Worst first."""
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from store import clusters as stored

    if at is not None and (start is not None or end is not None):
        raise typer.BadParameter("--at says one moment, --from and --to a range; give one of them.")
    with exits(), _connected() as connection:
        rows = stored.open_now(connection)
        if at is not None:
            rows = stored.between(connection, at, at + timedelta(microseconds=1))
        elif start is not None or end is not None:
            rows = stored.between(connection, *_range(start, end))
        rows = sorted(rows, key=lambda row: -row.users * row.severity)
        shapes = _shapes(connection, rows)
    show(shapes if as_json else [_line(shape) for shape in shapes], as_json)


def _cluster(cluster_id: Annotated[str, typer.Argument(metavar="ID")], as_json: JSON = False) -> None:
    """Show one cluster with its evidence and the complaints it explains; exit code 1 when there is none."""
    from cemaphore.exits import Exit, exits
    from cemaphore.printing import show
    from store import clusters as stored

    with exits(), _connected() as connection:
        row = stored.by_id(connection, cluster_id)
        if row is None:
            typer.echo(f"cem: there is no cluster {cluster_id}; `cem clusters` lists them.", err=True)
            raise typer.Exit(Exit.FAILURE)
        (shape,) = _shapes(connection, [row])
    show(shape, as_json)


def _shapes(connection: "Connection", rows: list["ClusterRow"]) -> list[dict[str, Any]]:
    from store import clusters as stored

    links = stored.links(connection, [row.cluster_id for row in rows])
    return [shape_of(row, links.get(row.cluster_id, [])) for row in rows]


def shape_of(row: "ClusterRow", complaints: list[tuple[str, float]]) -> dict[str, Any]:
    """A cluster as programs get it; `complaints` are ids with their probability."""
    return {
        "id": row.cluster_id,
        "over": row.over_kind,
        "dimension": row.dimension,
        "domain": row.domain,
        "selector": row.selector,
        "started_at": row.started_at,
        "detected_at": row.detected_at,
        "ended_at": row.ended_at,
        "users": row.users,
        "sessions": row.sessions,
        "bad_ratio": row.bad_ratio,
        "expected_ratio": row.expected_ratio,
        "p_value": row.p_value,
        "q_value": row.q_value,
        "severity": row.severity,
        "evidence": row.evidence,
        "complaints": [{"complaint_id": name, "probability": round(chance, 4)} for name, chance in complaints],
        "silent_users": row.silent_users,
        "recommendation": row.recommendation,
    }


def _line(shape: dict[str, Any]) -> dict[str, Any]:
    selector = "; ".join(f"{column}={','.join(values)}" for column, values in shape["selector"].items())
    names = ("started_at", "ended_at", "users", "sessions", "bad_ratio", "expected_ratio", "severity")
    return {
        "id": shape["id"],
        "where": selector,
        "domain": shape["domain"],
        **{name: shape[name] for name in names},
        "complaints": sum(each["probability"] >= 0.5 for each in shape["complaints"]),
        "silent": shape["silent_users"],
    }


def _range(start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    from datetime import UTC

    return start or datetime(1970, 1, 1, tzinfo=UTC), end or datetime(9999, 1, 1, tzinfo=UTC)


def _connected() -> "Connection":
    from cemaphore import privatedb
    from cemaphore.settings import load_settings
    from store.connection import connect

    return connect(privatedb.ensure(load_settings()), autocommit=True)
