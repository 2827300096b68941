"""A VES listener whose database is away or slow: nothing that was answered with 202 is lost or counted twice."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from collectors.listening.reception import Bounds
from collectors.ves.posted import EventSink
from records.errors import TransientError
from store.connection import Connection
from store.keys import Keys
from tests.ves_listening import FAULT, PATIENT, SOON, TIMEOUT_S, count, event_sink, listening, numbered, until


@pytest.fixture
def sink(database: str, keys: Keys) -> EventSink:
    return event_sink(database, keys)


class Stubborn:
    """A place to commit to that can be away or slow, in front of the real one."""

    def __init__(self, inner: EventSink) -> None:
        self.inner = inner
        self.away = True
        self.delay_s = 0.0
        self.order: list[str] = []

    def commit(self, contents: Sequence[object]) -> None:
        time.sleep(self.delay_s)
        if self.away:
            raise TransientError("the database is away")
        self.inner.commit(contents)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def test_without_a_database_events_are_spilled_and_come_in_later(
    sink: EventSink, tmp_path: Path, keys: Keys, connection: Connection
) -> None:
    stubborn = Stubborn(sink)
    with listening(stubborn, tmp_path, keys) as running:
        assert [running.post("/eventListener/v7", numbered(one)).status_code for one in range(5)] == [202] * 5
        assert running.health()["spilling"]
        assert count(connection, "alarm") == 0
        stubborn.away = False
        until(lambda: not running.health()["spilling"])
        assert count(connection, "alarm") == 5
        assert running.post("/eventListener/v7", numbered(9)).status_code == 202
        assert running.health()["committed"] == 1
    ids = connection.execute("SELECT alarm_id FROM cem.alarm ORDER BY batch_id, alarm_id").fetchall()
    assert [row[0] for row in ids] == [f"fault{number:04}" for number in (0, 1, 2, 3, 4, 9)]


def test_a_slow_commit_spills_and_counts_once(
    sink: EventSink, tmp_path: Path, keys: Keys, connection: Connection
) -> None:
    stubborn = Stubborn(sink)
    stubborn.away, stubborn.delay_s = False, 4.0
    with listening(stubborn, tmp_path, keys, bounds=replace(PATIENT, patience_s=0.5)) as running:
        began = time.monotonic()
        assert running.post("/eventListener/v7", FAULT).status_code == 202
        assert time.monotonic() - began < 3.9
        assert running.health()["spilled"] == 1
        stubborn.delay_s = 0.0
        until(lambda: not running.health()["spilling"])
    assert count(connection, "alarm") == 1


def test_without_room_the_answer_is_503_and_later_202(sink: EventSink, tmp_path: Path, keys: Keys) -> None:
    stubborn = Stubborn(sink)
    with listening(stubborn, tmp_path, keys, spill_bytes=6000) as running:
        answers = [running.post("/eventListener/v7", numbered(one)) for one in range(8)]
        full = [answer for answer in answers if answer.status_code == 503]
        assert 0 < len(full) < 8
        assert full[0].headers["retry-after"] == "7"
        assert full[0].json()["requestError"]["ServiceException"]["messageId"] == "SVC1000"
        stubborn.away = False
        until(lambda: not running.health()["spilling"])
        assert running.post("/eventListener/v7", numbered(99)).status_code == 202


def test_a_full_queue_is_503_at_once(sink: EventSink, tmp_path: Path, keys: Keys) -> None:
    stubborn = Stubborn(sink)
    stubborn.away, stubborn.delay_s = False, 0.8
    bounds = Bounds(patience_s=5, queue_items=2, group_items=1, retry_after_s=3)
    with listening(stubborn, tmp_path, keys, bounds=bounds) as running:

        async def send() -> list[int]:
            async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
                posts = [client.post(f"{running.url}/eventListener/v7", json=numbered(one)) for one in range(8)]
                return [answer.status_code for answer in await asyncio.gather(*posts)]

        statuses = asyncio.run(send())
        assert set(statuses) == {202, 503}


def test_what_no_database_would_take_goes_to_quarantine_alone(
    sink: EventSink, tmp_path: Path, keys: Keys, connection: Connection
) -> None:
    class Picky(Stubborn):
        def commit(self, contents: Sequence[object]) -> None:
            if any(event.alarm.alarm_id == "fault0001" for one in contents for event in one.events):  # type: ignore[attr-defined]
                raise ValueError("not this one")
            self.inner.commit(contents)

    with listening(Picky(sink), tmp_path, keys) as running:
        for number in range(3):
            assert running.post("/eventListener/v7", numbered(number)).status_code == 202
    assert count(connection, "alarm") == 2
    assert connection.execute("SELECT code FROM cem.quarantine").fetchall() == [("internal",)]


def test_bodies_beyond_what_is_held_at_once_are_sent_away(sink: EventSink, tmp_path: Path, keys: Keys) -> None:
    stubborn = Stubborn(sink)
    stubborn.away, stubborn.delay_s = False, 0.5
    with listening(stubborn, tmp_path, keys, max_held_bytes=4000) as running:

        async def send() -> list[httpx.Response]:
            async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
                posts = [client.post(f"{running.url}/eventListener/v7", json=numbered(one)) for one in range(8)]
                return await asyncio.gather(*posts)

        answers = asyncio.run(send())
        assert {answer.status_code for answer in answers} == {202, 503}
        assert {answer.headers.get("retry-after") for answer in answers if answer.status_code == 503} == {"5"}
        assert running.post("/eventListener/v7", numbered(9)).status_code == 202


def test_connections_that_the_server_ends_are_made_anew(
    sink: EventSink, tmp_path: Path, keys: Keys, connection: Connection
) -> None:
    with listening(sink, tmp_path, keys) as running:
        for number in range(4):
            assert running.post("/eventListener/v7", numbered(number)).status_code == 202
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        until(lambda: not running.health()["spilling"])
        assert running.health()["spilled"] == 3
    assert count(connection, "alarm") == 4


def test_a_lock_that_holds_a_commit_up_sends_events_to_the_spill(
    sink: EventSink, tmp_path: Path, keys: Keys, connection: Connection
) -> None:
    with listening(sink, tmp_path, keys, bounds=SOON) as running:
        with connection.transaction():
            connection.execute("LOCK TABLE cem.alarm IN ACCESS EXCLUSIVE MODE")
            assert [running.post("/eventListener/v7", numbered(one)).status_code for one in range(3)] == [202] * 3
            assert running.health()["spilled"] == 3
        until(lambda: not running.health()["spilling"])
    assert count(connection, "alarm") == 3
