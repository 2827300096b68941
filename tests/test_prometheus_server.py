"""The HTTP API of Prometheus: recorded answers, errors by name, back-filling in chunks that are in once."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from collectors.prometheus import Access, ServerTarget, backfill, catch_up
from collectors.prometheus.fetching import Answer
from collectors.prometheus.selectors import with_name
from collectors.prometheus.server import Server, Steps, contents, series
from records.errors import ConfigError, DataError, TransientError
from store import scrapes
from store.connection import Connection
from store.intake import Intake
from tests.exporter import Exporter, exporting

DATA = Path(__file__).parent / "data" / "prometheus_api"
BEGIN = datetime(2026, 11, 22, 10, 44, 25, tzinfo=UTC)  # 1795344265
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

Series = dict[str, list[tuple[float, float, float]]]


def recorded(name: str) -> bytes:
    return (DATA / name).read_bytes()


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with exporting() as served:
        served.content_type = "application/json"
        yield served


def target(exporter: Exporter, **given: Any) -> ServerTarget:
    access = Access(url=f"http://127.0.0.1:{exporter.port}", timeout_s=5, attempts=1)
    return ServerTarget(**{"name": "prometheus", "access": access, "up": "", "match": ("{job='a'}",), **given})


def range_of(name: str, steps: Steps) -> list[tuple[dict[str, str], list[float]]]:
    body = contents(Answer(status=200, content_type="application/json", body=recorded(name)), "/", "")
    found = [series(one, steps) for one in body["data"]["result"]]
    return [(dict(one.labels), one.value.tolist()) for one in found]


def test_recorded_ranges_have_their_values_at_their_times() -> None:
    ((labels, values),) = range_of("query_range_amf_ran_ue.json", Steps(start=BEGIN, step_s=5, count=12))
    assert labels == {"__name__": "ran_ue", "instance": "127.0.0.1:29181", "job": "open5gs-amfd"}
    assert values == [0.0] * 12
    memory = range_of("query_range_mem_by_job.json", Steps(start=BEGIN + timedelta(seconds=10), step_s=15, count=4))
    assert [values for _, values in memory][:3] == [[17182720.0] * 4, [18964480.0] * 4, [40980480.0] * 4]
    assert memory[3][1][:2] == [25284608.0] * 2
    assert np.isnan(memory[3][1][2:]).all()


def test_a_recorded_outage_becomes_an_outage_and_no_rows(
    exporter: Exporter, intake: Intake, connection: Connection
) -> None:
    exporter.body = recorded("query_range_up_with_outage.json")
    asked = target(exporter, match=(), up="up", step_s=5, chunk_points=11)
    (chunk,) = list(backfill(asked, at(intake, BEGIN), BEGIN, BEGIN + timedelta(seconds=55)))
    assert (chunk.outages, chunk.tally.rows_stored) == (1, 0)
    (outage,) = scrapes.outages(connection, "prometheus")
    assert outage.target == "127.0.0.1:29182"
    assert (outage.started_at, outage.ended_at) == (
        datetime(2026, 11, 22, 10, 45, 5, tzinfo=UTC),
        datetime(2026, 11, 22, 10, 45, 25, tzinfo=UTC),
    )


def at(intake: Intake, now: datetime) -> Intake:
    intake.clock_now = now + timedelta(days=1)
    return intake


@pytest.mark.parametrize("name", ["query_scalar.json", "query_vector_up.json", "empty_result.json"])
def test_an_answer_that_is_no_matrix_is_named(exporter: Exporter, name: str) -> None:
    exporter.body = recorded(name)
    server = Server(target=target(exporter))
    with pytest.raises(DataError, match="a matrix was asked for"):
        server.range("up", Steps(start=BEGIN, step_s=5, count=2))
    server.close()


def test_recorded_metadata_tells_counters_from_gauges(exporter: Exporter) -> None:
    exporter.body = recorded("metadata.json")
    server = Server(target=target(exporter))
    names = ["ran_ue", "fivegs_amffunction_rm_reginitreq", "process_cpu_seconds_total", "unknown_total", "unknown"]
    assert server.counters(names) == {"fivegs_amffunction_rm_reginitreq", "unknown_total"}
    exporter.body = recorded("label_names.json")
    assert "ran_ue" in server.names("{job='a'}", Steps(start=BEGIN, step_s=5, count=2))
    server.close()


@pytest.mark.parametrize(
    ("status", "body", "error", "message"),
    [
        (400, None, ConfigError, "400 bad_data.*unclosed left parenthesis"),
        (401, b"", ConfigError, "header_files"),
        (404, b"not found", ConfigError, "without /api/v1"),
        (422, b'{"status":"error","errorType":"execution","error":"too many samples"}', DataError, "too many samples"),
        (503, b'{"status":"error","errorType":"timeout","error":"query timed out"}', TransientError, "timed out"),
        (500, b"<html>", TransientError, "answered 500"),
        (200, b"<html>", DataError, "not that of a Prometheus server"),
        (200, b'{"status":"success"}', DataError, "not that of a Prometheus server"),
        (200, b"[" * 100_000, DataError, "not that of a Prometheus server"),
    ],
)
def test_errors_are_named(status: int, body: bytes | None, error: type[Exception], message: str) -> None:
    body = recorded("error_bad_query_400.json") if body is None else body
    with pytest.raises(error, match=message):
        contents(Answer(status=status, content_type="application/json", body=body), "/api/v1/query_range", "sum(")


@pytest.mark.parametrize(
    "wrong",
    [7, {}, {"metric": []}, {"metric": {}, "values": [[1]]}, {"metric": {}, "values": [[0, "1"]]},
     {"metric": {}, "values": [["x", "1"]]}, {"metric": {}, "values": [[1e400, "1"]]}],
)  # fmt: skip
def test_a_series_of_another_form_is_named(wrong: object) -> None:
    with pytest.raises(DataError):
        series(wrong, Steps(start=BEGIN, step_s=5, count=2))


def test_more_points_than_a_server_gives_are_not_asked_for() -> None:
    assert Steps(start=BEGIN, step_s=1, count=11_000).count == 11_000
    with pytest.raises(ConfigError, match="11001 points"):
        Steps(start=BEGIN, step_s=1, count=11_001)


def test_a_name_is_put_into_a_selector() -> None:
    assert with_name('{job="a"}', "ran_ue") == '{__name__="ran_ue",job="a"}'
    assert with_name('{__name__=~"ran_.*", job="a"}', "ran_ue") == '{__name__="ran_ue",job="a"}'
    assert with_name('{__name__=~"ran_.*"}', "ran_ue") == '{__name__="ran_ue"}'
    assert with_name('ran_ue{job="a"}', "ran_ue") == 'ran_ue{job="a"}'
    with pytest.raises(ConfigError, match="no series selector"):
        with_name("sum(ran_ue)", "ran_ue")


def answering(known: Callable[[str, float], float | None], calls: list[dict[str, str]]) -> Callable[[str], Any]:
    """A server of one counter `c` and one gauge `g`, sampled at every step; `known(name, t)` None: no sample."""

    def answer(path: str) -> tuple[int, bytes]:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        calls.append({"path": parts.path, **query})
        if parts.path.endswith("/values"):
            return ok(["c", "g"])
        if parts.path.endswith("/metadata"):
            return ok({"c": [{"type": "counter"}], "g": [{"type": "gauge"}]})
        text = query["query"]
        name = "c" if '"c"' in text else "g"
        start, end, step = (int(query[key]) for key in ("start", "end", "step"))
        values = [(moment, known(name, moment)) for moment in range(start, end + 1, step)]
        kept = [(moment, value) for moment, value in values if value is not None]
        if text.startswith("timestamp"):
            kept = [(moment, moment) for moment, _ in kept]
        if text.startswith("resets"):
            kept = [(moment, 0) for moment, _ in kept]
        metric = {"instance": "amf-1", "job": "a"} | ({} if "(" in text else {"__name__": name})
        pairs = [[moment, str(value)] for moment, value in kept]
        return ok({"resultType": "matrix", "result": [{"metric": metric, "values": pairs}]}, ["some shards were away"])

    return answer


def ok(data: object, warnings: list[str] | None = None) -> tuple[int, bytes]:
    return 200, json.dumps({"status": "success", "data": data, "warnings": warnings or []}).encode()


def values_of(connection: Connection) -> list[tuple[str, int, int, float | None]]:
    query = (
        "SELECT c.value, extract(epoch FROM time - %s)::integer, period_s, t.value FROM cem.counter t "
        "JOIN cem.label c ON c.label_id = counter ORDER BY c.value, time"
    )
    return list(connection.execute(query, [NOON]).fetchall())  # type: ignore[arg-type]  # of a dict


def test_history_is_read_in_chunks_and_goes_on_where_it_stopped(
    exporter: Exporter, intake: Intake, connection: Connection
) -> None:
    calls: list[dict[str, str]] = []
    noon = int(NOON.timestamp())
    exporter.answer = answering(lambda name, t: (t - noon) // 60 * 10 + 1000 if name == "c" else t - noon, calls)
    asked = target(exporter, chunk_points=5)
    at(intake, NOON)
    walk = backfill(asked, intake, NOON, NOON + timedelta(minutes=12))
    first = next(walk)
    walk.close()
    assert (first.start, first.end) == (NOON, NOON + timedelta(minutes=5))
    before = len(calls)
    chunks = list(backfill(asked, intake, NOON, NOON + timedelta(minutes=12)))
    assert [chunk.already_loaded for chunk in chunks] == [True, False, False]
    assert all(int(call["end"]) > noon + 300 for call in calls[before:] if "end" in call)
    assert [row for row in values_of(connection) if row[0] == "c"] == [("c", 60 * n, 60, 10.0) for n in range(1, 13)]
    assert [row for row in values_of(connection) if row[0] == "g"] == [("g", 60 * n, 60, 60 * n) for n in range(1, 13)]
    assert first.warnings == ("some shards were away",)
    warned = connection.execute("SELECT code, reason FROM cem.quarantine").fetchall()
    assert set(warned) == {("partial", "the server warned: some shards were away")}


def test_steps_without_samples_have_no_rows_and_nan_has_no_value(
    exporter: Exporter, intake: Intake, connection: Connection
) -> None:
    noon = int(NOON.timestamp())
    told = {0: 5, 1: 6, 3: 9, 4: float("nan"), 5: 11, 6: 2}
    exporter.answer = answering(lambda name, t: told.get((t - noon) // 60), [])
    (chunk,) = backfill(target(exporter, chunk_points=10), at(intake, NOON), NOON, NOON + timedelta(minutes=7))
    assert [row for row in values_of(connection) if row[0] == "c"] == [
        ("c", 60, 60, 1),
        ("c", 180, 120, 3),
        ("c", 240, 60, None),
        ("c", 360, 60, 2),
    ]
    assert [row[1] for row in values_of(connection) if row[0] == "g"] == [60, 180, 240, 300, 360]
    assert chunk.resets == 1


def test_catching_up_goes_on_from_the_last_time_and_notes_when_the_server_is_away(
    exporter: Exporter, intake: Intake, connection: Connection
) -> None:
    noon = int(NOON.timestamp())
    exporter.answer = answering(lambda name, t: (t - noon) // 60 + 100, [])
    asked = target(exporter, history_s=300, delay_s=30)
    (first,) = catch_up(asked, intake, NOON)
    assert (first.start, first.end) == (NOON - timedelta(minutes=6), NOON - timedelta(minutes=1))
    assert list(catch_up(asked, intake, NOON + timedelta(seconds=20))) == []
    exporter.answer = lambda path: (503, b"")
    with pytest.raises(TransientError):
        list(catch_up(asked, intake, NOON + timedelta(minutes=2)))
    assert scrapes.outages(connection, "prometheus")[0].ended_at is None
    exporter.answer = answering(lambda name, t: (t - noon) // 60 + 100, [])
    second, third = catch_up(asked, intake, NOON + timedelta(minutes=3))  # a chunk ends at noon
    assert (second.start, second.end, third.start) == (first.end, NOON, NOON)
    assert scrapes.outages(connection, "prometheus")[0].ended_at == NOON + timedelta(minutes=3)
    assert sum(row[3] or 0 for row in values_of(connection) if row[0] == "c") == 8
