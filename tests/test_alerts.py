"""Alerts through the database: what fires and ends, what is part of what, what people do, and what is told."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.rulefile import read_rules
from alerts.rules import RuleBook
from cemaphore.pipeline.alert_replay import replay
from cemaphore.pipeline.alerting import alert
from cemaphore.settings import Settings, load_settings
from records.errors import ConfigError
from store import alert_acts, alerts, audit
from store.connection import Connection
from store.labels import Labels
from tests.alert_series import ALL, BOOK, NOON, QUARTER, begin, calm, close, write


@pytest.fixture
def settings(tmp_path: Any, database: str) -> Settings:
    return load_settings(home=tmp_path, database_url=database)


def _series(connection: Connection, dsn: str, settings: Settings, values: list[float | None], start: int = 0) -> None:
    for place, value in enumerate(values, start):
        write(connection, NOON + place * QUARTER, {ALL: value})
        close(connection, dsn, settings, NOON + place * QUARTER)


def _told(connection: Connection) -> list[dict[str, Any]]:
    return [row[0] for row in connection.execute("SELECT body FROM cem.delivery ORDER BY delivery_id")]


def _states(connection: Connection, subject: str = "all") -> list[tuple[str, bool]]:
    return connection.execute(
        "SELECT c.state, c.told FROM cem.alert_change c JOIN cem.alert USING (alert_id) WHERE subject = %s "
        "ORDER BY change_id",
        [subject],
    ).fetchall()


def test_a_drop_fires_once_with_all_that_is_known_and_resolves_once(
    connection: Connection, database: str, settings: Settings
) -> None:
    calm(connection, {ALL: 80.0})
    begin(connection, database, settings)
    _series(connection, database, settings, [81, 70, 69, 70, 68, 70, 80, 80, 81, 81])
    fired, resolved = _told(connection)
    assert (fired["state"], resolved["state"]) == ("firing", "resolved")
    assert fired["started_at"] == (NOON + QUARTER).isoformat()
    assert fired["at"] == (NOON + 3 * QUARTER).isoformat()
    assert fired["drop"] == pytest.approx(10.5)
    assert fired["expected"] == pytest.approx(80.0)
    assert fired["lo"] < fired["value"] < fired["hi"]
    assert (fired["subject"], fired["rule"], fired["horizon"]) == ("all", "drop", "fast")
    assert resolved["resolved_at"] == (NOON + 9 * QUARTER).isoformat()
    assert fired["key"] != resolved["key"]
    assert _states(connection) == [("pending", False), ("firing", True), ("resolved", True)]


def test_a_short_dip_is_told_to_nobody(connection: Connection, database: str, settings: Settings) -> None:
    calm(connection, {ALL: 80.0})
    begin(connection, database, settings)
    _series(connection, database, settings, [81, 60, 81, 81, 81, 81])
    assert _told(connection) == []
    assert _states(connection) == [("pending", False), ("resolved", False)]


def test_what_gets_graver_is_told_again_and_no_other_window_is(
    connection: Connection, database: str, settings: Settings
) -> None:
    calm(connection, {ALL: 80.0})
    begin(connection, database, settings)
    _series(connection, database, settings, [70, 70, 70, 30, 30, 30, 30, 30])
    assert [(each["state"], each["severity"]) for each in _told(connection)] == [
        ("firing", "warning"),
        ("firing", "critical"),
    ]


def test_windows_that_are_late_never_alert(connection: Connection, database: str, settings: Settings) -> None:
    calm(connection, {ALL: 80.0})
    begin(connection, database, settings)
    for place in range(6):
        write(connection, NOON + place * QUARTER, {ALL: 60})
        connection.execute("INSERT INTO cem.detection VALUES ('sessions', %s, 0, 0, now())", [NOON + place * QUARTER])
    run = alert(database, settings, now=NOON + timedelta(hours=9), rules=BOOK)
    assert (run.changes, _told(connection)) == (0, [])


def test_a_window_scored_again_is_not_judged_again(connection: Connection, database: str, settings: Settings) -> None:
    calm(connection, {ALL: 80.0})
    begin(connection, database, settings)
    _series(connection, database, settings, [80, 80, 80, 80])
    for place in range(4):
        write(connection, NOON + place * QUARTER, {ALL: 40})
    assert close(connection, database, settings, NOON + 3 * QUARTER, late=timedelta(minutes=5)).windows == 0
    _series(connection, database, settings, [80, 80], start=4)
    assert _told(connection) == []


def test_a_window_waits_for_its_scores_and_its_clusters(
    connection: Connection, database: str, settings: Settings
) -> None:
    calm(connection, {ALL: 80.0})
    begin(connection, database, settings)
    write(connection, NOON, {ALL: 80.0})
    now = NOON + QUARTER + timedelta(minutes=31)
    assert alert(database, settings, now=now, rules=BOOK).windows == 0  # not searched yet
    assert alert(database, settings, now=now + timedelta(minutes=30), rules=BOOK).windows >= 1  # patience has an end
    connection.execute("INSERT INTO cem.dirty (kind, window_start) VALUES ('sessions', %s)", [NOON + 2 * QUARTER])
    assert alert(database, settings, now=now + timedelta(minutes=90), rules=BOOK).windows == 1


def test_windows_before_a_stop_are_not_neighbours_of_those_after_it(
    connection: Connection, database: str, settings: Settings
) -> None:
    """A track is kept with its newest window; after a stop of hours "2 of the last 4" once took in those before it."""
    calm(connection, {ALL: 80.0})
    begin(connection, database, settings)
    _series(connection, database, settings, [70.0])
    _series(connection, database, settings, [70.0], start=15)
    assert [each["rule"] for each in _told(connection) if each["rule"] == "drop"] == []
    assert "pending" in {row.state for row in alerts.unresolved(connection) if row.rule == "drop"}


def test_records_that_come_after_a_window_was_searched_hold_no_window_back(
    connection: Connection, database: str, settings: Settings
) -> None:
    calm(connection, {ALL: 80.0})
    begin(connection, database, settings)
    for place in range(4):
        write(connection, NOON + place * QUARTER, {ALL: 70.0})
        late = "INSERT INTO cem.dirty (kind, window_start) VALUES ('sessions', %s)"
        connection.execute(late, [NOON + place * QUARTER])
        assert close(connection, database, settings, NOON + place * QUARTER).windows == 1
    assert [each["state"] for each in _told(connection)] == ["firing"]


def _cluster(connection: Connection, cluster_id: str, selector: dict[str, list[str]], windows: int = 1) -> None:
    connection.execute(
        "INSERT INTO cem.cluster (cluster_id, over_kind, dimension, domain, selector, started_at, detected_at, users, "
        "sessions, bad_ratio, expected_ratio, p_value, q_value, severity, evidence, recommendation, version_id, "
        "updated_at, users_hurt, certainty) VALUES (%s, 'sessions', 'network', 'core', %s, %s, %s, 300, 900, "
        "0.6, 0.1, 0, 0, 0.5, %s, 'recommend.core', 1, now(), 250, 0.9)",
        [
            cluster_id,
            json.dumps(selector),
            NOON,
            NOON + QUARTER,
            json.dumps([{"kind": "kpi", "metric": "PrbUtilDl", "speaks": {"core": 2.0}}]),
        ],
    )
    for place in range(windows):
        connection.execute(
            "INSERT INTO cem.cluster_window (cluster_id, start, users, n, bad, expected, p_value, q_value) "
            "VALUES (%s, %s, 250, 400, 200, 30, 0, 0)",
            [cluster_id, NOON + place * QUARTER],
        )


def test_drops_of_a_cluster_are_told_inside_it_with_cause_and_evidence(
    connection: Connection, database: str, settings: Settings
) -> None:
    region = Labels(connection).ids("region", ["north"])[0].item()
    groups = {ALL: 80.0, ("region", region): 80.0}
    calm(connection, groups)
    begin(connection, database, settings)
    _cluster(connection, "abc", {"core_node": ["upf-2"]}, windows=4)
    for place in range(4):
        write(connection, NOON + place * QUARTER, {ALL: 70.0, ("region", region): 60.0})
        close(connection, database, settings, NOON + place * QUARTER)
    (message,) = _told(connection)
    assert message["subject"] == "cluster=abc"
    assert (message["domain"], message["certainty"], message["users"]) == ("core", 0.9, 250)
    assert message["evidence"][0]["metric"] == "PrbUtilDl"
    rows = {row.subject: row for row in alerts.unresolved(connection)}
    assert set(rows) == {"cluster=abc", "all", "region=north"}
    assert {rows[name].parent_id for name in ("all", "region=north")} == {rows["cluster=abc"].alert_id}
    assert rows["cluster=abc"].detail["children_count"] == 2


def test_a_cluster_found_late_never_alerts(connection: Connection, database: str, settings: Settings) -> None:
    calm(connection, {ALL: 80.0})
    begin(connection, database, settings)
    _series(connection, database, settings, [80, 80, 80])
    _cluster(connection, "late", {"core_node": ["upf-2"]}, windows=6)
    _series(connection, database, settings, [80, 80, 80], start=3)
    assert _told(connection) == []


def test_a_storm_is_one_message_with_its_cells_inside(
    connection: Connection, database: str, settings: Settings
) -> None:
    names = [f"cell-{number}" for number in range(40)]
    cells = Labels(connection).ids("cell", names).tolist()
    region, site = (Labels(connection).ids(kind, [kind])[0].item() for kind in ("region", "site"))
    connection.execute("INSERT INTO cem.source (name) VALUES ('inventory')")
    for cell in cells:
        connection.execute(
            "INSERT INTO cem.cell (cell_id, source_id, batch_id, arrived_at, site_id, region) "
            "VALUES (%s, 1, 1, now(), %s, %s)",
            [cell, site, region],
        )
    groups = {("cell", cell): 80.0 for cell in cells} | {ALL: 80.0}
    calm(connection, groups, users=200)
    begin(connection, database, settings)
    for place in range(4):
        write(connection, NOON + place * QUARTER, {("cell", cell): 50.0 for cell in cells} | {ALL: 79.0}, users=200)
        close(connection, database, settings, NOON + place * QUARTER)
    (message,) = _told(connection)
    assert (message["kind"], message["subject"], message["children_count"]) == ("storm", "region=region", 40)
    assert {child["subject"] for child in message["children"]} == {f"cell={name}" for name in names}
    for place in range(4, 9):
        write(connection, NOON + place * QUARTER, {("cell", cell): 80.0 for cell in cells} | {ALL: 80.0}, users=200)
        close(connection, database, settings, NOON + place * QUARTER)
    assert [each["state"] for each in _told(connection)] == ["firing", "resolved"]
    assert alerts.unresolved(connection) == []


def test_an_acknowledged_alert_is_told_again_when_that_is_over(
    connection: Connection, database: str, settings: Settings
) -> None:
    calm(connection, {ALL: 80.0})
    begin(connection, database, settings)
    _series(connection, database, settings, [70, 70])
    (row,) = alerts.unresolved(connection)
    with pytest.raises(ConfigError, match=r"cem\.actor"):
        alert_acts.acknowledge(connection, "", row.alert_id, "on it", None)
    with pytest.raises(ConfigError, match="needs a reason"):
        alert_acts.acknowledge(connection, "ann", row.alert_id, "", None)
    alert_acts.acknowledge(connection, "ann", row.alert_id, "on it", datetime.now(UTC) + timedelta(hours=1))
    _series(connection, database, settings, [70, 70], start=2)
    assert [each["state"] for each in _told(connection)] == ["firing", "acknowledged"]
    assert _told(connection)[1]["acknowledged_by"] == "ann"
    connection.execute("UPDATE cem.alert SET acknowledged_until = %s", [NOON + 6 * QUARTER])
    _series(connection, database, settings, [70, 70, 70], start=4)
    assert [each["state"] for each in _told(connection)] == ["firing", "acknowledged", "firing"]
    assert audit.broken_at(connection) is None


def test_a_silenced_alert_is_followed_and_told_when_the_silence_ends(
    connection: Connection, database: str, settings: Settings
) -> None:
    calm(connection, {ALL: 80.0})
    begin(connection, database, settings)
    until = datetime.now(UTC) + timedelta(hours=1)
    number = alert_acts.silence(connection, "ann", {"rule": "dr*"}, datetime.now(UTC), until, "works")
    connection.execute("UPDATE cem.alert_silence SET starts_at = %s, ends_at = %s", [NOON, NOON + 7 * QUARTER])
    _series(connection, database, settings, [70, 70, 70])
    assert _told(connection) == []
    (row,) = alerts.unresolved(connection)
    assert (row.state, row.silence_id, row.detail["silenced_by"]) == ("silenced", number, "ann")
    _series(connection, database, settings, [70, 70], start=3)
    assert [each["state"] for each in _told(connection)] == ["firing"]
    with pytest.raises(ConfigError, match="no silence"):
        alert_acts.end_silence(connection, "ann", number + 1, "x")


def test_people_resolve_and_what_goes_on_is_a_new_alert(
    connection: Connection, database: str, settings: Settings
) -> None:
    calm(connection, {ALL: 80.0})
    begin(connection, database, settings)
    _series(connection, database, settings, [70, 70])
    (first,) = alerts.unresolved(connection)
    alert_acts.resolve(connection, "ann", first.alert_id, "fixed")
    with pytest.raises(ConfigError, match="is resolved"):
        alert_acts.acknowledge(connection, "ann", first.alert_id, "late", None)
    _series(connection, database, settings, [70], start=2)
    (second,) = alerts.unresolved(connection)
    assert second.alert_id != first.alert_id
    assert [each["state"] for each in _told(connection)] == ["firing", "resolved", "firing"]
    assert [change.actor for change in alerts.changes(connection, first.alert_id)][-1] == "ann"


def _source(connection: Connection, start: datetime, state: str, received: int = 100) -> None:
    connection.execute("INSERT INTO cem.source (name) VALUES ('probe') ON CONFLICT DO NOTHING")
    connection.execute(
        "INSERT INTO cem.source_window (source_id, kind, start, received, expected, history, late, duplicate, "
        "quarantined, missing, profile, findings, state, made_at) SELECT source_id, 'sessions', %s, %s, 100, "
        "'time of day', 0, 0, '{}', '{}', "
        "'{}', '[]', %s, now() FROM cem.source WHERE name = 'probe'",
        [start, received, state],
    )


def test_a_source_that_is_away_is_its_own_alert_and_blanks_the_drops_it_makes(
    connection: Connection, database: str, settings: Settings
) -> None:
    calm(connection, {ALL: 80.0})
    begin(connection, database, settings)
    for place in range(4):
        at = NOON + place * QUARTER
        _source(connection, at, "silent", 2)
        write(connection, at, {ALL: 20.0}, users=100)
        close(connection, database, settings, at)
    assert [each["subject"] for each in _told(connection)] == ["source=probe"]
    assert _told(connection)[0]["kind"] == "no_data"


def test_records_that_are_gone_are_told_where_every_source_is_there(
    connection: Connection, database: str, settings: Settings
) -> None:
    calm(connection, {ALL: 80.0})
    begin(connection, database, settings)
    for place in range(3):
        close(connection, database, settings, NOON + place * QUARTER)
    (message,) = _told(connection)
    assert (message["kind"], message["subject"], message["value"]) == ("no_data", "all", 0.0)


def _gone(keys: str) -> RuleBook:
    return read_rules(f'[[rule]]\nname = "gone"\nkind = "no_data"\n{keys}\n')


def test_missing_records_of_other_values_are_not_told(
    connection: Connection, database: str, settings: Settings
) -> None:
    north, south = Labels(connection).ids("region", ["north", "south"]).tolist()
    book = _gone('over = ["region", "source"]\nvalues = ["north"]')
    calm(connection, {("region", north): 80.0, ("region", south): 80.0, ALL: 80.0})
    begin(connection, database, settings, book)
    for place in range(3):
        write(connection, NOON + place * QUARTER, {ALL: 80.0})
        close(connection, database, settings, NOON + place * QUARTER, book=book)
    for place in range(3, 6):
        _source(connection, NOON + place * QUARTER, "silent", 2)
        close(connection, database, settings, NOON + place * QUARTER, book=book)
    assert [each["subject"] for each in _told(connection)] == ["region=north"]


@pytest.mark.parametrize(("m", "n", "told_at"), [(5, 6, 5), (1, 1, 1)])
def test_missing_records_are_told_after_as_many_windows_as_the_rule_says(
    connection: Connection, database: str, settings: Settings, m: int, n: int, told_at: int
) -> None:
    book = _gone(f'over = ["all"]\nm = {m}\nn = {n}')
    calm(connection, {ALL: 80.0})
    begin(connection, database, settings, book)
    for place in range(6):
        close(connection, database, settings, NOON + place * QUARTER, book=book)
    for place in range(6, 8):
        write(connection, NOON + place * QUARTER, {ALL: 80.0})
        close(connection, database, settings, NOON + place * QUARTER, book=book)
    fired, resolved = _told(connection)
    assert fired["at"] == (NOON + told_at * QUARTER).isoformat()
    assert (resolved["state"], resolved["at"]) == ("resolved", (NOON + 8 * QUARTER).isoformat())


def test_a_replay_says_when_a_rule_would_have_fired_and_stores_nothing(
    connection: Connection, database: str, settings: Settings
) -> None:
    calm(connection, {ALL: 80.0})
    for place, value in enumerate([80, 70, 70, 70, 80, 80, 80, 80]):
        write(connection, NOON + place * QUARTER, {ALL: value})
    episodes = [each for each in replay(connection, settings, BOOK, NOON) if each.rule == "drop"]
    assert [(each.subject, each.fired_at) for each in episodes] == [("all", NOON + 3 * QUARTER)]
    assert episodes[0].resolved_at == NOON + 7 * QUARTER
    assert connection.execute("SELECT count(*) FROM cem.alert").fetchone() == (0,)
