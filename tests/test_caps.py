"""Caps: no app, cell or session makes up a user's index, and who stays below them is not touched."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cemaphore.catalogues import packaged
from qoe.caps import Caps, session_weights
from qoe.catalogue import parse
from qoe.fares import Observations
from qoe.groups import group_sums, indices
from qoe.indices import APP, NETWORK, IndexRules, Sums, observe, score
from records.errors import ConfigError

CAPS = Caps(most={"app": 3.0, "cell": 5.0})
RULES = IndexRules(prior_weight=10, weights=(0.40, 0.15, 0.30, 0.15), least_coverage=0.5)
rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


def _weights(table: list[tuple[int, int, int]], caps: Caps = CAPS) -> np.ndarray:
    user, app, cell = (np.array(column, dtype=np.int64) for column in zip(*table, strict=True))
    found = session_weights(user, {"app": app.astype(np.int32), "cell": cell.astype(np.int32)}, caps)
    return np.ones(len(table)) if found is None else found


@given(rows)
def test_together_an_app_or_a_cell_weighs_no_more_than_its_cap(table: list[tuple[int, int, int]]) -> None:
    weight = _weights(table)
    assert ((weight > 0) & (weight <= 1)).all()
    for place, most in ((1, 3.0), (2, 5.0)):
        for key in {(row[0], row[place]) for row in table if row[place]}:
            mine = [w for row, w in zip(table, weight, strict=True) if (row[0], row[place]) == key]
            assert sum(mine) <= most + 1e-9
    turned = _weights(table[::-1])[::-1]
    np.testing.assert_array_equal(turned, weight)


@given(rows)
def test_other_users_do_not_change_a_weight(table: list[tuple[int, int, int]]) -> None:
    weight = _weights(table)
    for user in {row[0] for row in table}:
        alone = _weights([(0, app, cell) for mine, app, cell in table if mine == user])
        np.testing.assert_array_equal(alone, weight[[row[0] == user for row in table]])


def test_below_the_caps_and_without_a_known_app_or_cell_every_session_weighs_one() -> None:
    user = np.zeros(9, dtype=np.int64)
    nowhere = {"app": np.zeros(9, dtype=np.int32), "cell": np.zeros(9, dtype=np.int32)}
    assert np.ones(9).tolist() == pytest.approx(session_weights(user, nowhere, CAPS))
    assert session_weights(user[:3], {name: column[:3] for name, column in nowhere.items()}, CAPS) is None
    assert session_weights(user, nowhere, Caps()) is None


def test_an_app_that_retries_cannot_drown_the_rest() -> None:
    """Two hundred failing attempts of one app beside ten good sessions of another, in one hour."""
    app = np.repeat(np.array([1, 2], dtype=np.int32), [200, 10])
    user = np.zeros(210, dtype=np.int64)
    values = np.where(app == 1, 0.0, 90.0)
    found = {}
    for name, caps in (("free", Caps()), ("capped", Caps(most={"app": 10.0}))):
        sums = Sums.zeros(1)
        weight = session_weights(user, {"app": app}, caps)
        for dimension in (NETWORK, APP):
            observe(user, 1, dimension, values, np.full(210, np.log(75.0)), sums, weight=weight)
        assert sums.n[NETWORK, 0] == 210
        found[name] = float(score(sums, RULES).overall[0])
        seen = Observations.of(
            user, user, np.array([values, np.full(210, np.nan), values, np.full(210, np.nan)]),
            np.full(210, np.log(75.0)), user == 0, values < 50, np.zeros(210), weight=weight,
        )  # fmt: skip
        group = group_sums(np.ones(210, dtype=np.int32), seen, RULES)[1]
        assert group.n[0] == 210
        assert indices(group.count, group.total, group.square).mean[-1, 0] == pytest.approx(found[name], rel=1e-5)
    assert found["free"] < 1.5
    assert found["capped"] == pytest.approx(np.exp((10 * np.log(90) + 10 * np.log(75)) / 30))


@given(st.floats(0, 100), st.sampled_from([1.0, 5.0, 10.0]), st.integers(0, 50))
def test_one_session_takes_no_more_than_its_floor_allows(value: float, least: float, others: int) -> None:
    sums = Sums.zeros(1)
    user = np.zeros(others + 1, dtype=np.int64)
    values = np.append(np.full(others, 100.0), value)
    observe(user, 1, NETWORK, values, np.full(others + 1, np.log(100.0)), sums, least_score=least)
    lost = np.log(100) - np.log(score(sums, RULES).dimension[NETWORK, 0])
    assert lost <= (np.log(100) - np.log(least)) / (others + 11) + 1e-9


def test_the_shipped_caps_and_what_is_refused() -> None:
    text = packaged("qoe")
    assert parse(text).caps == Caps(most={"app": 10.0, "cell": 20.0}, least_score=1.0)
    assert parse(text.replace("app = 10 ", "app = 0 ")).caps.most == {"cell": 20.0}
    for old, new in (
        ("app = 10 ", "app = -1 "),
        ("least_score = 1 ", "least_score = 0 "),
        ("cell = 20 ", "sell = 20 "),
    ):
        with pytest.raises(ConfigError, match=r"index\.caps"):
            parse(text.replace(old, new))
