"""Events to records as read: counters and alarms, numbered by the event that they come from."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from collectors.pm_values import Values
from collectors.raw import Raw
from collectors.ves.alarms import Alarm
from collectors.ves.events import Event

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ALARM_TEXTS = ("event_id", "object_id", "alarm_id", "severity", "alarm_condition", "specific_problem", "alarm_type")


def counters(events: Iterable[tuple[int, Event]], block_rows: int) -> Iterator[Raw]:
    """The measurements of numbered events, in blocks of about `block_rows`."""
    values = Values()
    for row, event in events:
        for one in event.measured:
            end = (_EPOCH + timedelta(microseconds=one.end_us)).isoformat()
            values.add(
                pairs=one.pairs, object_id=one.object_id, end=end, period_s=one.period_s, suspect=one.suspect, row=row
            )
        if len(values) >= block_rows:
            yield values.take()
    if len(values):
        yield values.take()


def alarms(events: Iterable[tuple[int, Event]]) -> Iterator[Raw]:
    """The alarms of numbered events, in one block."""
    found = [(row, event.alarm) for row, event in events if event.alarm is not None]
    if found:
        yield Raw(batch=_alarms([alarm for _, alarm in found]), rows=pa.array([row for row, _ in found], pa.int64()))


def _alarms(found: list[Alarm]) -> pa.RecordBatch:
    columns = {
        name: pa.array([getattr(alarm, name) for alarm in found], pa.string())
        for name in (*_ALARM_TEXTS, "object_type")
    }
    times = pa.array([alarm.time_us for alarm in found], pa.timestamp("us", "UTC"))
    cleared = pa.array([alarm.cleared for alarm in found], pa.bool_())
    return pa.RecordBatch.from_pydict({**columns, "time": times, "cleared": cleared})
