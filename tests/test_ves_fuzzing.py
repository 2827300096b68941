"""Whatever is put in the place of any field or byte, an event is read, or refused by name; nothing else happens."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.listening.requests import RefusalError
from collectors.options import Options
from collectors.records import conform
from collectors.ves import rows
from collectors.ves.posted import posted
from records.errors import DataError
from records.kinds import ALARMS, COUNTERS
from tests.ves_listening import FAULT, MEASURED, ONAP, SLICE

SEEDS = (
    FAULT,
    MEASURED,
    {"event": json.loads(SLICE.read_text())},
    json.loads((ONAP / "measurement5x.json").read_text()),
    json.loads((ONAP / "ves_stdnDefined_valid.json").read_text()),
    json.loads((ONAP / "ves7_batch_valid.json").read_text()),
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", "\0", "NIL", "1,2,", "\ud800", "1e999", 10**400, [], {}, [[]], {"a": {}}, [None], "x" * 5000]),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from places(one, (*path, key))


def read(body: bytes) -> None:
    """What the listener does with a body, up to the database."""
    try:
        found = posted(body, None)
    except (RefusalError, DataError):
        return
    events = list(enumerate(found.events, 1))
    for kind, raws in ((COUNTERS, rows.counters(events, 1000)), (ALARMS, rows.alarms(events))):
        for raw in raws:
            good, rejected = conform(kind, raw, "eventListener event", Options())
            assert (good.num_rows if good is not None else 0) + len(rejected) == raw.batch.num_rows


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_any_value_in_any_place(seed: dict[str, Any], data: st.DataObject) -> None:
    document = json.loads(json.dumps(seed))
    for path in data.draw(st.lists(st.sampled_from(list(places(seed))), min_size=1, max_size=3)):
        inner = document
        try:
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = data.draw(ODD)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took this place away
    read(json.dumps(document).encode())


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_any_byte_changed_or_cut(seed: dict[str, Any], data: st.DataObject) -> None:
    body = bytearray(json.dumps(seed).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(body[: data.draw(st.integers(1, len(body)))]))
    read(bytes(body))
