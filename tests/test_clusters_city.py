"""Detection on the demo city: its truth, its commands, and that looking twice changes nothing."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from cemaphore import cli
from cemaphore.pipeline.detection import detect
from records.errors import TransientError
from store import cluster_life, detections
from store import clusters as stored
from store.connection import Connection, connect
from store.locks import Lock
from tests.city import City

FIELDS = [
    *("id", "over", "dimension", "domain", "selector", "started_at", "detected_at", "ended_at", "users", "sessions"),
    *("bad_ratio", "expected_ratio", "p_value", "q_value", "severity", "evidence", "complaints", "silent_users"),
    *("recommendation", "recommendation_zh", "started_between", "users_hurt", "sessions_hurt", "value_tiers"),
    *("certainty", "life", "verdict"),
]


@pytest.fixture
def opened_city(city: City) -> Iterator[Connection]:
    with connect(city.dsn, autocommit=True) as connection:
        yield connection


def _all(connection: Connection) -> list[stored.ClusterRow]:
    return stored.since(connection, datetime(1970, 1, 1, tzinfo=UTC))


def _state(connection: Connection) -> dict[str, object]:
    tables = {
        "cluster": "SELECT to_jsonb(t) - 'updated_at' FROM cem.cluster t ORDER BY cluster_id",
        "windows": "SELECT to_jsonb(t) FROM cem.cluster_window t ORDER BY cluster_id, start",
        "users": "SELECT to_jsonb(t) FROM cem.cluster_user t ORDER BY cluster_id, customer_key",
        "changes": "SELECT to_jsonb(t) FROM cem.cluster_change t ORDER BY cluster_id, number",
        "tiers": "SELECT to_jsonb(t) FROM cem.cluster_tier t ORDER BY cluster_id, tier",
        "links": "SELECT to_jsonb(t) FROM cem.complaint_link t ORDER BY cluster_id, source_id, complaint_id",
        "readings": "SELECT to_jsonb(t) FROM cem.complaint_reading t ORDER BY source_id, complaint_id",
        "risks": "SELECT to_jsonb(t) FROM cem.cluster_risk t ORDER BY cluster_id, topic",
        "silent": "SELECT to_jsonb(t) FROM cem.silent_sufferer t ORDER BY cluster_id, customer_key",
        "surges": "SELECT to_jsonb(t) FROM cem.complaint_surge t ORDER BY surge_id",
        "detection": "SELECT to_jsonb(t) - 'detected_at' FROM cem.detection t ORDER BY over_kind, start",
    }
    return {name: [row[0] for row in connection.execute(query)] for name, query in tables.items()}


def test_each_single_attribute_fault_of_severity_has_its_cluster(city: City, opened_city: Connection) -> None:
    rows = _all(opened_city)
    faults = [each for each in city.truth.entries if each.must_flag and len(each.selector) == 1]
    assert len(faults) >= 6
    for fault in faults:
        (names,) = fault.selector.values()
        sites = {name.rsplit("-", 1)[0] for name in names} if "cell_id" in fault.selector else set()
        hits = [
            row
            for row in rows
            if abs(row.started_at - fault.started_at) <= timedelta(minutes=30)
            and (
                set(row.selector.get(next(iter(fault.selector)), [])) == set(names)
                or (sites and set(row.selector.get("site_id", [])) == sites)
            )
        ]
        assert len(hits) == 1, fault.id
        assert hits[0].domain == fault.domain, fault.id
        assert hits[0].dimension == fault.dimension, fault.id
        assert hits[0].detected_at - fault.started_at <= timedelta(hours=1), fault.id
        assert hits[0].ended_at is not None
        assert abs(hits[0].ended_at - fault.ended_at) <= timedelta(minutes=30), fault.id
        assert hits[0].severity == pytest.approx(fault.severity, abs=0.12), fault.id


def test_every_cluster_is_a_fault_and_none_is_what_must_not_be_flagged(city: City, opened_city: Connection) -> None:
    faults = [each for each in city.truth.entries if each.must_flag]
    for row in _all(opened_city):
        if row.over_kind == "complaints":  # of a fault that no session showed: about the same dimension, at its time
            hours = timedelta(hours=6)
            assert any(
                each.dimension == row.dimension and each.started_at <= row.started_at < each.ended_at + hours
                for each in city.truth.entries
                if each.severity > 0
            ), row
            continue
        near = [each for each in faults if each.started_at - timedelta(minutes=30) <= row.started_at < each.ended_at]
        assert any(each.over == row.over_kind for each in near), row


def test_looking_again_leaves_the_same_rows(city: City, opened_city: Connection) -> None:
    before = _state(opened_city)
    assert detect(city.dsn, city.settings).windows == 0
    again = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)
    run = detect(city.dsn, city.settings, start=again)
    assert run.windows > 96
    assert run.opened == 0
    assert _state(opened_city) == before


def test_a_window_scored_again_is_looked_at_again(city: City, opened_city: Connection) -> None:
    before = _state(opened_city)
    start = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
    detections.look_again(opened_city, [start + timedelta(minutes=15 * part) for part in range(4)])
    assert detect(city.dsn, city.settings).windows > 4
    assert _state(opened_city) == before


def test_the_newest_windows_scored_again_leave_no_row_twice(city: City, opened_city: Connection) -> None:
    """Their rows were once forgotten: detection took them for new ones and stored a living cluster's windows twice."""
    before = _state(opened_city)
    newest = detections.newest(opened_city)
    assert newest is not None
    living = max(row.started_at for row in _all(opened_city))
    detections.look_again(opened_city, [living + timedelta(minutes=30), newest])
    assert detect(city.dsn, city.settings).windows > 1
    assert _state(opened_city) == before


def test_what_is_scored_while_detection_reads_is_looked_at_afterwards(opened_city: Connection) -> None:
    """A window scored between detection's reading and its noting was once taken as looked at."""
    newest = detections.newest(opened_city)
    assert newest is not None
    detections.look_again(opened_city, [newest])
    read = detections.marks(opened_city)
    detections.look_again(opened_city, [newest])
    detections.unmark(opened_city, list(read))
    until = newest + timedelta(days=1)
    assert detections.waiting(opened_city, until) == [newest]
    detections.unmark(opened_city, list(detections.marks(opened_city)))
    assert detections.waiting(opened_city, until) == []


def test_two_detections_do_not_run_at_once(city: City, opened_city: Connection) -> None:
    opened_city.execute("SELECT pg_advisory_lock(%s)", [Lock.DETECTION])
    with pytest.raises(TransientError, match="another detection"):
        detect(city.dsn, city.settings)


def test_complaints_of_a_hotline_fault_are_linked_to_it(city: City, opened_city: Connection) -> None:
    fault = next(each for each in city.truth.entries if each.selector.get("channel") == ("hotline",))
    row = next(each for each in _all(opened_city) if each.selector.get("channel") == ["hotline"])
    likely = {name for name, chance in stored.links(opened_city, [row.cluster_id])[row.cluster_id] if chance >= 0.5}
    assert len(likely & set(fault.complaint_ids)) >= 0.7 * len(fault.complaint_ids)
    assert len(likely & set(fault.complaint_ids)) >= 0.7 * len(likely)
    assert row.silent_users > 0


def test_probabilities_of_a_complaint_never_sum_above_one(opened_city: Connection) -> None:
    sums = opened_city.execute("SELECT sum(probability) FROM cem.complaint_link GROUP BY source_id, complaint_id")
    assert all(0 < total < 1 for (total,) in sums)


def test_the_commands_print_clusters_as_documented(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CEMAPHORE_DATABASE_URL", city.dsn)
    monkeypatch.setenv("CEMAPHORE_HOME", str(city.settings.home))
    monkeypatch.setenv("CEMAPHORE_TIME_ZONE", city.settings.time_zone)
    call = CliRunner()
    listed = call.invoke(cli.application(), ["clusters", "--from", "2026-03-01T00:00:00Z", "--json"])
    assert listed.exit_code == 0, listed.output
    shapes = json.loads(listed.output)
    assert shapes
    assert all(list(shape) == FIELDS for shape in shapes)
    one = call.invoke(cli.application(), ["cluster", shapes[0]["id"], "--json"])
    assert json.loads(one.output) == shapes[0]
    at = call.invoke(cli.application(), ["clusters", "--at", shapes[0]["detected_at"], "--json"])
    assert shapes[0]["id"] in {shape["id"] for shape in json.loads(at.output)}
    assert json.loads(call.invoke(cli.application(), ["clusters", "--json"]).output) == []
    assert shapes[0]["id"] in call.invoke(cli.application(), ["cluster", shapes[0]["id"]]).output
    assert call.invoke(cli.application(), ["cluster", "nosuch"]).exit_code == 1
    looked = call.invoke(cli.application(), ["detect", "--json"])
    assert json.loads(looked.output)["windows"] == 0


def test_a_cluster_shows_its_start_its_life_and_whom_it_hurts_by_value(city: City, opened_city: Connection) -> None:
    rows = [row for row in _all(opened_city) if row.over_kind != "complaints"]  # these have no windows to follow
    turns = cluster_life.changes(opened_city, [row.cluster_id for row in rows])
    tiers = cluster_life.tiers(opened_city, [row.cluster_id for row in rows])
    for row in rows:
        assert row.onset_lo is not None
        assert row.onset_hi is not None
        assert row.onset_lo <= row.started_at <= row.onset_hi
        assert next(kind for _, kind, _ in turns[row.cluster_id]) in ("opened", "split_from")
        assert sum(users for _, users, _ in tiers[row.cluster_id]) == row.users
        assert sum(hurt for *_, hurt in tiers[row.cluster_id]) == row.users_hurt <= row.users
        assert row.sessions_hurt == round(row.bad_ratio * row.sessions)
        assert row.certainty is not None
    kpis = [each for row in rows for each in row.evidence if each["kind"] == "kpi" and "site_id" in row.selector]
    assert any(each["timely"] and abs(each["effect"]) >= 1 for each in kpis)


def test_people_confirm_and_correct_and_the_answers_are_counted(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CEMAPHORE_DATABASE_URL", city.dsn)
    monkeypatch.setenv("CEMAPHORE_HOME", str(city.settings.home))
    monkeypatch.setenv("CEMAPHORE_TIME_ZONE", city.settings.time_zone)
    app, call = cli.application(), CliRunner()
    with connect(city.dsn, autocommit=True) as connection:
        one, other, *_ = _all(connection)
    assert call.invoke(app, ["cluster", one.cluster_id, "--confirm", "--actor", "li"]).exit_code == 0
    cause = "fibre cut, called 13812345678"
    given = ["--correct", "transport", "--cause", cause, "--actor", "wang", "--json"]
    shown = json.loads(call.invoke(app, ["cluster", other.cluster_id, *given]).output)
    assert shown["verdict"]["domain"] == "transport"
    assert "13812345678" not in json.dumps(shown)
    assert "transport" in shown["recommendation"]
    assert shown["domain"] == other.domain
    found = json.loads(call.invoke(app, ["clusters", "--precision", "--json"]).output)
    assert found[0]["domain"] == "all"
    assert found[0]["answers"] == 2
    assert found[0]["confirmed"] == 1 + (other.domain == "transport")
    assert call.invoke(app, ["cluster", one.cluster_id, "--confirm"]).exit_code != 0
    assert call.invoke(app, ["cluster", one.cluster_id, "--correct", "weather", "--actor", "li"]).exit_code != 0
    assert call.invoke(app, ["cluster", one.cluster_id, "--cause", "x"]).exit_code == 2
    with connect(city.dsn, autocommit=True) as connection:
        said = connection.execute("SELECT count(*) FROM cem.audit WHERE action = 'cluster_verdict'").fetchone()
        assert said == (2,)
        connection.execute("DELETE FROM cem.cluster_verdict")
