"""`cem complaint` and `cem complaints ...`: one complaint with its causes, all of them, surges, the silent, classes."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cemaphore.moments import From, To

if TYPE_CHECKING:
    from store.connection import Connection

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Source = Annotated[str | None, typer.Option("--source", help="Of this source, where several have that number.")]
Id = Annotated[str, typer.Argument(metavar="ID")]
Cluster = Annotated[str, typer.Argument(metavar="CLUSTER")]
_LISTED = ("complaint_id", "created_at", "topic", "confidence", "app", "cell_id", "unexplained", "cluster_id")


def register(app: typer.Typer) -> None:
    """Add `cem complaint` and `cem complaints ...` to `app`."""
    app.command("complaint")(_complaint)
    complaints = typer.Typer(help="Complaints: what they are about, what explains them, and who says nothing.")
    complaints.command("list")(_list)
    complaints.command("surges")(_surges)
    complaints.command("risks")(_risks)
    complaints.command("silent")(_silent)
    complaints.command("label")(_label)
    app.add_typer(complaints, name="complaints", no_args_is_help=True)


def _complaint(complaint_id: Id, source: Source = None, as_json: JSON = False) -> None:
    """Show one complaint: its class, what may have caused it and why, and what the customer went through before."""
    from cemaphore.exits import exits
    from cemaphore.pipeline.experience import experience_before
    from cemaphore.printing import show
    from cemaphore.settings import load_settings
    from store import complaint_views

    with exits(), _connected() as connection:
        found = _one(connection, complaint_id, source)
        linked = complaint_views.links(connection, found["source"], complaint_id)
        before = experience_before(connection, load_settings(), found["customer_key"], found["created_at"])
    hidden = [] if as_json else ["selector", "reasons"]
    shape = {**found, "links": linked.drop(columns=hidden).to_dict("records"), "before": before}
    show(shape if as_json else _flat(shape), as_json)


def _flat(shape: dict[str, Any]) -> dict[str, Any]:
    """The same with the tables of what was before beside the others, for people."""
    before = shape.pop("before")
    clusters = [{name: value for name, value in row.items() if name != "selector"} for row in before["clusters"]]
    return {**shape, "change": before["change"], "days": before["days"], "sessions": before["sessions"],
            "clusters": clusters}  # fmt: skip


def _one(connection: "Connection", complaint_id: str, source: str | None) -> dict[str, Any]:
    from cemaphore.exits import Exit
    from store import complaint_views

    found = complaint_views.complaint(connection, complaint_id, source)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(each["source"] for each in found)
        raise typer.BadParameter(f"{complaint_id} is a complaint of several sources; give --source, one of {names}.")
    typer.echo(f"cem: there is no complaint {complaint_id}; `cem complaints list` lists them.", err=True)
    raise typer.Exit(Exit.FAILURE)


def _list(
    start: From = None,
    end: To = None,
    unexplained: Annotated[bool, typer.Option("--unexplained", help="Only those that no cluster explains.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: JSON = False,
) -> None:
    """List complaints, newest first, with their class and likeliest cause."""
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from store import complaint_views

    with exits(), _connected() as connection:
        rows = complaint_views.complaints(connection, start, end, unexplained, limit).to_dict("records")
    show([{str(name): value for name, value in row.items()} for row in rows], as_json, columns={"": _LISTED})


def _surges(start: From = None, end: To = None, as_json: JSON = False) -> None:
    """List surges of complaints that nothing explains; those about experience are clusters as well."""
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from store import complaint_views

    with exits(), _connected() as connection:
        rows = complaint_views.surges(connection, start, end).to_dict("records")
    show([{str(name): value for name, value in row.items()} for row in rows], as_json)


def _risks(cluster_id: Cluster, as_json: JSON = False) -> None:
    """Say what a cluster explains of all complaints, since when, and how much likelier those whom it hurts complain."""
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from store import complaint_views
    from store.screens import rows

    with exits(), _connected() as connection:
        found = complaint_views.explained(connection, cluster_id)
        risks = rows(complaint_views.risks(connection, cluster_id).drop(columns="cluster_id"))
    show({**found, "risks": risks}, as_json)


def _silent(
    cluster_id: Cluster,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: JSON = False,
) -> None:
    """List those whom a cluster hurt like its complainers and who said nothing, the likeliest to complain first."""
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from store import complaint_views

    with exits(), _connected() as connection:
        rows = complaint_views.silent(connection, cluster_id, limit).to_dict("records")
    show([{str(name): value for name, value in row.items()} for row in rows], as_json)


def _label(
    complaint_id: Id,
    topic: Annotated[str, typer.Argument(metavar="CLASS", help="A class of the taxonomy.")],
    source: Source = None,
    actor: Annotated[str | None, typer.Option("--as", help="Who says so; default: the user of this machine.")] = None,
    as_json: JSON = False,
) -> None:
    """Say what a complaint is about; the next classification learns from it."""
    import getpass

    from cemaphore.catalogues import complaint_taxonomy
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from cemaphore.settings import load_settings
    from store import complaint_views, complaints

    with exits(), _connected() as connection:
        known = complaint_taxonomy(load_settings()).names
        if topic not in known:
            raise typer.BadParameter(f"{topic} is no class; the taxonomy has {', '.join(known)}.")
        found = _one(connection, complaint_id, source)
        number = complaint_views.source_id(connection, found["source"])
        complaints.label(connection, number, complaint_id, topic, actor or getpass.getuser())
    show({"complaint_id": complaint_id, "source": found["source"], "before": found["topic"], "topic": topic}, as_json)


def _connected() -> "Connection":
    from cemaphore import privatedb
    from cemaphore.settings import load_settings
    from store.connection import connect

    return connect(privatedb.ensure(load_settings()), autocommit=True)
