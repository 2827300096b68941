"""Bad days: counted, in a row, ago; whatever the order, and never out of too few sessions."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cemaphore.catalogues import packaged
from cemaphore.pipeline.scoring import score
from cemaphore.settings import load_settings
from qoe.catalogue import parse
from qoe.persistence import Persistence, PersistenceRules, penalty, persistence
from records.errors import ConfigError
from store.connection import Connection
from tests.web_hours import HOUR, add_web

RULES = PersistenceRules()
days = st.dictionaries(st.integers(0, 27), st.tuples(st.integers(0, 9), st.floats(0, 1)), max_size=28)


def _of(table: dict[int, tuple[int, int]], rules: PersistenceRules = RULES) -> Persistence:
    """Of one user: age in days, 0 the newest of 28, to (n, bad)."""
    age = 27 - np.array(list(table), dtype=np.int64)
    n, bad = (np.array([row[place] for row in table.values()], dtype=np.int64) for place in (0, 1))
    return persistence(np.zeros(len(age), dtype=np.int64), 1, age, n, bad, rules)


def test_a_week_by_hand() -> None:
    """Good today, bad the two days before, too little three days ago, bad four days ago, good on the other two."""
    made = _of({0: (8, 1), 1: (6, 3), 2: (4, 4), 3: (1, 1), 4: (5, 5), 5: (9, 0), 6: (9, 4)})
    assert (made.known_days[0], made.bad_days[0], made.longest_run[0]) == (6, 3, 3)
    assert made.last_bad[0] == 26
    assert made.bad_day_share[0] == pytest.approx(0.5)
    fading = 0.5 ** (np.array([0, 1, 2, 4, 5, 6]) / 7)
    assert made.recent_share[0] == pytest.approx(fading[1:4].sum() / fading.sum())
    assert made.term[0] == pytest.approx((0.5 + made.recent_share[0]) / 2)


def test_a_good_day_ends_a_run_and_no_day_is_no_good_day() -> None:
    assert _of({0: (5, 5), 1: (5, 0), 2: (5, 5), 3: (5, 5)}).longest_run[0] == 2
    assert _of({0: (5, 5), 9: (5, 5), 20: (5, 5)}).longest_run[0] == 3
    nothing = _of({})
    assert nothing.known_days[0] == nothing.bad_days[0] == nothing.longest_run[0] == 0
    assert nothing.last_bad[0] == -1
    assert np.isnan([nothing.bad_day_share[0], nothing.recent_share[0], nothing.term[0]]).all()
    good = _of({0: (5, 0)})
    assert good.term[0] == 0
    assert good.last_bad[0] == -1


@given(st.lists(days, min_size=1, max_size=5), st.randoms())
def test_users_are_alone_order_is_nothing_and_everything_is_bounded(people: list, random: object) -> None:
    rows = [
        (user, 27 - age, n, round(part * n)) for user, table in enumerate(people) for age, (n, part) in table.items()
    ]
    random.shuffle(rows)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    columns = [np.array([row[place] for row in rows], dtype=np.int64) for place in range(4)]
    together = persistence(columns[0], len(people), *columns[1:], RULES)
    for user, table in enumerate(people):
        alone = _of({age: (n, round(part * n)) for age, (n, part) in table.items()})
        for name, column in vars(together).items():
            np.testing.assert_allclose(column[user], vars(alone)[name][0], err_msg=name)
        bad = {age for age, (n, part) in table.items() if n >= 3 and round(part * n) >= 0.5 * n}
        assert together.bad_days[user] == len(bad)
        assert together.longest_run[user] <= len(bad)
        assert np.isnan(together.term[user]) or 0 <= together.term[user] <= 1


@given(days)
def test_nothing_changes_while_no_day_enters_or_leaves(table: dict[int, tuple[int, float]]) -> None:
    """A quiet day later the figures are the same, so only users whose days changed are counted again."""
    age = np.array(list(table), dtype=np.int64)
    n = np.array([row[0] for row in table.values()], dtype=np.int64)
    bad = np.array([round(row[0] * row[1]) for row in table.values()], dtype=np.int64)
    nobody = np.zeros(len(age), dtype=np.int64)
    now, later = (
        persistence(np.append(nobody, 1), 2, np.append(30 - age, 30 + more), np.append(n, 9), np.append(bad, 9), RULES)
        for more in (0, 5)
    )
    for name, column in vars(now).items():
        np.testing.assert_allclose(vars(later)[name][0], column[0], rtol=1e-12, err_msg=name)


def test_a_later_bad_day_never_lowers_the_term() -> None:
    terms = [_of({age: (5, 5 if age == bad else 0) for age in range(7)}).term[0] for bad in range(7)]
    assert terms == sorted(terms, reverse=True)


def test_the_penalty_is_off_as_shipped_and_bounded() -> None:
    rules = parse(packaged("qoe")).persistence
    assert rules == PersistenceRules()
    assert penalty(np.array([0.0, 0.5, 1.0, np.nan]), rules).tolist() == [1, 1, 1, 1]
    found = penalty(np.array([0.0, 0.5, 1.0, np.nan]), PersistenceRules(penalty=0.2))
    assert found.tolist() == pytest.approx([1, 0.9, 0.8, 1])
    text = packaged("qoe")
    for old, new in (("penalty = 0 ", "penalty = 1 "), ("half_life_days = 7", "half_life_days = 0")):
        with pytest.raises(ConfigError, match=r"index\.persistence"):
            parse(text.replace(old, new))


def test_periods_hold_the_bad_days_of_the_local_days(database: str, connection: Connection, tmp_path: Path) -> None:
    """Bad on the first and third of three days: stored once, its age grows with the days that follow."""
    settings = load_settings(home=tmp_path)
    for number, load_ms in enumerate((9000.0, 900.0, 9000.0)):
        add_web(connection, HOUR + timedelta(days=number), batch=number + 1, load_ms=load_ms)
    score(database, settings)
    found = connection.execute(
        "SELECT DISTINCT days, known_days, bad_days, longest_bad_run, days_since_bad, persistence_c "
        "FROM api.customer_periods ORDER BY days"
    ).fetchall()
    assert found == [(7, 3, 2, 1, 0, 0.0), (28, 3, 2, 1, 0, 0.0)]
    add_web(connection, HOUR + timedelta(days=4), users=2, batch=9)
    score(database, settings)
    ages = connection.execute(
        "SELECT days_since_bad, known_days, count(*) FROM api.customer_periods WHERE days = 7 GROUP BY 1, 2 ORDER BY 2"
    ).fetchall()
    assert ages == [(2, 3, 22), (2, 4, 2)]


def test_a_penalty_takes_its_share_off_the_index_and_is_a_contribution(
    database: str, connection: Connection, tmp_path: Path
) -> None:
    add_web(connection, HOUR, load_ms=9000.0)
    score(database, load_settings(home=tmp_path))
    query = "SELECT customer_key, overall, hi FROM api.customer_periods WHERE days = 7 ORDER BY 1"
    before = connection.execute(query).fetchall()
    (tmp_path / "quality.toml").write_text(packaged("qoe").replace("penalty = 0 ", "penalty = 0.2 "), encoding="utf-8")
    score(database, load_settings(home=tmp_path), start=HOUR)
    after = connection.execute(query).fetchall()
    assert [row[1] for row in after] == pytest.approx([0.8 * row[1] for row in before], rel=1e-5)
    assert [row[2] for row in after] == pytest.approx([0.8 * row[2] for row in before], rel=1e-5)
    for overall, parts in connection.execute(
        "SELECT overall, network_c + device_c + app_c + coalesce(service_c, 0) + prior_c + persistence_c "
        "FROM api.customer_periods"
    ):
        assert 100 - overall == pytest.approx(parts, abs=1e-3)
