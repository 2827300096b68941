"""The product against the truth: each fault lowers the right index, and single-attribute faults have their cluster."""

from datetime import datetime

import pytest

from cemaphore.demo import TruthEntry
from cemaphore.pipeline.frame import FrameContext, session_frame, touchpoint_frame
from qoe.catalogue import DIMENSIONS
from store import screens
from store.connection import Connection, connect
from store.labels import Labels
from tests.city import City

FAULTS = [f"F{number:02}" for number in range(1, 11)]
SINGLE = ("site_id", "core_node", "server", "model", "channel", "activity")
COLUMN = {"site_id": "site", "cell_id": "cell"}
LABEL = {"site_id": "site", "cell_id": "cell"}


def entry_of(city: City, prefix: str) -> TruthEntry:
    """Return the fault whose id begins so."""
    return next(entry for entry in city.truth.entries if entry.id.startswith(prefix))


def test_the_world_complains_enough(city: City) -> None:
    """At least 100 complaints, half of them caused by faults."""
    caused = sum(len(entry.complaint_ids) for entry in city.truth.entries)
    with connect(city.dsn) as connection:
        stored = connection.execute("SELECT count(*) FROM cem.complaint_now").fetchone()
    assert stored is not None
    assert stored[0] >= 100
    assert caused >= stored[0] / 2 - 1


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_lowers_the_index_of_its_dimension_most(city: City, fault: str) -> None:
    """Users hit by the fault against all other users of the same hours: the truth's dimension falls most."""
    entry = entry_of(city, fault)
    with connect(city.dsn, autocommit=True) as connection:
        hit = _users(connection, entry)
        gaps = _gaps(connection, entry.started_at, entry.ended_at, hit)
    assert len(hit) >= 20
    assert max(gaps, key=lambda name: gaps[name]) == entry.dimension, gaps
    assert gaps[entry.dimension] > 1


@pytest.mark.parametrize("fault", FAULTS)
def test_each_strong_single_attribute_fault_has_its_cluster(city: City, fault: str) -> None:
    """A fault of severity 0.3 or more that one attribute describes is found in its time."""
    entry = entry_of(city, fault)
    single = len(entry.selector) == 1 and all(len(values) == 1 for values in entry.selector.values())
    if not (single and entry.severity >= 0.3 and set(entry.selector) <= set(SINGLE)):
        return
    with connect(city.dsn) as connection:
        found = screens.clusters(connection, entry.started_at, entry.ended_at)
    wanted = {name: list(values) for name, values in entry.selector.items()}
    same = found[[selector == wanted for selector in found["selector"]]]
    assert len(same) >= 1, found[["selector", "started_at", "ended_at", "severity"]].to_string()
    assert set(same["over_kind"]) == {entry.over}
    assert set(same["dimension"]) == {entry.dimension}


def test_what_is_no_fault_has_no_cluster(city: City) -> None:
    """An always poor model, edge cells, a weekend, the busy hour and a probe's silence are not flagged."""
    faults = [entry for entry in city.truth.entries if entry.must_flag]
    with connect(city.dsn) as connection:
        found = screens.clusters(connection, *screens.EVER)
    for row in found.itertuples():
        overlapping = [
            fault
            for fault in faults
            if row.started_at < fault.ended_at and (row.ended_at or fault.ended_at) > fault.started_at
        ]
        assert overlapping, f"{row.selector} {row.started_at} {row.ended_at} lies in no fault's time"


def _users(connection: Connection, entry: TruthEntry) -> set[int]:
    frames = session_frame if entry.over == "sessions" else touchpoint_frame
    frame = frames(connection, entry.started_at, entry.ended_at, context=FrameContext.load(connection))
    labels = Labels(connection)
    keep = frame.customer_key == frame.customer_key
    for column, values in entry.selector.items():
        wanted = [labels.lookup(LABEL.get(column, column), value) for value in values]
        codes = frame.attributes[COLUMN.get(column, column)]
        keep &= [code in wanted for code in codes.tolist()]
    return set(frame.customer_key[keep].tolist())


def _gaps(connection: Connection, start: datetime, end: datetime, hit: set[int]) -> dict[str, float]:
    """By dimension: the others' mean index less that of the hit, over the hours of the fault."""
    rows = connection.execute(
        "SELECT customer_key = ANY(%s), avg(network), avg(device), avg(app), avg(service) FROM cem.user_hour "
        "WHERE start >= date_trunc('hour', %s::timestamptz) AND start < %s GROUP BY 1",
        [list(hit), start, end],
    ).fetchall()
    means = {row[0]: row[1:] for row in rows}
    return {name: float(means[False][at] - means[True][at]) for at, name in enumerate(DIMENSIONS)}
