"""Kafka topics of records as JSON: each partition's messages in batches, their offsets committed with the rows.

The offset that is read next stands in the database and moves in the transaction that stores the messages before it, so
nothing is lost or counted twice whatever ends in between; the broker's own committed offsets are not used. Several
readers of one topic disturb but do not repeat each other: who comes second with an offset starts from where it stands.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from collectors import mapping as mappings
from collectors import tables
from collectors.collection import Reason
from collectors.delivery import Records
from collectors.lines import Flaw
from collectors.options import Options
from collectors.raw import Notes, Raw
from records.errors import ConfigError, TransientError
from records.kinds import KINDS
from store import progress
from store.intake import Intake, Rejected, Tally
from store.progress import Partition

_METADATA_TIMEOUT_S = 10.0
_OURS = ("group.id", "enable.auto.commit", "auto.offset.reset", "bootstrap.servers", "enable.partition.eof")


@dataclass(frozen=True, kw_only=True)
class Topics:
    """Topics of one cluster that hold one kind of record; `settings` are librdkafka's (security, certificates)."""

    name: str
    brokers: str
    topics: tuple[str, ...]
    kind: str
    mapping: str | None = None
    consumer: str = "cemaphore"
    start: Literal["earliest", "latest"] = "earliest"
    batch_messages: int = 20_000
    wait_s: float = 1.0
    refresh_s: float = 60.0
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What came of one batch of one partition."""

    name: str
    tally: Tally
    reasons: tuple[Reason, ...]
    notes: tuple[str, ...] = ()


class _MovedError(TransientError):
    """Another reader has stored these messages."""


class Reader:
    """Reads topics; `tell` hears of messages that the broker deleted before they were read. For use by one thread."""

    def __init__(self, topics: Topics, options: Options, tell: Callable[[str], None] = lambda _: None) -> None:
        self._topics = topics
        self._options = replace(options, kind=topics.kind)
        self._mapping = mappings.chosen(options.mappings, topics.mapping, "") if topics.mapping else None
        if topics.kind not in KINDS or (self._mapping is not None and self._mapping.kind != topics.kind):
            raise ConfigError(
                f"Kafka source {topics.name}: kind {topics.kind!r} is not that of its mapping, or is none."
            )
        self._tell = tell
        self._library = _library()
        self._consumer = self._library.Consumer(_configuration(topics))
        self._marks: dict[Partition, int] = {}  # where the database says that reading goes on
        self._assigned_at = -1e9

    def step(self, intake: Intake) -> Iterator[Fetched]:
        """Store what is there now, at most `batch_messages`; waits up to `wait_s` for more.

        Raises `TransientError` when broker or database fail; the next step goes on from what is in.
        """
        try:
            if time.monotonic() - self._assigned_at > self._topics.refresh_s:
                self._assign(intake)
            found = self._messages()
            for partition, messages in found.items():
                yield self._stored(intake, partition, messages)
        except _MovedError:
            self._assigned_at = -1e9
        except self._library.KafkaException as error:
            self._assigned_at = -1e9
            raise TransientError(f"Kafka source {self._topics.name}: {error.args[0].str()}.") from None
        except BaseException:
            self._assigned_at = -1e9
            raise

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()

    def _assign(self, intake: Intake) -> None:
        """Ask the database where to go on in each partition that the topics have now."""
        there: list[Partition] = []
        for topic in self._topics.topics:
            metadata = self._consumer.list_topics(topic, timeout=_METADATA_TIMEOUT_S)
            about = metadata.topics[topic]
            if about.error is not None:
                raise TransientError(f"Kafka source {self._topics.name}: topic {topic}: {about.error.str()}.")
            cluster = metadata.cluster_id or self._topics.brokers
            there += [
                Partition(cluster=cluster, consumer=self._topics.consumer, topic=topic, number=number)
                for number in sorted(about.partitions)
            ]
        known = progress.next_offsets(intake.connection, there[0].cluster, self._topics.consumer, self._topics.topics)
        begins = {partition: self._begin(partition, known.get(partition)) for partition in there}
        self._marks = begins | known
        places = [self._library.TopicPartition(one.topic, one.number, at) for one, at in begins.items()]
        self._consumer.assign(places)
        self._assigned_at = time.monotonic()

    def _begin(self, partition: Partition, wanted: int | None) -> int:
        place = self._library.TopicPartition(partition.topic, partition.number)
        low, high = self._consumer.get_watermark_offsets(place, timeout=_METADATA_TIMEOUT_S)
        if wanted is None:
            return int(low if self._topics.start == "earliest" else high)
        where = f"Kafka source {self._topics.name}, {partition.topic}[{partition.number}]"
        if wanted < low:
            self._tell(f"{where}: the broker deleted {low - wanted} messages before they were read.")
            return int(low)
        if wanted > high:
            self._tell(
                f"{where}: ends at {high}, before {wanted} where reading stopped: made anew, so read from {low}."
            )
            return int(low)
        return wanted

    def _messages(self) -> dict[Partition, list[Any]]:
        """Messages by partition, in order."""
        found: dict[Partition, list[Any]] = {}
        partitions = {(one.topic, one.number): one for one in self._marks}
        for message in self._consumer.consume(self._topics.batch_messages, timeout=self._topics.wait_s):
            if message.error() is not None:
                raise self._library.KafkaException(message.error())
            found.setdefault(partitions[message.topic(), message.partition()], []).append(message)
        return found

    def _stored(self, intake: Intake, partition: Partition, messages: Sequence[Any]) -> Fetched:
        before, after = self._marks[partition], messages[-1].offset() + 1
        where = f"{partition.topic}[{partition.number}]"
        lines, offsets, notes = _lines(messages)
        data = b"".join(lines)
        records = Records(
            KINDS[self._topics.kind], f"{where} offset", self._options, lambda told: self._read(data, offsets, told)
        )

        def batches() -> Iterator[pa.RecordBatch | Rejected]:
            self._move(intake, partition, before, after)
            yield from records.batches()

        span = f"{partition.cluster} {where} {messages[0].offset()} {after} ".encode()
        tally = intake.load(
            KINDS[self._topics.kind],
            source=self._topics.name,
            name=f"{where}@{messages[0].offset()}-{after - 1}",
            digest=hashlib.sha256(span + data).digest(),
            size_bytes=len(data),
            batches=batches,
        )
        if tally.already_loaded:  # read anew from an older offset
            self._move(intake, partition, before, after)
        self._marks[partition] = after
        return Fetched(name=where, tally=tally, reasons=records.reasons(), notes=(*records.notes.warnings, *notes))

    def _move(self, intake: Intake, partition: Partition, before: int, after: int) -> None:
        if not progress.save_offset(intake.connection, partition, before, after, intake.clock_now):
            raise _MovedError(f"{partition.topic}[{partition.number}] was read by another meanwhile.")

    def _read(self, data: bytes, offsets: np.ndarray, notes: Notes) -> Iterator[Raw | Flaw]:
        """The records, each numbered by the offset of its message."""
        kind = KINDS[self._topics.kind]
        for item in tables.read([data], "ndjson", kind, self._options, notes, self._mapping):
            if isinstance(item, Raw):
                yield replace(item, rows=pa.array(offsets[item.rows.to_numpy() - 1], pa.int64()))
            else:
                row = None if item.row_number is None else int(offsets[item.row_number - 1])
                yield replace(item, row_number=row)


def _lines(messages: Sequence[Any]) -> tuple[list[bytes], np.ndarray, list[str]]:
    """Messages as lines of JSON, the offset of each line, and what is said of messages without a value."""
    lines: list[bytes] = []
    offsets: list[int] = []
    empty = 0
    for message in messages:
        value = message.value()
        if not value:
            empty += 1
            continue
        parts = _split(value)
        lines += [part + b"\n" for part in parts]
        offsets += [message.offset()] * len(parts)
    notes = [f"{empty} message(s) without a value were passed over."] if empty else []
    return lines, np.array(offsets, np.int64), notes


def _split(value: bytes) -> list[bytes]:
    """The lines of a message; a record that is written over several is made one."""
    if b"\n" not in value:
        return [value]
    try:
        return [json.dumps(json.loads(value)).encode()]
    except (ValueError, RecursionError):
        return [line for line in value.split(b"\n") if line.strip()]


def _configuration(topics: Topics) -> dict[str, Any]:
    for name in _OURS:
        if name in topics.settings:
            raise ConfigError(f"Kafka source {topics.name}: {name} is set by the program; leave it out of `settings`.")
    return {
        **topics.settings,
        "bootstrap.servers": topics.brokers,
        "group.id": topics.consumer,
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
    }


def _library() -> Any:
    try:
        import confluent_kafka
    except ImportError:
        raise ConfigError("Kafka needs confluent-kafka: install the program as `cemaphore[kafka]`.") from None
    return confluent_kafka
