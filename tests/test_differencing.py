"""No difference of figures that the screens show is a group of fewer than k users."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from store.connection import Connection, connect
from store.screens import frame
from tests.city import City

K = 10
GROUPS = "SELECT grain, attribute, value, start, n_users, bad_users, n, bad, bad_ratio FROM api.groups"
STORED = """
SELECT g.grain, g.attribute, l.value, g.start, g.n_users, g.bad_users, g.n, g.bad
FROM cem.group_index g LEFT JOIN cem.label l ON l.label_id = g.value AND g.attribute <> 'all'
"""
KEY = ["grain", "attribute", "value", "start"]
STEPS = np.array([5.0, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000])
# What a window of a longer grain is made of, and the groups whose parts another attribute shows.
WITHIN = {"15m": "hour", "hour": "day"}
PARTS = {"site": "region", "cell": "site"}


@pytest.fixture(scope="module")
def analyst(city: City) -> Iterator[Connection]:
    """Somebody who sees groups, and no person."""
    with connect(city.dsn, role="cem_analyst", autocommit=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def shown(analyst: Connection) -> pd.DataFrame:
    """All groups that the views show, at all grains and of all attributes."""
    return frame(analyst, GROUPS)


@pytest.fixture(scope="module")
def stored(city: City, shown: pd.DataFrame) -> pd.DataFrame:
    """All groups that there are, with `seen` for those that the views show; columns of what is shown end in _told."""
    with connect(city.dsn) as owner:
        truth = frame(owner, STORED)
    joined = truth.merge(shown, on=KEY, how="left", suffixes=("", "_told"))
    return joined.assign(seen=joined["n_users_told"].notna(), value=joined["value"].fillna(""))


def blur(rows: pd.DataFrame) -> pd.Series:
    """How far a told number of sessions may be from the true one, as the rounding rule says: half a step."""
    makes = K * rows["n"] / rows["n_users"]
    return pd.Series(STEPS[np.searchsorted(STEPS, makes, side="right")] / 2, index=rows.index)


def test_no_shown_group_is_below_k(stored: pd.DataFrame) -> None:
    assert stored["seen"].sum() > 1000
    assert stored.loc[stored["seen"], "n_users"].min() >= K


def test_what_is_left_of_a_total_is_at_least_k_users(stored: pd.DataFrame) -> None:
    """All without the shown groups of an attribute: the hidden ones hold a group of k users, or there is none."""
    window = ["grain", "attribute", "start"]
    groups = stored[stored["attribute"] != "all"]
    largest_hidden = groups[~groups["seen"]].groupby(window)["n_users"].max()
    risky = largest_hidden[largest_hidden.index.isin(groups[groups["seen"]].set_index(window).index)]
    assert len(risky) > 100, "the city has small groups"
    assert risky.min() >= K


def test_counts_of_sessions_are_as_far_off_as_the_rule_says(stored: pd.DataFrame) -> None:
    """The attacks below may rely on the rule: no count is further off, and sums of many are hardly off on one side."""
    seen = stored[stored["seen"]]
    error = seen["n_told"] - seen["n"]
    assert (error.abs() <= blur(seen) + 1e-9).all()
    assert abs(error.mean()) < 0.2 * blur(seen).mean()  # the smallest groups are less than a step


@pytest.mark.parametrize("short", WITHIN)
def test_windows_of_a_longer_one_tell_no_small_window(stored: pd.DataFrame, short: str) -> None:
    """An hour without its shown quarters, a day without its shown hours: blurred by what k users do, or more."""
    zone = "Asia/Shanghai"
    parts = stored[stored["grain"] == short].copy()
    local = parts["start"].dt.tz_convert(zone)
    parts["start"] = (local.dt.floor("h") if short == "15m" else local.dt.normalize()).dt.tz_convert("UTC")
    whole = stored[(stored["grain"] == WITHIN[short]) & stored["seen"]]
    _attack(whole, parts, ["attribute", "value", "start"])


@pytest.mark.parametrize("part", PARTS)
def test_places_of_a_larger_one_tell_no_small_place(stored: pd.DataFrame, city: City, part: str) -> None:
    """A region without its shown sites, a site without its shown cells."""
    with connect(city.dsn) as owner:
        places = frame(owner, "SELECT DISTINCT cell_id AS cell, site_id AS site, region FROM api.cells")
    above = dict(zip(places[part], places[PARTS[part]], strict=True))
    parts = stored[stored["attribute"] == part].copy()
    parts["value"] = parts["value"].map(above)
    whole = stored[(stored["attribute"] == PARTS[part]) & stored["seen"]]
    _attack(whole, parts, ["grain", "value", "start"])


def _attack(whole: pd.DataFrame, parts: pd.DataFrame, by: list[str]) -> None:
    """Subtract all shown parts; where the rest is fewer than k users, it must be lost in the rounding."""
    parts = parts.assign(blur=0.0)
    parts.loc[parts["seen"], "blur"] = blur(parts[parts["seen"]])
    hidden = parts[~parts["seen"]].groupby(by)[["n_users", "n", "bad"]].sum().add_prefix("hidden_")
    taken = parts[parts["seen"]].groupby(by)[["n_told", "bad_told", "blur"]].sum().add_prefix("taken_")
    lines = whole.assign(blur=blur(whole)).set_index(by).join(hidden, how="inner").join(taken, how="left").fillna(0)
    small = lines[(lines["hidden_n_users"] < K) & (lines["hidden_n_users"] > 0)]
    assert len(small) > 10, "there is something to attack"
    guess = small["n_told"] - small["taken_n_told"]
    sure = small["blur"] + small["taken_blur"]
    per_user = small["n"] / small["n_users"]
    assert (2 * sure >= K * per_user).all(), "a count is pinned down to less than k users make"
    exact = (guess - small["hidden_n"]).abs() < 0.5
    assert exact.mean() < 0.25, "guesses are right more often than by chance"


def test_bad_users_and_good_ones_are_none_or_many(stored: pd.DataFrame) -> None:
    told = stored[stored["bad_users_told"].notna()]
    good = told["n_users"] - told["bad_users"]
    assert ((told["bad_users"] == 0) | ((told["bad_users"] >= K) & (good >= K))).all()


def test_a_ratio_does_not_give_its_fraction_away(shown: pd.DataFrame) -> None:
    """Told in per cent or per mille, a ratio fits several numbers of sessions, and so the true one is not known."""
    few = shown[(shown["n"] < 1000) & shown["bad_ratio"].notna()]
    assert ((few["bad_ratio"] * 100).round(6) % 1 == 0).all()
    assert ((shown["bad_ratio"].dropna() * 1000).round(6) % 1 == 0).all()


def test_indicators_are_of_k_users(analyst: Connection, city: City) -> None:
    """An indicator of one service is of the group's users of that service: of these there are k at least."""
    with connect(city.dsn) as owner:
        users = frame(
            owner,
            """
            WITH last AS (SELECT max(start_time) - INTERVAL '2 days' AS begun FROM cem.session), counted AS (
                SELECT date_trunc('hour', s.start_time) AS start, a.attribute, a.value, s.service,
                       count(DISTINCT s.subscriber_key) AS users
                FROM cem.session s JOIN last ON s.start_time >= last.begun CROSS JOIN LATERAL (VALUES
                    ('cell', s.cell_id), ('app', s.app), ('all', 0)) a (attribute, value)
                GROUP BY 1, 2, 3, 4)
            SELECT c.start, c.attribute, coalesce(l.value, '') AS value, n.value AS service, c.users FROM counted c
            JOIN cem.label n ON n.label_id = c.service LEFT JOIN cem.label l ON l.label_id = c.value
            """,
        )
    told = frame(
        analyst,
        "SELECT attribute, coalesce(value, '') AS value, start, kqi FROM api.kqis "
        "WHERE grain = 'hour' AND start > %(first)s",
        {"first": users["start"].min()},
    )
    told["service"] = told["kqi"].str.split("_").str[0]
    found = told.merge(users, on=["attribute", "value", "start", "service"])
    assert len(found) > 1000
    assert found["users"].min() >= K


@pytest.mark.parametrize("view", ["cluster_tiers", "cluster_parts"])
def test_users_of_a_cluster_and_its_parts(analyst: Connection, city: City, view: str) -> None:
    """A cluster's users without its shown parts are k at least, or none; so are the hurt, and the others."""
    attribute = "'vip_level' AS attribute, tier AS value" if view == "cluster_tiers" else "attribute, value"
    told = frame(analyst, f"SELECT cluster_id, {attribute}, users, users_hurt FROM api.{view}")  # noqa: S608 - ours
    with connect(city.dsn) as owner:
        truth = frame(
            owner,
            "SELECT cluster_id, 'vip_level' AS attribute, api.label(tier) AS value, users, users_hurt "
            "FROM cem.cluster_tier UNION ALL "
            "SELECT cluster_id, 'segment', api.label(segment), users, users_hurt FROM cem.cluster_segment",
        )
    rows = told.merge(truth, on=["cluster_id", "attribute", "value"], suffixes=("_told", ""))
    assert not rows.empty
    rows["good"], rows["good_told"] = rows["users"] - rows["users_hurt"], rows["users_hurt_told"]
    for column in ("users", "users_hurt", "good"):
        hidden = rows[rows[f"{column}_told"].isna() & (rows[column] > 0)]
        left = hidden.groupby(["cluster_id", "attribute"])[column].sum()
        assert (left >= K).all(), column
        seen = rows[rows[f"{column}_told"].notna()]
        assert ((seen[column] == 0) | (seen[column] >= K)).all(), column
        assert (seen[f"{column}_told"] % 5 == 0).all(), column


def test_risks_of_a_cluster(analyst: Connection) -> None:
    """Whom a cluster makes complain: users told to 5, complaints none or k."""
    told = frame(analyst, "SELECT exposed, others, exposed_complaints, other_complaints FROM api.cluster_risks")
    assert not told.empty
    assert (told[["exposed", "others"]] % 5 == 0).all(axis=None)
    for column in ("exposed_complaints", "other_complaints"):
        assert not told[column].between(1, K - 1).any(), column


def test_alerts_tell_users_as_everywhere(connection: Connection, database: str) -> None:
    """To 5, none below k, of a cluster's alert none whose others are below k; the message says nothing of it."""
    connection.execute(
        "INSERT INTO cem.cluster VALUES ('c', 'sessions', 'network', 'core', '{}', now(), now(), NULL, 50, 90, 1, 0, "
        "0, 0, 1, '[]', 3, 'look', 1, now())"
    )
    detail = '{"users": 43, "tiers": [{"tier": "gold", "users": 41}], "domain": "core"}'
    for name, kind, users in (
        ("few", "drop", 9),
        ("many", "drop", 43),
        ("close", "cluster", 49),
        ("half", "cluster", 32),
    ):
        connection.execute(
            "INSERT INTO cem.alert (alert_id, rule, subject, severity, state, started_at, detail, updated_at, kind, "
            "cluster_id, users) "
            "VALUES (%(name)s, 'r', %(name)s, 'warning', 'firing', now(), %(detail)s, now(), %(kind)s, 'c', %(users)s)",
            {"name": name, "detail": detail, "kind": kind, "users": users},
        )
    with connect(database, role="cem_analyst", autocommit=True) as asked:
        told = asked.execute("SELECT alert_id, users, detail FROM api.alerts").fetchall()
    assert {name: users for name, users, _ in told} == {"few": None, "many": 45, "close": None, "half": 30}
    assert all(detail == {"domain": "core"} for *_, detail in told)


def test_windows_of_a_cluster(analyst: Connection, city: City) -> None:
    """A cluster's window of fewer than k users shows nothing."""
    with connect(city.dsn) as owner:
        truth = frame(owner, "SELECT cluster_id, start, users FROM cem.cluster_window")
    rows = frame(analyst, "SELECT cluster_id, start, n, bad, expected FROM api.cluster_windows").merge(
        truth, on=["cluster_id", "start"]
    )
    assert rows.loc[rows["users"] < K, ["n", "bad", "expected"]].isna().all().all()
    assert rows.loc[rows["users"] >= K, "n"].notna().all()
