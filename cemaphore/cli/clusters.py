"""`cem clusters` and `cem cluster`: what hurts or hurt whom, since when and why, and what people say of it."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cemaphore.moments import From, To, moment

if TYPE_CHECKING:
    from store.clusters import ClusterRow
    from store.connection import Connection

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
At = Annotated[datetime | None, typer.Option("--at", parser=moment, metavar="TIME", help="Open at that moment.")]
Correct = Annotated[
    str | None, typer.Option("--correct", metavar="DOMAIN", help="Say that the domain is another one; audited.")
]
Cause = Annotated[str, typer.Option("--cause", metavar="TEXT", help="What it really was, with the answer.")]
Actor = Annotated[str, typer.Option("--actor", metavar="NAME", help="Who answers.")]


def register(app: typer.Typer) -> None:
    """Add `cem clusters` and `cem cluster` to `app`."""
    app.command("clusters")(_clusters)
    app.command("cluster")(_cluster)


def _clusters(
    at: At = None,
    start: From = None,
    end: To = None,
    precision: Annotated[
        bool, typer.Option("--precision", help="Show instead how often people confirmed the domain, by domain.")
    ] = False,
    as_json: JSON = False,
) -> None:
    """List the open clusters; with --at or --from and --to those that were open then. Worst first."""
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from store import clusters as stored

    if at is not None and (start is not None or end is not None):
        raise typer.BadParameter("--at says one moment, --from and --to a range; give one of them.")
    with exits(), _connected() as connection:
        if precision:
            show(_precision(connection), as_json)
            return
        rows = stored.open_now(connection)
        if at is not None:
            rows = stored.between(connection, at, at + timedelta(microseconds=1))
        elif start is not None or end is not None:
            rows = stored.between(connection, *_range(start, end))
        rows = sorted(rows, key=lambda row: -row.users * row.severity)
        shapes = _shapes(connection, rows)
    show(shapes if as_json else [_line(shape) for shape in shapes], as_json)


def _cluster(
    cluster_id: Annotated[str, typer.Argument(metavar="ID")],
    confirm: Annotated[bool, typer.Option("--confirm", help="Say that the domain is right; audited.")] = False,
    correct: Correct = None,
    cause: Cause = "",
    actor: Actor = "",
    as_json: JSON = False,
) -> None:
    """Show one cluster with its evidence and the complaints it explains; exit code 1 when there is none.

    With --confirm or --correct, keep what people say of its domain and cause.
    """
    from cemaphore.exits import Exit, exits
    from cemaphore.printing import show
    from store import clusters as stored

    if confirm and correct is not None:
        raise typer.BadParameter("--confirm says that the domain is right, --correct that it is another; give one.")
    if (cause or actor) and not (confirm or correct is not None):
        raise typer.BadParameter("--cause and --actor go with --confirm or --correct.")
    with exits(), _connected() as connection:
        row = stored.by_id(connection, cluster_id)
        if row is None:
            typer.echo(f"cem: there is no cluster {cluster_id}; `cem clusters` lists them.", err=True)
            raise typer.Exit(Exit.FAILURE)
        if confirm or correct is not None:
            _answer(connection, row, correct or row.domain, cause, actor)
        (shape,) = _shapes(connection, [row])
    show(shape, as_json)


def _answer(connection: "Connection", row: "ClusterRow", domain: str, cause: str, actor: str) -> None:
    from datetime import UTC

    from cemaphore.pipeline.following import MODEL_VERSION
    from qoe.clusters.domain import DOMAINS
    from records.errors import ConfigError
    from store import verdicts

    if domain not in DOMAINS:
        raise ConfigError(f"{domain} is no domain; it is one of {', '.join(DOMAINS)}")
    verdict = verdicts.Verdict(
        cluster_id=row.cluster_id,
        at=datetime.now(UTC),
        actor=actor,
        found_domain=row.domain,
        domain=domain,
        cause=cause,
        model_version=MODEL_VERSION,
    )
    verdicts.give(connection, verdict)


def _precision(connection: "Connection") -> list[dict[str, Any]]:
    from qoe.clusters.verdicts import precision_of
    from store import verdicts

    answers = verdicts.newest(connection).values()
    return [vars(each) for each in precision_of([(each.found_domain, each.domain) for each in answers])]


def _shapes(connection: "Connection", rows: list["ClusterRow"]) -> list[dict[str, Any]]:
    from cemaphore.cluster_shape import Beside, shape_of
    from store import cluster_life, verdicts
    from store import clusters as stored

    names = [row.cluster_id for row in rows]
    links, changes = stored.links(connection, names), cluster_life.changes(connection, names)
    tiers, said = cluster_life.tiers(connection, names), verdicts.newest(connection, names)
    texts = verdicts.recommendations(connection)
    return [
        shape_of(
            row,
            Beside(
                complaints=links.get(row.cluster_id, []),
                changes=changes.get(row.cluster_id, []),
                tiers=tiers.get(row.cluster_id, []),
                verdict=said.get(row.cluster_id),
                recommendations=texts,
            ),
        )
        for row in rows
    ]


def _line(shape: dict[str, Any]) -> dict[str, Any]:
    selector = "; ".join(f"{column}={','.join(values)}" for column, values in shape["selector"].items())
    names = ("started_at", "ended_at", "users", "sessions", "bad_ratio", "expected_ratio", "severity")
    return {
        "id": shape["id"],
        "where": selector,
        "domain": shape["verdict"]["domain"] if shape["verdict"] else shape["domain"],
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
