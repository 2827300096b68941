"""What people do about a cluster: who may, what is kept, what is audited, and how it is read back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from store import cluster_screens, verdicts
from store.acting import call
from store.connection import Connection, connect

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ACTS = {
    "acknowledge_cluster": ("x", "on it"),
    "assign_cluster": ("x", "transport team", ""),
    "comment_cluster": ("x", "a fibre is cut"),
    "judge_cluster": ("x", "transport", "a fibre is cut"),
}


@pytest.fixture
def as_role(database: str, connection: Connection) -> Callable[[str], Connection]:
    """A function that connects as a role, to a database with the cluster x, said to be core."""
    connection.execute("INSERT INTO cem.version (model_version, catalogue_version) VALUES ('m', 'c')")
    connection.execute(
        "INSERT INTO cem.cluster VALUES ('x', 'sessions', 'network', 'core', '{}', %s, %s, NULL, 40, 90, 1, 0, 0, 0, "
        "1, '[]', 30, 'look', 1, %s)",
        [NOON, NOON, NOON],
    )
    connection.commit()
    return lambda role: connect(database, role=role, autocommit=True)


@pytest.mark.parametrize("role", ["cem_operations", "cem_admin"])
def test_what_is_done_is_read_back_with_who_did_it(
    as_role: Callable[[str], Connection], connection: Connection, role: str
) -> None:
    with as_role(role) as asked:
        for function, arguments in ACTS.items():
            call(asked, "li", function, arguments)
        done = cluster_screens.cluster_acts(asked, "x")
        hands = cluster_screens.cluster_hands(asked, "x").set_index("kind")
    assert done["kind"].tolist() == ["acknowledged", "assigned", "commented", "corrected"]
    assert set(done["actor"]) == {"li"}
    assert done["comment"].fillna("").tolist() == ["on it", "", "a fibre is cut", "a fibre is cut"]
    assert hands.loc["assigned", "assignee"] == "transport team"
    rows = connection.execute("SELECT actor, action, reason FROM cem.audit ORDER BY audit_id").fetchall()
    assert rows == [
        ("li", "acknowledge a cluster", "on it"),
        ("li", "assign a cluster", "transport team"),
        ("li", "comment on a cluster", "a fibre is cut"),
        ("li", "cluster_verdict", "a fibre is cut"),
    ]


def test_an_answer_on_the_screens_counts_like_one_of_the_command_line(
    as_role: Callable[[str], Connection], connection: Connection
) -> None:
    with as_role("cem_operations") as asked:
        call(asked, "li", "judge_cluster", ("x", "core", ""))
        assert cluster_screens.verdict_counts(asked) == (1, 1)
    said = verdicts.newest(connection)["x"]
    assert (said.actor, said.found_domain, said.domain, said.model_version, said.confirmed) == (
        *("li", "core", "core", "m"),
        True,
    )
    later = said.at + timedelta(seconds=1)
    answer = {"cluster_id": "x", "at": later, "actor": "wang", "found_domain": "core", "domain": "app"}
    verdicts.give(connection, verdicts.Verdict(**answer, cause="", model_version="m"))
    connection.commit()
    with as_role("cem_operations") as asked:
        assert cluster_screens.cluster_acts(asked, "x")["kind"].tolist() == ["confirmed", "corrected"]


@pytest.mark.parametrize("role", ["cem_care", "cem_analyst"])
@pytest.mark.parametrize("function", ACTS)
def test_who_only_looks_does_nothing(as_role: Callable[[str], Connection], role: str, function: str) -> None:
    with as_role(role) as asked, pytest.raises(psycopg.errors.InsufficientPrivilege):
        call(asked, "wang", function, ACTS[function])


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("acknowledge_cluster", ("nothing", "")),
        ("assign_cluster", ("x", "  ", "")),
        ("comment_cluster", ("x", "")),
        ("judge_cluster", ("x", "weather", "")),
        ("judge_cluster", ("x", None, "")),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(
    as_role: Callable[[str], Connection], connection: Connection, function: str, arguments: tuple[object, ...]
) -> None:
    with as_role("cem_operations") as asked:
        with pytest.raises(psycopg.Error):
            call(asked, "li", function, arguments)
        assert cluster_screens.cluster_acts(asked, "x").empty
    assert connection.execute("SELECT count(*) FROM cem.audit").fetchone() == (0,)
