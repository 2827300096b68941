"""Complaints of the demo city: read, linked, explained by command, corrected, and shown by role."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from cemaphore import cli
from store import complaint_views, complaints
from store.connection import Connection, connect
from tests.city import City

Run = Callable[..., Any]


@pytest.fixture
def opened_city(city: City) -> Iterator[Connection]:
    with connect(city.dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def run(city: City, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command over the city; returns what it prints as JSON, or its exit code where that is not 0."""
    monkeypatch.setenv("CEMAPHORE_DATABASE_URL", city.dsn)
    monkeypatch.setenv("CEMAPHORE_HOME", str(city.settings.home))
    monkeypatch.setenv("CEMAPHORE_TIME_ZONE", city.settings.time_zone)

    def call(*words: str) -> Any:
        done = CliRunner().invoke(cli.application(), [*words, "--json"])
        return json.loads(done.stdout) if done.exit_code == 0 else done.exit_code

    return call


def _linked(connection: Connection) -> str:
    row = connection.execute(
        "SELECT complaint_id FROM cem.complaint_link WHERE probability > 0.9 ORDER BY complaint_id LIMIT 1"
    ).fetchone()
    assert row is not None
    return str(row[0])


def test_every_complaint_has_a_class_and_a_share_that_nothing_explains(opened_city: Connection) -> None:
    rows = opened_city.execute(
        "SELECT r.topic, r.confidence, r.unexplained, coalesce((SELECT sum(probability) FROM api.cluster_complaints l "
        "WHERE (l.source, l.complaint_id) = (r.source, r.complaint_id)), 0) FROM api.complaint_readings r"
    ).fetchall()
    assert len(rows) > 200
    for topic, confidence, unexplained, linked in rows:
        assert topic
        assert 0 < confidence <= 1
        assert linked + unexplained == pytest.approx(1, abs=0.01)  # links below 0.001 are not stored


def test_links_are_right_and_complete(city: City, opened_city: Connection) -> None:
    """At 0.5 of all that any fault caused, found or not."""
    cause = {name: each.id for each in city.truth.entries for name in each.complaint_ids}
    rows = opened_city.execute("SELECT complaint_id FROM cem.complaint_link WHERE probability >= 0.5").fetchall()
    right = [name for (name,) in rows if name in cause]
    assert len(right) >= 0.8 * len(rows)
    assert len(right) >= 0.7 * len(cause)


def test_one_complaint_with_its_causes_and_what_was_before(run: Run, opened_city: Connection) -> None:
    name = _linked(opened_city)
    found = run("complaint", name)
    assert found["complaint_id"] == name
    (best, *_) = found["links"]
    assert best["probability"] > 0.9
    codes = [reason["code"] for reason in best["reasons"]]
    assert codes[:3] == ["same_customer", "relative_risk", "topic"]
    assert best["reasons"][1]["relative_risk"] > 10
    assert sum(each["probability"] for each in found["links"]) + found["unexplained"] == pytest.approx(1, abs=0.01)
    before = found["before"]
    assert best["cluster_id"] in {each["cluster_id"] for each in before["clusters"]}
    assert 1 <= len(before["days"]) <= 7
    assert all(session["q"] < 50 for session in before["sessions"])
    assert all(session["start_time"] < found["created_at"] for session in before["sessions"])
    assert run("complaint", "nosuch") == 1


def test_what_nothing_explains_stays_visible(run: Run) -> None:
    rows = run("complaints", "list", "--unexplained", "--limit", "500")
    assert rows
    assert all((each["probability"] or 0) < 0.5 for each in rows)
    everything = run("complaints", "list", "--limit", "1000")
    linked = {each["complaint_id"] for each in everything if (each["probability"] or 0) >= 0.5}
    assert not linked & {each["complaint_id"] for each in rows}
    assert len(linked) + len(rows) == len(everything)


def test_a_wave_of_bills_is_a_surge_and_no_cluster(run: Run, opened_city: Connection) -> None:
    surges = run("complaints", "surges")
    bills = [each for each in surges if each["selector"].get("topic") == ["billing"]]
    assert len(bills) == 1
    assert bills[0]["cluster_id"] is None
    assert bills[0]["complaints"] > 3 * bills[0]["expected"]
    kept = opened_city.execute("SELECT selector->'topic' FROM cem.cluster WHERE over_kind = 'complaints'").fetchall()
    assert ["billing"] not in [topic for (topic,) in kept]


def test_risks_say_what_a_cluster_does_to_complaining(run: Run) -> None:
    hotline = next(
        each
        for each in run("clusters", "--from", "2026-03-01T00:00:00Z")
        if each["selector"] == {"channel": ["hotline"]}
    )
    found = run("complaints", "risks", hotline["id"])
    whole, *topics = found["risks"]
    assert whole["topic"] == ""
    waiting = next(each for each in topics if each["topic"] == "waiting")
    assert waiting["lo"] <= waiting["relative_risk"] <= waiting["hi"]
    assert waiting["relative_risk"] > 3
    assert 0 < found["share"] < 1
    assert found["after_detection"] <= found["linked"] <= len(hotline["complaints"])
    assert 0 < found["median_lead_h"] < 48


def test_the_silent_are_listed_by_their_risk_and_never_complained(run: Run, opened_city: Connection) -> None:
    clusters = run("clusters", "--from", "2026-03-01T00:00:00Z")
    most = max(clusters, key=lambda each: each["silent_users"])
    rows = run("complaints", "silent", most["id"], "--limit", "10000")
    assert len(rows) == most["silent_users"]
    assert [each["risk"] for each in rows] == sorted((each["risk"] for each in rows), reverse=True)
    spoke = opened_city.execute(
        "SELECT DISTINCT customer_key FROM api.complaints WHERE created_at > %s AND created_at <= %s",
        [most["started_at"], most["ended_at"]],
    ).fetchall()
    assert not {key for (key,) in spoke} & {each["customer_key"] for each in rows}


def test_only_who_works_with_customers_sees_the_silent(city: City, opened_city: Connection) -> None:
    name = _linked(opened_city)
    with connect(city.dsn, role="cem_operations", autocommit=True) as operations:
        (found,) = complaint_views.complaint(operations, name)
        assert found["text"] is None
        assert found["customer_key"] is None
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            complaint_views.silent(operations, "any", 1)
    with connect(city.dsn, role="cem_care", autocommit=True) as care:
        assert complaint_views.complaint(care, name)[0]["text"]
        complaint_views.silent(care, "any", 1)


def test_a_correction_counts_at_once_and_is_learned_from(run: Run, opened_city: Connection) -> None:
    name = _linked(opened_city)
    before = run("complaint", name)
    try:
        assert run("complaints", "label", name, "nosuch") == 2
        said = run("complaints", "label", name, "roaming", "--as", "tester")
        assert (said["before"], said["topic"]) == (before["topic"], "roaming")
        after = run("complaint", name)
        assert (after["topic"], after["confidence"], after["classifier"]) == ("roaming", 1, "person")
        assert [(text, topic) for _, text, topic in complaints.labelled(opened_city, 10)] == [
            (before["text"], "roaming")
        ]
    finally:
        opened_city.execute("DELETE FROM cem.complaint_label")
        opened_city.execute(
            "UPDATE cem.complaint_reading SET topic = %s, confidence = %s, classifier = %s WHERE complaint_id = %s",
            [before["topic"], before["confidence"], before["classifier"], name],
        )
