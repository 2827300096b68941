"""What the counters of the cells say that served a customer: anchors, categories, weights by its sessions."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cemaphore import catalogues
from cemaphore.pipeline.serving import serving_cells
from kpi.scores import cell_scores, exposed, parse_scores
from records.errors import ConfigError
from store.connection import connect
from tests.city import City

RULES = catalogues.kpi_scores()
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _values(*rows):
    return pd.DataFrame(
        [(cell, NOON, kpi, value) for cell, kpi, value in rows], columns=["cell", "start", "kpi", "value"]
    )


GOOD = [("A", "RRCConnEstabSR", 99.9), ("A", "IPThpDl", 20_000.0), ("A", "ERABDropRate", 0.1)]


def test_every_anchor_is_100_at_its_best_and_0_at_its_worst():
    for anchor in RULES.anchors.values():
        assert anchor.score(np.array([anchor.best, anchor.worst])).tolist() == [100.0, 0.0]


@given(st.sampled_from(sorted(RULES.anchors)), st.lists(st.floats(0, 1e6), min_size=2, max_size=2))
def test_scores_are_within_bounds_and_rise_in_their_direction(name, values):
    low, high = RULES.anchors[name].score(np.sort(values))
    better = RULES.anchors[name].best > RULES.anchors[name].worst
    assert 0 <= low <= 100
    assert (low <= high) if better else (low >= high)


def test_a_category_is_its_lowest_kpi_and_a_cell_the_weighted_mean_of_what_was_counted():
    table = cell_scores(_values(*GOOD, ("A", "ERABEstabInitSR", 94.75)), RULES).iloc[0]
    assert table["accessibility"] == pytest.approx(50)
    assert table["lowest"] == "ERABEstabInitSR"
    assert table["coverage"] == pytest.approx(0.70)
    assert table["score"] == pytest.approx((0.25 * 50 + 0.2 * 100 + 0.25 * 100) / 0.7)
    assert np.isnan(table["mobility"])


def test_too_little_counted_is_no_score():
    assert np.isnan(cell_scores(_values(GOOD[0]), RULES)["score"]).all()
    assert cell_scores(_values(("A", "SomethingElse", 1.0)), RULES).empty


def test_cells_count_by_the_sessions_in_them():
    bad = [("B", "RRCConnEstabSR", 80.0), ("B", "IPThpDl", 500.0), ("B", "ERABDropRate", 9.0)]
    sessions = pd.DataFrame({"cell": ["A", "B", "C"], "start": [NOON] * 3, "sessions": [3, 1, 4]})
    found = exposed(cell_scores(_values(*GOOD, *bad), RULES), sessions, RULES)
    assert found["score"] == pytest.approx(75)
    assert found["coverage"] == pytest.approx(0.5)
    nothing = exposed(cell_scores(_values(), RULES), sessions, RULES)
    assert np.isnan(nothing["score"])
    assert nothing["coverage"] == 0


def test_an_anchor_on_the_wrong_side_is_refused():
    head = 'version = "1"\nleast_coverage = 0.5\n[weights]\naccessibility = 1\n'
    text = head + '[anchors.{}]\nbest = 1\nworst = 2\nreason = "x"'
    with pytest.raises(ConfigError, match="good side"):
        parse_scores(text.format("RRCConnEstabSR"), catalogues.kpis())
    with pytest.raises(ConfigError, match="no such KPI"):
        parse_scores(text.format("Nothing"), catalogues.kpis())


def test_the_cells_of_a_customer_of_the_city_have_scores(city: City) -> None:
    with connect(city.dsn) as connection:
        row = connection.execute(
            "SELECT customer_key, start FROM cem.user_period WHERE days = 7 ORDER BY n DESC, 1 LIMIT 1"
        ).fetchone()
        assert row is not None
        found = serving_cells(connection, city.settings, row[0], row[1] - timedelta(days=1), row[1] + timedelta(days=1))
        assert serving_cells(connection, city.settings, -1, row[1], row[1] + timedelta(days=1)) is None
    assert found is not None
    assert 20 < found["score"] <= 100
    assert found["coverage"] > 0.9
    assert all(0 <= found[name] <= 100 for name in ("accessibility", "retainability", "integrity", "utilisation"))
    assert found["worst"][0]["score"] <= found["score"]
