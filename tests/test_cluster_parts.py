"""Whom a cluster hurts by tier and segment: no number below k, and none by taking the rest from the whole."""

import numpy as np

from store import cluster_life, cluster_screens
from store.connection import Connection, connect
from tests.city import City

K = 10
CLUSTERS = 120


def test_no_difference_tells_a_small_group(connection: Connection, database: str) -> None:
    """Of many made-up clusters, what is hidden of each is nothing or k and more: users, the hurt, the others."""
    rng = np.random.default_rng(7)
    made = {f"c{number}": _parts(rng) for number in range(CLUSTERS)}
    connection.execute("INSERT INTO cem.label (kind, value) SELECT 'segment', 's' || n FROM generate_series(1, 6) n")
    codes = [code for (code,) in connection.execute("SELECT label_id FROM cem.label ORDER BY label_id")]
    for name, parts in made.items():
        connection.execute(
            "INSERT INTO cem.cluster VALUES (%s, 'sessions', 'network', 'core', '{}', now(), now(), NULL, 1, 1, 1, 0, "
            "0, 0, 1, '[]', 0, '', 1, now())",
            [name],
        )
        given = dict(zip(codes, parts, strict=False))
        cluster_life.save_tiers(connection, name, given)
        cluster_life.save_segments(connection, name, given)
    connection.commit()
    hidden_somewhere = 0
    with connect(database, role="cem_operations", autocommit=True) as asked:
        for name, parts in made.items():
            shown = cluster_screens.cluster_parts(asked, name)
            for _, mine in shown.groupby("attribute"):
                theirs = [parts[int(value[1:]) - 1] for value in mine["value"]]
                truth = mine.assign(all=[all_of for all_of, _ in theirs], bad=[bad for _, bad in theirs])
                truth["good"] = truth["all"] - truth["bad"]
                for column, shown_in in (("all", "users"), ("bad", "users_hurt"), ("good", "users_hurt")):
                    told = truth[shown_in].notna()
                    assert not truth.loc[told, column].between(1, K - 1).any()
                    whole, hidden = truth[column].sum(), truth.loc[~told, column].sum()  # shown beside from k on
                    assert hidden == 0 or hidden >= K or whole < K
                    hidden_somewhere += hidden > 0
                for exact, shown_in in (("all", "users"), ("bad", "users_hurt")):
                    told = truth[truth[shown_in].notna()]
                    assert (told[shown_in] % 5 == 0).all()
                    assert ((told[shown_in] - told[exact]).abs() <= 2.5).all()
    assert hidden_somewhere > CLUSTERS / 4


def _parts(rng: np.random.Generator) -> list[tuple[int, int]]:
    users = rng.integers(1, 40, size=rng.integers(1, 7))
    return [(int(all_of), int(rng.integers(0, all_of + 1))) for all_of in users]


def test_segments_count_the_same_users_as_tiers(city: City) -> None:
    """Detection splits the users of every cluster by both, and loses none."""
    with connect(city.dsn) as connection:
        rows = connection.execute(
            "SELECT c.users, (SELECT sum(users) FROM cem.cluster_tier t WHERE t.cluster_id = c.cluster_id), "
            "(SELECT sum(users) FROM cem.cluster_segment s WHERE s.cluster_id = c.cluster_id), c.users_hurt, "
            "(SELECT sum(users_hurt) FROM cem.cluster_segment s WHERE s.cluster_id = c.cluster_id) "
            "FROM cem.cluster c WHERE c.over_kind <> 'complaints'"
        ).fetchall()
    assert rows
    for users, by_tier, by_segment, hurt, hurt_by_segment in rows:
        assert users == by_tier == by_segment
        assert hurt == hurt_by_segment
