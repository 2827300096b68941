"""Joint effects after weeks of sums: named after the equations without a solution that ended scoring."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, triu

from qoe.effects import joint_effects
from qoe.normal import FACTORS, Normal, empty, normal_of
from store import effects as stored
from store.connection import Connection

WEEKS = 12345.678  # times one day's sessions, with forgetting


@pytest.fixture(scope="module")
def sums() -> Normal:
    """Of a service that is told by its app, and cores that are told by their cells."""
    rng = np.random.default_rng(3)
    levels: dict[str, NDArray[np.integer]] = {name: rng.integers(1, 13, 5000) for name in FACTORS}
    levels["service"], levels["core_node"] = levels["app"] % 3 + 1, levels["cell"] % 2 + 1
    return empty().plus(normal_of(levels, rng.normal(70, 20, (5000, 2))), 1).plus(empty(), WEEKS)


def test_sums_rounded_to_single_precision_have_a_solution_still(sums: Normal) -> None:
    """States of before hold such sums."""
    rounded = replace(sums, cross=csr_array(sums.cross.astype(np.float32).astype(np.float64)))
    exact, made = joint_effects(sums), joint_effects(rounded)
    assert np.isfinite(made.shrunk_se).all()
    np.testing.assert_allclose(made.shrunk, exact.shrunk, atol=0.1)


def test_sums_come_back_as_they_were_kept(connection: Connection, sums: Normal) -> None:
    upper = coo_array(triu(sums.cross))
    first, second = upper.coords
    state = {
        "keys": sums.key,
        "product": sums.product.ravel(),
        "totals": np.concatenate([sums.total, sums.square]),
        "clustering": np.zeros(3),
        "n": np.array(sums.n),
        "days": np.array(1.0),
        "first": first,
        "second": second,
        "sessions": upper.data,
    }
    stored.keep_state(connection, date(2026, 3, 2), state)
    back = stored.read_state(connection)
    assert back is not None
    for name, values in state.items():
        np.testing.assert_array_equal(back[name], values, err_msg=name)
    connection.execute("UPDATE cem.effect_pairs SET sessions = %s", [upper.data.astype("<f4").tobytes()])
    of_before = stored.read_state(connection)
    assert of_before is not None
    np.testing.assert_allclose(of_before["sessions"], upper.data, rtol=1e-6)
