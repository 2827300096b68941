"""End roles see views of what they work with, and no table, chunk or vault."""

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest

from store.connection import Connection, connect
from store.labels import Labels
from store.vault import Vault

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
END_ROLES = ("cem_operations", "cem_analyst", "cem_care", "cem_admin")
ALL_VIEWS = (
    "groups clusters cluster_windows cluster_complaints complaint_readings status "
    "cluster_risks complaint_surges cells cluster_parts cluster_links cluster_acts cluster_hands"
)
NETWORK_VIEWS = (
    "kpis kqis waiting source_windows source_outages effects verdicts aggregation_choices batches quarantine runs "
    "alerts alarms sources"
)
# Single rows of persons that no screen lists: groups of answers are survey_weeks, a customer's own customer_answers.
ADMIN_VIEWS = "surveys audit"
PERSON_VIEWS = "customer_hours customer_days customer_periods cluster_customers complaints silent_sufferers"


@pytest.fixture
def as_role(database: str) -> Callable[[str], Connection]:
    """A function that connects as a role."""
    return lambda role: connect(database, role=role, autocommit=True)


@pytest.fixture
def filled(connection: Connection, labels: Labels) -> int:
    """Two customers' sessions, a small and two larger groups, a linked complaint; returns the first customer's key."""
    service, *cells = (int(labels.ids("service", ["web"])[0]), *map(int, labels.ids("cell", ["c1", "c2", "c3"])))
    labels.sources(["probe"])
    connection.execute(
        "INSERT INTO cem.session (subscriber_key, start_time, source_id, session_id, batch_id, arrived_at, service, "
        "success) SELECT key, %s, 1, 's' || key, 1, %s, %s, true FROM generate_series(1, 3) key",
        [NOON, NOON, service],
    )
    connection.execute("INSERT INTO cem.customer_of (subscriber_key, customer_key) VALUES (1, 1), (2, 1)")
    connection.execute("INSERT INTO cem.version (model_version, catalogue_version) VALUES ('m', 'c')")
    columns = "network_n, network_sum, network_sq, device_n, device_sum, device_sq, app_n, app_sum, app_sq, "
    columns += "service_n, service_sum, service_sq, overall_n, overall_sum, overall_sq"
    zeros = ", ".join(["0"] * 15)
    for value, users in zip(cells, (9, 10, 41), strict=True):
        connection.execute(
            "INSERT INTO cem.group_index (grain, attribute, start, value, n_users, bad_users, n, bad, "  # noqa: S608
            f"version_id, {columns}) VALUES ('15m', 'cell', %s, %s, %s, 1, 20, 2, 1, {zeros})",
            [NOON, value, users],
        )
    connection.execute(
        "INSERT INTO cem.complaint (source_id, complaint_id, created_at, version_at, batch_id, arrived_at, "
        "subscriber_key, text) VALUES (1, 'k1', %s, %s, 1, %s, 2, 'slow')",
        [NOON, NOON, NOON],
    )
    connection.execute(
        "INSERT INTO cem.cluster VALUES ('x', 'sessions', 'network', 'core', '{}', %s, %s, NULL, 4, 9, 1, 0, 0, 0, 1, "
        "'[]', 3, 'look', 1, %s)",
        [NOON, NOON, NOON],
    )
    connection.execute("INSERT INTO cem.complaint_link VALUES (1, 'k1', 'x', 0.9, '[]')")
    connection.execute(
        "INSERT INTO cem.quarantine (source_id, kind, name, code, reason, sealed, arrived_at) "
        "VALUES (1, 'sessions', 'f', 'future', 'r', 'secret', now())"
    )
    return 1


@pytest.mark.parametrize("role", END_ROLES)
def test_no_end_role_reaches_a_table_a_chunk_or_the_vault(
    as_role: Callable[[str], Connection], connection: Connection, vault: Vault, filled: int, role: str
) -> None:
    vault.tokens(["imsi:460001234567890"])
    chunk = connection.execute("SELECT show_chunks('cem.session')::text").fetchone()
    assert chunk is not None
    tables = connection.execute(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('cem', 'vault')"
    ).fetchall()
    with as_role(role) as asked:
        for (table,) in [chunk, *tables]:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                asked.execute(f"SELECT * FROM {table}")  # noqa: S608 - ours only


def test_only_who_works_with_customers_sees_single_ones(as_role: Callable[[str], Connection], filled: int) -> None:
    for role in END_ROLES:
        with as_role(role) as asked:
            for view in ALL_VIEWS.split():
                asked.execute(f"SELECT * FROM api.{view}")  # noqa: S608 - ours only
            for view in PERSON_VIEWS.split():
                if role in {"cem_care", "cem_admin"}:
                    asked.execute(f"SELECT * FROM api.{view}")  # noqa: S608 - ours only
                    continue
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    asked.execute(f"SELECT * FROM api.{view}")  # noqa: S608 - ours only


def test_single_answers_to_surveys_are_for_administrators(as_role: Callable[[str], Connection], filled: int) -> None:
    for role in END_ROLES:
        with as_role(role) as asked:
            for view in ADMIN_VIEWS.split():
                if role == "cem_admin":
                    asked.execute(f"SELECT * FROM api.{view}")  # noqa: S608 - ours only
                    continue
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    asked.execute(f"SELECT * FROM api.{view}")  # noqa: S608 - ours only


@pytest.mark.parametrize("function", ["kpi_series", "alarms_of"])
def test_what_network_objects_did_over_time_is_not_for_customer_care(
    as_role: Callable[[str], Connection], function: str
) -> None:
    query = f"SELECT * FROM api.{function}('{{c1}}', '2026-03-02Z', '2026-03-03Z')"  # noqa: S608 - ours only
    for role in END_ROLES:
        with as_role(role) as asked:
            if role != "cem_care":
                asked.execute(query)
                continue
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                asked.execute(query)


def test_how_the_network_counts_and_delivers_is_not_for_customer_care(
    as_role: Callable[[str], Connection], filled: int
) -> None:
    for role in END_ROLES:
        with as_role(role) as asked:
            for view in NETWORK_VIEWS.split():
                if role != "cem_care":
                    asked.execute(f"SELECT * FROM api.{view}")  # noqa: S608 - ours only
                    continue
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    asked.execute(f"SELECT * FROM api.{view}")  # noqa: S608 - ours only


def test_a_timeline_shows_one_customer_with_all_identifiers(as_role: Callable[[str], Connection], filled: int) -> None:
    query = "SELECT session_id, service FROM api.session_timeline(1, '2026-03-02Z', '2026-03-03Z') ORDER BY 1"
    with as_role("cem_care") as care:
        assert care.execute(query).fetchall() == [("s1", "web"), ("s2", "web")]
        assert care.execute("SELECT count(*) FROM api.session_timeline(NULL, '-infinity', 'infinity')").fetchone() == (
            0,
        )
    with as_role("cem_operations") as operations, pytest.raises(psycopg.errors.InsufficientPrivilege):
        operations.execute(query)


def test_groups_below_k_are_not_shown_nor_the_smallest_other_that_would_tell_them(
    as_role: Callable[[str], Connection], connection: Connection, filled: int
) -> None:
    with as_role("cem_operations") as asked:
        assert asked.execute("SELECT value, n_users, bad_ratio FROM api.groups").fetchall() == [("c3", 40, 0.1)]
        assert asked.execute("SELECT users, silent_users FROM api.clusters").fetchall() == [(None, None)]
    connection.execute("INSERT INTO cem.installation VALUES ('k_anonymity', '3')")
    with as_role("cem_operations") as asked:
        assert asked.execute("SELECT count(*) FROM api.groups").fetchone() == (3,)
        assert asked.execute("SELECT users, silent_users FROM api.clusters").fetchall() == [(5, 5)]


def test_the_rules_of_telling_come_out_as_the_page_says(connection: Connection) -> None:
    """The example of docs/access.md: 40 users, 130 sessions, 9 of them bad."""
    told = connection.execute(
        "SELECT api.step(130, 40, 10), round(130 / api.step(130, 40, 10)) * 50, api.told_ratio(9 / 130.0, 130), "
        "api.told(40), api.told(12), api.told_score(71.26::real, 9, 10), api.told_score(71.26::real, 10, 10)"
    ).fetchone()
    assert told == (50, 150, 0.07, 40, 10, None, pytest.approx(71.3))


def test_a_linked_complaint_has_no_person_for_who_works_with_groups(
    as_role: Callable[[str], Connection], filled: int
) -> None:
    query = "SELECT complaint_id, text, customer_key FROM api.cluster_complaints"
    with as_role("cem_analyst") as analyst:
        assert analyst.execute(query).fetchall() == [("k1", None, None)]
    with as_role("cem_care") as care:
        assert care.execute(query).fetchall() == [("k1", "slow", 1)]


def test_quarantine_is_shown_without_what_was_sealed(as_role: Callable[[str], Connection], filled: int) -> None:
    with as_role("cem_operations") as asked:
        cursor = asked.execute("SELECT * FROM api.quarantine")
        assert cursor.description is not None
        assert "sealed" not in [column.name for column in cursor.description]
        assert len(cursor.fetchall()) == 1


def test_the_loading_role_loads_and_cannot_rewrite_the_audit_trail(
    as_role: Callable[[str], Connection], vault: Vault, filled: int
) -> None:
    with as_role("cem_loader") as loader:
        loader.execute(
            "INSERT INTO cem.session (subscriber_key, start_time, source_id, session_id, batch_id, arrived_at, "
            "service, success) VALUES (9, '2026-04-01Z', 1, 's', 1, now(), 1, true)"
        )
        loader.execute("SELECT token FROM vault.subject")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            loader.execute("DELETE FROM cem.audit")
    with as_role("cem_reader") as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("SELECT token FROM vault.subject")
