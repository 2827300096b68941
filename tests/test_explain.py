"""Explanations over the demo city: each fault's sessions blame its segment, in words and figures, and it is audited."""

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from cemaphore.cli import application
from cemaphore.demo import TruthEntry
from cemaphore.explaining import Explanation, explain
from cemaphore.pipeline.demarcating import session_demarcation
from cemaphore.pipeline.frame import FrameContext, session_frame
from qoe.demarcation import mean_demarcation
from records.windows import HOUR
from store.connection import connect
from store.labels import Labels
from tests.city import City

SEGMENT = {"F01": "radio", "F02": "radio", "F03": "radio", "F04": "transport_core", "F05": "server_app",
           "F06": "server_app", "F07": "device", "F08": "device"}  # fmt: skip
COLUMN = {"site_id": "site", "cell_id": "cell"}


@pytest.mark.parametrize("fault", SEGMENT)
def test_the_sessions_that_a_fault_hit_blame_its_segment(city: City, fault: str) -> None:
    """Of a backhaul that is slow for a whole site a probe sees what it sees of its radio: F02 is radio's."""
    entry = _fault(city, fault)
    means = []
    with connect(city.dsn, autocommit=True) as connection:
        context, labels = FrameContext.load(connection), Labels(connection)
        hour = entry.started_at.replace(minute=0) + HOUR
        while hour + HOUR <= entry.ended_at:
            frame = session_frame(connection, hour, hour + HOUR, context=context)
            hit = np.ones(frame.rows, bool)
            for column, values in entry.selector.items():
                name = COLUMN.get(column, column)
                hit &= np.isin(frame.attributes[name], [labels.lookup(name, value) for value in values])
            means.append(mean_demarcation(session_demarcation(frame, context), hit))
            hour += HOUR
    for mean in means:
        assert mean is not None
        assert max(mean.points, key=lambda name: mean.points[name]) == SEGMENT[fault], mean
        assert mean.shares[SEGMENT[fault]] > 0.4


def _fault(city: City, fault: str) -> TruthEntry:
    return next(entry for entry in city.truth.entries if entry.id.startswith(fault))


def _hurt(city: City, fault: str) -> int:
    """A customer with as many bad hours as any while a fault lasted, of those whom its clusters name."""
    entry = _fault(city, fault)
    with connect(city.dsn) as connection:
        row = connection.execute(
            "SELECT u.customer_key FROM cem.cluster_user u JOIN cem.cluster c USING (cluster_id) "
            "WHERE c.started_at < %s AND coalesce(c.ended_at, 'infinity') > %s ORDER BY u.bad DESC, 1 LIMIT 1",
            [entry.ended_at, entry.started_at],
        ).fetchone()
    assert row is not None
    return int(row[0])


def _explained(city: City, fault: str) -> Explanation:
    entry = _fault(city, fault)
    with connect(city.dsn, autocommit=True) as connection:
        return explain(connection, city.settings, _hurt(city, fault), at=entry.started_at)


def test_points_sum_to_what_each_session_lost_both_ways(city: City) -> None:
    found = _explained(city, "F02")
    assert found.sessions
    for one in found.sessions:
        assert sum(one.points.values()) == pytest.approx(100 - one.quality, abs=1e-9)
        if one.usual is not None:
            assert sum(one.usual.values()) == pytest.approx(100 - one.quality, abs=1e-9)
    assert any(one.usual is not None for one in found.sessions)
    assert found.mean is not None
    assert sum(found.mean.values()) == pytest.approx(
        sum(100 - one.quality for one in found.sessions) / len(found.sessions)
    )


def test_where_the_records_are_gone_the_stored_contributions_are_left(city: City) -> None:
    with connect(city.dsn) as connection:
        row = connection.execute("SELECT customer_key, start FROM cem.user_day ORDER BY overall LIMIT 1").fetchone()
        assert row is not None
        connection.execute("DELETE FROM cem.session WHERE start_time >= %s", [row[1]])
        found = explain(connection, city.settings, row[0], at=row[1])
        connection.rollback()
    assert found.sessions == ()
    assert found.reasons
    assert all(reason.code.startswith("contribution.") for reason in found.reasons)


def test_a_customer_never_seen_has_nothing_to_explain(city: City) -> None:
    with connect(city.dsn) as connection:
        found = explain(connection, city.settings, 1)
    assert found.start is None
    assert found.sessions == found.reasons == ()


def test_the_command_speaks_both_languages_gives_json_and_is_audited(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CEMAPHORE_DATABASE_URL", city.dsn)
    key = _hurt(city, "F02")
    run = CliRunner()
    asked = run.invoke(application(), ["explain", str(key), "--json", "--lang", "zh"])
    assert asked.exit_code == 0, asked.output
    shape = json.loads(asked.stdout)
    assert shape["customer_key"] == key
    one = shape["sessions"][0]
    assert {"session_id", "start", "demarcation", "usual", "dimensions", "reasons", "site"} <= set(one)
    assert all(re.search("[一-鿿]", reason["text"]) for session in shape["sessions"] for reason in session["reasons"])
    only = run.invoke(application(), ["explain", str(key), "--session", one["session_id"], "--json"])
    assert [session["session_id"] for session in json.loads(only.stdout)["sessions"]] == [one["session_id"]]
    plain = run.invoke(application(), ["explain", str(key)])
    assert plain.exit_code == 0, plain.output
    assert run.invoke(application(), ["explain"]).exit_code == 2
    with connect(city.dsn) as connection:
        looks = connection.execute(
            "SELECT count(*) FROM cem.audit WHERE action = 'explain a customer' AND subject_token = %s", [key]
        ).fetchone()
    assert looks == (3,)
