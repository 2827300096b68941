"""`cem status`, `user`, `top` and `kpi`: what is known, as tables for people and JSON for programs."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cemaphore.moments import From, To
from cemaphore.persons import Customer, IdentifierFile, key_of, meant

if TYPE_CHECKING:
    from store.connection import Connection

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_INDEX = (
    "days",
    "start",
    "overall",
    "lo",
    "hi",
    "network",
    "device",
    "app",
    "service",
    "limiting",
    "n",
    "bad",
    "coverage",
)
_GROUP = (
    "value",
    "overall",
    "lo",
    "hi",
    "network",
    "device",
    "app",
    "service",
    "n_users",
    "n",
    "bad_ratio",
    "expected_ratio",
)
_CLUSTER = ("cluster_id", "over_kind", "dimension", "domain", "started_at", "ended_at", "severity", "complaints")
_INSTANCE = ("host", "pid", "started_at", "leads_since")
_JOB = ("job", "ok", "error", "last_success", "running_since", "failing_since")


class Attribute(StrEnum):
    """What groups can be made by."""

    REGION = "region"
    SITE = "site"
    CELL = "cell"
    MODEL = "model"
    APP = "app"
    SERVER = "server"
    CORE_NODE = "core_node"
    PLAN = "plan"
    SEGMENT = "segment"
    VIP_LEVEL = "vip_level"
    SERVICE = "service"
    ACCESS = "access"


class Grain(StrEnum):
    """The length of a group's windows."""

    QUARTER = "15m"
    HOUR = "hour"
    DAY = "day"


def register(app: typer.Typer) -> None:
    """Add the reporting commands to `app`."""
    app.command("status")(_status)
    app.command("user")(_user)
    app.command("top")(_top)
    app.command("kpi")(_kpi)


def _status(as_json: JSON = False) -> None:
    """Say how fresh the scores are, what is waiting, what is open, who runs the jobs, and how each of them does."""
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from store import screens, slots

    with exits(), _connected() as connection:
        shape = screens.status(connection)
        shape |= {"instances": slots.instances(connection), "jobs": slots.jobs(connection)}
        show(shape, as_json, columns={"instances": _INSTANCE, "jobs": _JOB})


def _user(
    customer: Customer = None,
    identifier_file: IdentifierFile = None,
    as_json: JSON = False,
) -> None:
    """Show one customer: indices by day, 7 and 28 days, with reasons, complaints and clusters. Audited."""
    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.identification import looked_at
    from cemaphore.pipeline.serving import evidence_of
    from cemaphore.printing import show
    from cemaphore.settings import load_settings
    from store import screens

    meant(customer, identifier_file)
    with exits():
        settings = load_settings()
        dsn = privatedb.database_url(settings)
        key = key_of(dsn, settings, customer, identifier_file)
        with _connected() as connection:
            looked_at(connection, key, action="look at a customer")
            shape = screens.customer(connection, key)
            shape |= evidence_of(connection, settings, key, shape["periods"])
        show(shape, as_json, columns={"periods": _INDEX, "days": _INDEX[1:], "clusters": _CLUSTER})


def _top(
    attribute: Annotated[Attribute, typer.Argument(help="What to group by.")],
    by: Annotated[Grain, typer.Option("--by", help="Length of the window; the newest one is shown.")] = Grain.DAY,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many groups.")] = 10,
    as_json: JSON = False,
) -> None:
    """List the groups with the lowest overall index; groups of fewer than k users are not shown."""
    from cemaphore.exits import exits
    from cemaphore.printing import records, show
    from store import screens

    with exits(), _connected() as connection:
        show(records(screens.worst(connection, attribute.value, limit, grain=by.value)), as_json, columns={"": _GROUP})


def _kpi(
    name: Annotated[str | None, typer.Argument(help="A KPI of the catalogue; default all.")] = None,
    object_id: Annotated[
        str | None, typer.Option("--object", help="The cell or node, as the counters name it.")
    ] = None,
    start: From = None,
    end: To = None,
    limit: Annotated[int, typer.Option(min=1, help="Most rows shown, newest first.")] = 50,
    as_json: JSON = False,
) -> None:
    """Show network KPIs with their sums, interval and coverage."""
    from cemaphore.exits import exits
    from cemaphore.printing import records, show
    from store import screens

    with exits(), _connected() as connection:
        show(records(screens.kpi_values(connection, name, object_id, start, end, limit)), as_json)


def _connected() -> "Connection":
    from cemaphore import privatedb
    from cemaphore.settings import load_settings
    from store.connection import connect

    return connect(privatedb.database_url(load_settings()), autocommit=True)
