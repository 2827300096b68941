"""`cem alerts`: what fires, what people do about it, and how the rules would have done."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from store.alerts import AlertRow
    from store.connection import Connection

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Alert = Annotated[str, typer.Argument(metavar="ID", help="The alert, as `cem alerts list` names it.")]
Actor = Annotated[str, typer.Option("--actor", metavar="NAME", help="Who acts; audited.")]
Comment = Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why, for those who come after; audited.")]
For = Annotated[str | None, typer.Option("--for", metavar="TIME", help="How long: 30m, 8h, 2d.")]
_LINE = ("id", "state", "severity", "rule", "subject", "value", "expected", "users", "since", "parts", "cluster")


def register(app: typer.Typer) -> None:
    """Add `cem alerts ...` to `app`."""
    alerts = typer.Typer(help="Alerts: what dropped, by how much, since when; what people do; what rules would do.")
    alerts.command("list")(_list)
    alerts.command("show")(_show)
    alerts.command("ack")(_ack)
    alerts.command("unack")(_unack)
    alerts.command("resolve")(_resolve)
    alerts.command("silence")(_silence)
    alerts.command("silences")(_silences)
    alerts.command("unsilence")(_unsilence)
    app.add_typer(alerts, name="alerts", no_args_is_help=True)


def _list(
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are not over.")] = False,
    as_json: JSON = False,
) -> None:
    """List alerts, those that fire first, then the newest; what is part of another alert is shown by `show`."""
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from store import alerts as stored

    with exits(), _connected() as connection:
        rows = stored.newest(connection, limit, open_only=open_only)
    if as_json:
        show([_shape(row) for row in rows], as_json)
    else:
        show([_line(row) for row in rows], as_json, columns={"": _LINE})


def _show(alert_id: Alert, as_json: JSON = False) -> None:
    """Show one alert with its parts and every change of it; exit code 1 when there is none."""
    from cemaphore.exits import Exit, exits
    from cemaphore.printing import show
    from store import alerts as stored

    with exits(), _connected() as connection:
        row = stored.by_id(connection, alert_id)
        if row is None:
            typer.echo(f"cem: there is no alert {alert_id}; `cem alerts list` lists them.", err=True)
            raise typer.Exit(Exit.FAILURE)
        parts = stored.children(connection, alert_id)
        changes = stored.changes(connection, alert_id)
    steps = [{name: value for name, value in vars(change).items() if name != "alert_id"} for change in changes]
    if as_json:
        show({"alert": _shape(row), "parts": [_shape(part) for part in parts], "changes": steps}, as_json)
        return
    hidden = ("evidence", "children", "about", "labels", "tiers", "key")
    plain = {name: value for name, value in _shape(row).items() if name not in hidden and value is not None}
    show({**plain, "parts": [_line(part) for part in parts], "changes": steps}, as_json)


def _ack(alert_id: Alert, actor: Actor = "", comment: Comment = "", lasting: For = None, as_json: JSON = False) -> None:
    """Say that somebody looks after an alert: it is repeated no more until it ends, gets graver, or --for is over."""
    from store import alert_acts

    until = None if lasting is None else _from_now(lasting)
    _act(alert_id, as_json, lambda to: alert_acts.acknowledge(to, actor, alert_id, comment, until))


def _unack(alert_id: Alert, actor: Actor = "", comment: Comment = "", as_json: JSON = False) -> None:
    """Take an acknowledgement back."""
    from store import alert_acts

    _act(alert_id, as_json, lambda to: alert_acts.unacknowledge(to, actor, alert_id, comment))


def _resolve(alert_id: Alert, actor: Actor = "", comment: Comment = "", as_json: JSON = False) -> None:
    """Declare an alert over; what goes on being bad makes a new one."""
    from store import alert_acts

    _act(alert_id, as_json, lambda to: alert_acts.resolve(to, actor, alert_id, comment))


def _silence(
    matchers: Annotated[
        list[str],
        typer.Argument(
            metavar="FIELD=PATTERN...",
            help="rule, subject, severity, kind, owner, label.NAME, or an attribute as region; * fits anything.",
        ),
    ],
    lasting: Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 30m, 8h, 2d.")],
    actor: Actor = "",
    comment: Comment = "",
    as_json: JSON = False,
) -> None:
    """Keep alerts that fit every matcher from being told for a while; they are followed and kept all the same."""
    from datetime import UTC, datetime

    from cemaphore.exits import exits
    from cemaphore.printing import show
    from store import alert_acts

    wanted = dict(_matcher(text) for text in matchers)
    until = _from_now(lasting)
    with exits(), _connected() as connection:
        number = alert_acts.silence(connection, actor, wanted, datetime.now(UTC), until, comment)
    show({"silence_id": number, "matchers": wanted, "ends_at": until}, as_json)


def _silences(
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False, as_json: JSON = False
) -> None:
    """List silences, newest first."""
    from datetime import UTC, datetime

    from cemaphore.exits import exits
    from cemaphore.printing import show
    from store import alert_silences

    with exits(), _connected() as connection:
        rows = alert_silences.silences(connection, None if every else datetime.now(UTC))
    show([dict(vars(row)) for row in rows], as_json)


def _unsilence(
    silence_id: Annotated[int, typer.Argument(metavar="NUMBER")],
    actor: Actor = "",
    comment: Comment = "",
    as_json: JSON = False,
) -> None:
    """End a silence now."""
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from store import alert_acts

    with exits(), _connected() as connection:
        alert_acts.end_silence(connection, actor, silence_id, comment)
    show({"silence_id": silence_id}, as_json)


@contextmanager
def _connected() -> "Iterator[Connection]":
    from cemaphore import privatedb
    from cemaphore.settings import load_settings
    from store.connection import connect

    with connect(privatedb.ensure(load_settings()), autocommit=True) as connection:
        yield connection


def _act(alert_id: str, as_json: bool, do: Any) -> None:
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from store import alerts as stored

    with exits(), _connected() as connection:
        number = do(connection)
        row = stored.by_id(connection, alert_id)
    show({"alert_id": alert_id, "state": None if row is None else row.state, "change": number}, as_json)


def _matcher(text: str) -> tuple[str, str]:
    field, equals, pattern = text.partition("=")
    if not (field and equals and pattern):
        raise typer.BadParameter(f"{text!r} is no matcher; write FIELD=PATTERN, such as region=north or rule=*.")
    return field, pattern


def _from_now(text: str) -> Any:
    from datetime import UTC, datetime, timedelta

    units = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or int(number) == 0 or unit not in units:
        raise typer.BadParameter(f"{text!r} is no length of time; write a number with m, h or d, such as 8h.")
    return datetime.now(UTC) + int(number) * units[unit]


def _shape(row: "AlertRow") -> dict[str, Any]:
    from alerts.facts import Facts

    return {**Facts.from_json(row.detail).to_json(), "told": row.told, "parent_id": row.parent_id}


def _line(row: "AlertRow") -> dict[str, Any]:
    return {
        "id": row.alert_id,
        "state": row.state,
        "severity": row.severity,
        "rule": row.rule,
        "subject": row.subject,
        "value": row.value,
        "expected": row.expected,
        "users": row.detail.get("users"),
        "since": row.started_at,
        "parts": row.detail.get("children_count") or None,
        "cluster": row.cluster_id,
    }
