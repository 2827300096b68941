"""Kafka against librdkafka's mock cluster: offsets move with the rows, whatever ends in between."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from confluent_kafka import Producer

from collectors.kafka import Fetched, Reader, Topics
from collectors.mapping import parse
from collectors.options import Options
from records.errors import ConfigError, TransientError
from store.connection import Connection
from store.intake import Intake
from store.keys import Keys
from store.labels import Labels
from store.vault import Vault

MAPPING = Path(__file__).parent.parent / "deploy" / "mappings" / "handset-video.toml"


@pytest.fixture(scope="module")
def producer() -> Iterator[Producer]:
    made = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
    yield made
    made.flush(5)


@pytest.fixture(scope="module")
def brokers(producer: Producer) -> str:
    return ",".join(f"{one.host}:{one.port}" for one in producer.list_topics(timeout=10).brokers.values())


def record(number: int, **given: Any) -> bytes:
    made = {
        "session_id": f"s{number}", "start_time": "2026-03-01T12:00:00Z", "subscriber_id": "460001234567890",
        "service": "web", "success": True,
    }  # fmt: skip
    return json.dumps(made | given).encode()


def send(producer: Producer, topic: str, *values: bytes | None, partition: int = 0) -> None:
    for value in values:
        producer.produce(topic, value=value, partition=partition)
    assert producer.flush(10) == 0


def topics(brokers: str, topic: str, **given: Any) -> Topics:
    return Topics(**{"name": "bus", "brokers": brokers, "topics": (topic,), "kind": "sessions", "wait_s": 0.5} | given)


def some(reader: Reader, intake: Intake) -> list[Fetched]:
    """The first batches that come; a consumer needs a moment to reach its broker."""
    for _ in range(40):
        if batch := list(reader.step(intake)):
            return batch
    raise AssertionError("nothing came")


def drain(reader: Reader, intake: Intake) -> list[Fetched]:
    found = some(reader, intake)
    while batch := list(reader.step(intake)):
        found += batch
    return found


def stored(connection: Connection) -> tuple[Any, ...]:
    row = connection.execute("SELECT count(*), count(DISTINCT session_id) FROM cem.session").fetchone()
    assert row is not None
    return row


def offsets(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT partition, next_offset FROM cem.kafka_progress ORDER BY 1").fetchall()


@pytest.fixture
def read(request: pytest.FixtureRequest) -> Iterator[Any]:
    opened: list[Reader] = []

    def make(asked: Topics, options: Options | None = None, **given: Any) -> Reader:
        opened.append(Reader(asked, options or Options(), **given))
        return opened[-1]

    yield make
    for reader in opened:
        reader.close()


def test_messages_of_all_partitions_go_in_and_wrong_ones_are_named_by_their_offset(
    producer: Producer, brokers: str, read: Any, intake: Intake, connection: Connection
) -> None:
    send(producer, "a", record(0), record(1, service="telex"), None, b"{", record(2), partition=0)
    send(
        producer, "a", record(3) + b"\n" + record(4), json.dumps(json.loads(record(5)), indent=1).encode(), partition=1
    )
    found = drain(read(topics(brokers, "a")), intake)
    assert stored(connection) == (5, 5)
    assert offsets(connection) == [(0, 5), (1, 2)]
    reasons = {reason.first for batch in found for reason in batch.reasons}
    assert any(text.startswith("a[0] offset 1: service is 'telex'") for text in reasons)
    assert any(text.startswith("a[0] offset 3 is no JSON") for text in reasons)
    assert [note for batch in found for note in batch.notes] == ["1 message(s) without a value were passed over."]


def test_a_new_reader_goes_on_where_the_last_one_stopped(
    producer: Producer, brokers: str, read: Any, intake: Intake, connection: Connection
) -> None:
    send(producer, "b", *(record(number) for number in range(50)))
    first = read(topics(brokers, "b", batch_messages=20))
    (batch,) = some(first, intake)
    assert batch.tally.rows_stored == 20
    send(producer, "b", record(50))
    again = drain(read(topics(brokers, "b")), intake)
    assert sum(one.tally.rows_read for one in again) == 31
    assert stored(connection) == (51, 51)


def test_a_batch_that_fails_leaves_no_row_and_no_offset(
    producer: Producer, brokers: str, read: Any, intake: Intake, connection: Connection
) -> None:
    send(producer, "c", *(record(number) for number in range(10)))
    reader = read(topics(brokers, "c"))
    connection.execute("ALTER TABLE cem.session RENAME TO elsewhere")
    with pytest.raises(psycopg.Error):
        some(reader, intake)
    connection.execute("ALTER TABLE cem.elsewhere RENAME TO session")
    assert (stored(connection), offsets(connection)) == ((0, 0), [])
    drain(reader, intake)
    assert (stored(connection), offsets(connection)) == ((10, 10), [(0, 10)])


def test_two_readers_of_one_topic_store_each_message_once(
    producer: Producer, brokers: str, read: Any, intake: Intake, connection: Connection, database: str, keys: Keys,
    opened: Any,
) -> None:  # fmt: skip
    send(producer, "d", *(record(number) for number in range(40)))
    other = Intake(opened(), Vault(opened(), keys), Labels(opened()), keys, intake.clock_now)
    pair = [(read(topics(brokers, "d", batch_messages=7)), one) for one in (intake, other)]
    for _ in range(20):
        for reader, own in pair:
            list(reader.step(own))
    assert stored(connection) == (40, 40)
    total = connection.execute("SELECT sum(rows_read), sum(rows_duplicate) FROM cem.batch").fetchone()
    assert total == (40, 0)


def test_a_topic_that_was_made_anew_is_read_from_its_beginning_and_said(
    producer: Producer, brokers: str, read: Any, intake: Intake, connection: Connection
) -> None:
    send(producer, "e", record(1), record(2))
    drain(read(topics(brokers, "e")), intake)
    connection.execute("UPDATE cem.kafka_progress SET next_offset = 900")
    said: list[str] = []
    assert some(read(topics(brokers, "e"), tell=said.append), intake)[0].tally.already_loaded
    assert said[0].startswith("Kafka source bus, e[0]: ends at 2, before 900 where reading stopped")


def test_columns_are_mapped(
    producer: Producer, brokers: str, read: Any, intake: Intake, connection: Connection
) -> None:
    mapping = parse(MAPPING.read_text(), "handset-video.toml")
    sent = {
        "uuid": "u1", "startedAt": "01/03/2026 18:00:00.0", "msisdn": "13800138000", "state": "PLAYED", "avgMbps": 4,
    }  # fmt: skip
    send(producer, "f", json.dumps(sent).encode())
    drain(read(topics(brokers, "f", mapping="handset-video"), Options(mappings=(mapping,))), intake)
    assert connection.execute("SELECT video_kbps FROM cem.session").fetchone() == (4000,)


def test_a_broker_that_is_away_is_temporary(read: Any, intake: Intake) -> None:
    reader = read(topics("127.0.0.1:1", "g", settings={"log_level": 0}))
    with pytest.raises(TransientError, match="Kafka source bus: "):
        list(reader.step(intake))


def test_settings_that_are_ours_are_refused(brokers: str) -> None:
    with pytest.raises(ConfigError, match=r"enable\.auto\.commit is set by the program"):
        Reader(topics(brokers, "h", settings={"enable.auto.commit": True}), Options())
