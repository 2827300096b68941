"""What people do with alerts, through the functions of schema `act`: each is a change of the alert, and audited."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

import psycopg

from records.errors import ConfigError
from store import acting
from store.connection import Connection


def acknowledge(connection: Connection, actor: str, alert_id: str, comment: str, until: datetime | None) -> int:
    """Say that somebody looks after an alert, until it ends, gets graver, or `until`; returns the change's number.

    Like the others here raises `ConfigError` for what is not there, cannot be done, or lacks actor or comment.
    """
    with _refusals():
        return int(acting.call(connection, actor, "acknowledge_alert", [alert_id, comment, until]))


def unacknowledge(connection: Connection, actor: str, alert_id: str, comment: str) -> int:
    """Take an acknowledgement back; returns the change's number."""
    with _refusals():
        return int(acting.call(connection, actor, "unacknowledge_alert", [alert_id, comment]))


def resolve(connection: Connection, actor: str, alert_id: str, comment: str) -> int:
    """Declare an alert over; returns the change's number."""
    with _refusals():
        return int(acting.call(connection, actor, "resolve_alert", [alert_id, comment]))


def silence(
    connection: Connection,
    actor: str,
    matchers: Mapping[str, str],
    starts_at: datetime,
    ends_at: datetime,
    comment: str,
) -> int:
    """Silence alerts that fit every matcher; returns the silence's number."""
    with _refusals():
        given = [json.dumps(dict(matchers)), starts_at, ends_at, comment]
        return int(acting.call(connection, actor, "silence_alerts", given))


def end_silence(connection: Connection, actor: str, silence_id: int, comment: str) -> int:
    """End a silence now; returns its number."""
    with _refusals():
        return int(acting.call(connection, actor, "end_silence", [silence_id, comment]))


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (
        psycopg.errors.NoDataFound,
        psycopg.errors.ObjectNotInPrerequisiteState,
        psycopg.errors.InvalidParameterValue,
        psycopg.errors.InsufficientPrivilege,
    ) as error:
        raise ConfigError(error.diag.message_primary or str(error)) from None
