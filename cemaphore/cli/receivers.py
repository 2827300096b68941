"""`cem alerts channels`, `try` and `export`: who is told of alerts, whether the way is open, and alerts for others."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cemaphore.moments import From, To

if TYPE_CHECKING:
    from alerts.receivers import Receiver
    from store.deliveries import ReceiverState

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Format(StrEnum):
    """Shapes that alerts are exported in."""

    TMF642 = "tmf642"
    TMF656 = "tmf656"


class State(StrEnum):
    """States of an alert that fired."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    SILENCED = "silenced"
    RESOLVED = "resolved"


def register(app: typer.Typer) -> None:
    """Add the commands to `cem alerts`."""
    alerts = next(group.typer_instance for group in app.registered_groups if group.name == "alerts")
    assert alerts is not None
    alerts.command("channels")(_channels)
    alerts.command("try")(_try)
    alerts.command("export")(_export)


def _channels(as_json: JSON = False) -> None:
    """List the receivers of alerts: what is configured, last success and failure, messages that wait."""
    from cemaphore import privatedb
    from cemaphore.alert_receivers import receivers_of
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from cemaphore.settings import load_settings
    from store import deliveries
    from store.connection import connect

    with exits():
        settings = load_settings()
        receivers = receivers_of(settings)
        with connect(privatedb.ensure(settings), autocommit=True) as connection:
            states = deliveries.states(connection)
        show([_line(one, states.get(one.name)) for one in receivers], as_json)


def _line(receiver: "Receiver", state: "ReceiverState | None") -> dict[str, Any]:
    return {
        "name": receiver.name,
        "kind": receiver.kind,
        "language": receiver.language,
        "severities": sorted(receiver.severities) or None,
        "match": {name: list(patterns) for name, patterns in receiver.match.items()} or None,
        "waiting": state.waiting if state else 0,
        "succeeded_at": state.succeeded_at if state else None,
        "failed_at": state.failed_at if state else None,
        "failures": state.failures if state else 0,
        "error": state.error if state else None,
    }


def _try(receiver: Annotated[str, typer.Argument(metavar="RECEIVER")], as_json: JSON = False) -> None:
    """Send a message that says that nothing is wrong to one receiver; exit code 1 when it is not taken."""
    from datetime import UTC

    from cemaphore.alert_receivers import receivers_of
    from cemaphore.exits import Exit, exits
    from cemaphore.pipeline.delivering import try_out
    from cemaphore.settings import load_settings
    from records.errors import ConfigError

    with exits():
        settings = load_settings()
        found = {one.name: one for one in receivers_of(settings)}
        if receiver not in found:
            raise ConfigError(f"there is no receiver {receiver}; there are {', '.join(found) or 'none'}")
        error = try_out(settings, found[receiver], datetime.now(UTC))
    if as_json:
        import json

        typer.echo(json.dumps({"receiver": receiver, "taken": error is None, "error": error}))
    else:
        typer.echo(
            f"{receiver} took it." if error is None else f"cem: {receiver} did not take it: {error}", err=bool(error)
        )
    if error is not None:
        raise typer.Exit(Exit.FAILURE)


def _export(
    shape: Annotated[Format, typer.Option("--format", help="Alarms or service problems of TM Forum, v4.0.0.")],
    state: Annotated[State | None, typer.Option("--state", help="Only alerts in this state.")] = None,
    start: From = None,
    end: To = None,
) -> None:
    """Print the alerts that fired, those that did between --from and --to, as a JSON list of TM Forum shapes."""
    import json

    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.pipeline.delivering import exported
    from cemaphore.settings import load_settings
    from store.connection import connect

    with exits():
        settings = load_settings()
        with connect(privatedb.ensure(settings), autocommit=True) as connection:
            found = exported(connection, settings, shape.value, state.value if state else None, start, end)
    typer.echo(json.dumps(found, ensure_ascii=False))
