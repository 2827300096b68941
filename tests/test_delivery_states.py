"""What judging an alert means to its receivers: quiet hours, and alerts that were pending before they were told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.hours import Quiet, Span
from alerts.rules import RuleBook
from cemaphore.pipeline.delivering import deliver
from cemaphore.settings import Settings, load_settings
from store.connection import Connection
from tests.alert_series import ALL, BOOK, NOON, QUARTER, begin, calm, close, write
from tests.receiving import Hook, hook

SERIES = [70, 70, 70, 70, 80, 80, 80, 80]  # judged 31 minutes after a window's end: told at 13:01


@pytest.fixture
def served() -> Iterator[Hook]:
    with hook() as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    return load_settings(home=tmp_path, database_url=database, outbound_allow="127.0.0.1")


def _receivers(settings: Settings, served: Hook, *kinds: str) -> None:
    tables = [f'[[receiver]]\nname = "{kind}"\nkind = "{kind}"\naddress_file = "{kind}"\n' for kind in kinds]
    settings.receivers_file.write_text("".join(tables), encoding="utf-8")
    for kind in kinds:
        address = f"json://127.0.0.1:{served.port}/" if kind == "apprise" else served.url
        (settings.home / kind).write_text(address, encoding="utf-8")


def _judge_and_deliver(connection: Connection, dsn: str, settings: Settings, book: RuleBook = BOOK) -> None:
    """A drop and its end, each window judged and delivered as time goes on."""
    calm(connection, {ALL: 80.0})
    begin(connection, dsn, settings, book)
    for place, value in enumerate(SERIES):
        start = NOON + place * QUARTER
        write(connection, start, {ALL: value})
        close(connection, dsn, settings, start, book=book)
        deliver(dsn, settings, now=start + QUARTER + timedelta(minutes=settings.close_after_minutes + 1))


def test_what_ends_in_quiet_hours_is_over_for_machines_at_once_and_for_people_afterwards(
    connection: Connection, database: str, settings: Settings, served: Hook
) -> None:
    _receivers(settings, served, "webhook", "apprise")
    night = Span(begin=(NOON + 5 * QUARTER).time(), end=(NOON + timedelta(hours=9)).time())
    rules = [replace(rule, quiet=(Quiet(span=night, below="critical"),)) for rule in BOOK.rules]
    _judge_and_deliver(connection, database, settings, replace(BOOK, rules=tuple(rules)))
    states = connection.execute("SELECT state, told FROM cem.alert_change ORDER BY change_id").fetchall()
    assert states == [("pending", False), ("firing", True), ("silenced", False), ("resolved", True)]
    assert [body["state"] for body in served.got if "key" in body] == ["firing", "resolved"]
    assert len([body for body in served.got if "title" in body]) == 1, "people sleep on"
    deliver(database, settings, now=NOON + timedelta(hours=9))
    assert [body["title"].partition(":")[0] for body in served.got if "title" in body] == ["Warning", "Over"]


def test_the_first_that_a_receiver_hears_of_an_alert_creates_it(
    connection: Connection, database: str, settings: Settings, served: Hook
) -> None:
    _receivers(settings, served, "tmf642", "tmf656")
    _judge_and_deliver(connection, database, settings)
    numbers = connection.execute("SELECT number, told FROM cem.alert_change ORDER BY change_id").fetchall()
    assert numbers == [(1, False), (2, True), (3, True)], "it was pending before it was told"
    events = [(body["eventType"], body["event"]) for body in served.got]
    types = [kind for kind, _ in events]
    assert types.index("AlarmCreateEvent") < types.index("AlarmStateChangeEvent")
    assert types.index("ServiceProblemCreateEvent") < types.index("ServiceProblemStateChangeEvent")
    alarms = [event["alarm"]["state"] for _, event in events if "alarm" in event]
    assert (len(types), alarms) == (4, ["raised", "cleared"])
