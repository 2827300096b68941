"""How KPIs are added up: ratios of sums, missing values, suspect periods, roll-ups."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi import engine
from kpi.catalogue import load
from records.errors import DataError
from tests.test_kpi_examples import CATALOGUE, frame, one

SR = "AddedEPSBEstabSR"
ATT, SUCC = "ERAB.EstabAddAttNbr", "ERAB.EstabAddSuccNbr"


def test_no_attempts_is_null_not_zero_nor_perfect() -> None:
    row = one(frame(("c1", 0, 900, {ATT: 0, SUCC: 0})), SR)
    assert np.isnan(row["value"])
    assert np.isnan([row["lo"], row["hi"], row["missing_lo"]]).all()
    assert (row["denominator"], row["coverage"], row["flags"]) == (0, 1, "no_attempts")


def test_zero_is_a_measurement() -> None:
    row = one(frame(("c1", 0, 900, {ATT: 10, SUCC: 0})), SR)
    assert row["value"] == 0
    assert row["hi"] > 25


def test_a_period_that_lacks_one_side_counts_on_neither() -> None:
    row = one(frame(("c1", 0, 900, {ATT: 10, SUCC: 9}), ("c1", 900, 900, {ATT: 90, SUCC: np.nan})), SR, window_s=1800)
    assert (row["value"], row["denominator"], row["n_periods"], row["coverage"]) == (90, 10, 1, 0.5)


def test_suspect_periods_are_left_out_and_counted() -> None:
    good = frame(("c1", 0, 900, {ATT: 10, SUCC: 9}))
    bad = frame(("c1", 900, 900, {ATT: 1000, SUCC: 0}), suspect=frozenset({SUCC}))
    row = one(pd.concat([good, bad]), SR, window_s=1800)
    assert (row["value"], row["n_suspect"], row["n_periods"]) == (90, 1, 1)
    assert row["flags"] == "suspect_excluded,incomplete"


def test_a_suspect_total_is_not_replaced_by_its_sub_counters() -> None:
    row = one(frame(("c1", 0, 900, {ATT: 5, SUCC: 5, SUCC + ".9": 5}), suspect=frozenset({SUCC})), SR)
    assert np.isnan(row["value"])
    assert row["n_suspect"] == 1


def test_sub_counters_count_only_where_the_total_is_absent() -> None:
    rows = frame(
        ("c1", 0, 900, {ATT: 10, ATT + ".1": 99, SUCC: 8}),
        ("c1", 900, 900, {ATT + ".1": 4, ATT + ".9": 6, SUCC + ".9": 7}),
        ("c1", 1800, 900, {ATT: np.nan, ATT + ".1": 10, SUCC: 5}),
    )
    row = one(rows, SR, window_s=2700)
    assert (row["numerator"], row["denominator"]) == (20, 30)


def test_a_nil_sub_counter_makes_the_sum_unknown() -> None:
    assert np.isnan(one(frame(("c1", 0, 900, {ATT + ".1": 4, ATT + ".9": np.nan, SUCC: 4})), SR)["value"])


def test_little_success_above_attempts_is_a_border_effect_and_much_is_not() -> None:
    slight = one(frame(("c1", 0, 900, {ATT: 100, SUCC: 102})), SR)
    assert (slight["value"], slight["numerator"], slight["flags"]) == (100, 102, "")
    much = one(frame(("c1", 0, 900, {ATT: 100, SUCC: 150})), SR)
    assert np.isnan(much["value"])
    assert (much["n_suspect"], "success_above_attempts" in much["flags"]) == (1, True)


def test_a_group_is_the_ratio_of_its_sums() -> None:
    cells = frame(
        ("a", 0, 900, {ATT: 1, SUCC: 0}), ("b", 0, 900, {ATT: 99, SUCC: 99}), ("x", 0, 900, {ATT: 9, SUCC: 0})
    )
    row = one(cells, SR, group={"a": "city", "b": "city"})
    assert (row["object_id"], row["value"], row["n_periods"]) == ("city", 99, 2)


def test_a_silent_object_lowers_the_coverage_of_its_group() -> None:
    cells = frame(
        ("a", 0, 900, {ATT: 10, SUCC: 5}), ("a", 900, 900, {ATT: 10, SUCC: 5}), ("b", 0, 900, {ATT: 10, SUCC: 5})
    )
    result = engine.evaluate(cells, CATALOGUE, group={"a": 1, "b": 1}, kpis=[SR])
    assert list(result["coverage"]) == [1.0, 0.5]
    assert list(result["missing_lo"]) == pytest.approx([50, 25])


def test_throughput_of_a_group_is_weighted_by_volume() -> None:
    cells = frame(
        ("a", 0, 900, {"DRB.UEThpDl": 1000, "DRB.PdcpSduVolumeDL": 1}),
        ("b", 0, 900, {"DRB.UEThpDl": 5000, "DRB.PdcpSduVolumeDL": 3}),
    )
    together = {"a": "g", "b": "g"}
    assert one(cells, "UEThpDl", group=together)["value"] == pytest.approx(4000)
    unweighted = one(cells[cells["counter"] == "DRB.UEThpDl"], "UEThpDl", group=together)
    assert (unweighted["value"], unweighted["flags"]) == (3000, "unweighted")
    partly = one(cells.iloc[:3], "UEThpDl", group=together)
    assert (partly["value"], partly["flags"]) == (3000, "unweighted")


def test_a_mean_is_never_the_sum_of_its_sub_counters() -> None:
    values = {"DRB.UEThpDl.9": 1000, "DRB.UEThpDl.1": 100, "DRB.PdcpSduVolumeDL.9": 8, "DRB.PdcpSduVolumeDL.1": 1}
    assert one(frame(("a", 0, 900, values)), "UEThpDl")["value"] == pytest.approx(900)
    plain = {name: value for name, value in values.items() if "Thp" in name}
    row = one(frame(("a", 0, 900, plain)), "UEThpDl")
    assert (row["value"], row["flags"]) == (550, "unweighted")


def test_a_period_longer_than_the_window_waits_for_a_longer_one() -> None:
    hour = frame(("a", 0, 3600, {ATT: 10, SUCC: 9}))
    assert engine.evaluate(hour, CATALOGUE).empty
    assert one(hour, SR, window_s=3600)["value"] == 90


def test_time_reported_twice_at_different_lengths_counts_once() -> None:
    rows = frame(
        *[("a", s, 900, {ATT: 10, SUCC: 9}) for s in (0, 900, 1800, 2700)], ("a", 0, 3600, {ATT: 40, SUCC: 36})
    )
    row = one(rows, SR, window_s=3600)
    assert (row["denominator"], row["coverage"]) == (40, 1)


def test_the_last_delivery_of_a_period_wins() -> None:
    rows = pd.concat([frame(("a", 0, 900, {ATT: 10, SUCC: 1})), frame(("a", 0, 900, {SUCC: 9}))])
    assert one(rows, SR)["value"] == 90


def test_local_days_of_23_and_25_hours() -> None:
    days = pd.date_range("2026-03-28", periods=4, freq="D", tz="Europe/Berlin")
    starts = pd.date_range(days[0], days[-1], freq="h", inclusive="left").tz_convert("UTC")
    rows = pd.DataFrame({"window_start": starts, "object_id": 5, "period_s": 3600, "suspect": False})
    both = pd.concat([rows.assign(counter=ATT, value=2.0), rows.assign(counter=SUCC, value=1.0)])
    result = engine.evaluate(both, CATALOGUE, windows=days, kpis=[SR])
    assert list(result["denominator"]) == [48, 46, 48]
    assert (result["coverage"] == 1).all()


def test_nr_cells_have_no_lte_products() -> None:
    values = {"RRC.ConnEstabAtt": 5, "RRC.ConnEstabSucc": 5, "RRU.PrbUsedDl": 1, "RRU.PrbAvailDl": 2}
    assert set(engine.evaluate(frame(("a", 0, 900, values)), CATALOGUE)["kpi"]) == {"RRCConnEstabSR", "PrbUtilDl"}


def test_an_empty_frame_gives_an_empty_result_with_its_columns() -> None:
    result = engine.evaluate(frame(), CATALOGUE)
    assert result.empty
    assert tuple(result.columns) == engine.OUTPUT


def test_frames_of_a_database_are_read_as_they_come() -> None:
    plain = frame(("a", 0, 900, {ATT: 10, SUCC: 9}), ("b", 0, 900, {ATT: 10, SUCC: np.nan}))
    typed = plain.assign(
        object_id=plain["object_id"].astype("category"),
        counter=plain["counter"].astype("category"),
        value=pd.Series([10, 9, 10, None], dtype=object),
        suspect=pd.array([None, False, None, False], dtype="boolean"),
    )
    pd.testing.assert_frame_equal(engine.evaluate(typed, CATALOGUE), engine.evaluate(plain, CATALOGUE))


def test_a_frame_that_lacks_a_column_is_refused() -> None:
    with pytest.raises(DataError, match="lacks period_s"):
        engine.evaluate(frame(("a", 0, 900, {ATT: 1})).drop(columns="period_s"), CATALOGUE)


COUNTS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 7), st.integers(0, 500), st.floats(0, 1)),
    min_size=1, max_size=12, unique_by=lambda row: row[:2],
)  # fmt: skip


def attempts(rows: list[tuple[str, int, int, float]]) -> pd.DataFrame:
    return frame(*[(name, slot * 900, 900, {ATT: n, SUCC: round(n * p)}) for name, slot, n, p in rows])


@settings(max_examples=40, deadline=None)
@given(COUNTS)
def test_sums_of_windows_are_the_sums_of_the_long_window(rows: list[tuple[str, int, int, float]]) -> None:
    counters = attempts(rows)
    short = engine.evaluate(counters, CATALOGUE, kpis=[SR])
    long = engine.evaluate(counters, CATALOGUE, kpis=[SR], window_s=7200)
    merged = short.groupby("object_id")[["numerator", "denominator", "n_periods"]].sum()
    again = long.set_index("object_id")[["numerator", "denominator", "n_periods"]]
    pd.testing.assert_frame_equal(merged, again.rename_axis("object_id"), check_dtype=False)
    expected = 100 * merged["numerator"] / merged["denominator"].where(merged["denominator"] > 0)
    np.testing.assert_allclose(long["value"], expected)


@settings(max_examples=40, deadline=None)
@given(COUNTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[tuple[str, int, int, float]], shuffler: object) -> None:
    counters = attempts(rows)
    order = list(range(len(counters)))
    shuffler.shuffle(order)  # type: ignore[attr-defined]  # untyped there
    options = {"group": {"a": "g", "b": "g", "c": "h"}, "window_s": 3600}
    first = engine.evaluate(counters, CATALOGUE, **options)  # type: ignore[arg-type]  # of a dict
    second = engine.evaluate(counters.iloc[order], CATALOGUE, **options)  # type: ignore[arg-type]  # of a dict
    pd.testing.assert_frame_equal(first, second)


@settings(max_examples=40, deadline=None)
@given(COUNTS)
def test_values_lie_in_their_intervals(rows: list[tuple[str, int, int, float]]) -> None:
    result = engine.evaluate(attempts(rows), CATALOGUE, window_s=7200, kpis=[SR]).dropna(subset="value")
    slack = 1e-9
    for low, high in (("lo", "hi"), ("missing_lo", "missing_hi")):
        assert (result[low] - slack <= result["value"]).all()
        assert (result["value"] <= result[high] + slack).all()
        assert result[[low, high]].stack().between(-slack, 100 + slack).all()


def test_an_operator_formula_over_rows_and_sums() -> None:
    own = load(
        """
        version = "t"
        [kpi.Load]
        title = { zh = "负荷", en = "Load" }
        technology = "any"
        category = "utilisation"
        kind = "quotient"
        formula = "100 - 100 * sum(X.Free * X.Width) / sum(X.Width) + 2 * (sum(X.Free) - sum(X.Free)) / 3"
        unit = "%"
        direction = "lower"
        clause = "none"
        source = "ours"
        grounding = "own"
        """
    )
    rows = frame(("a", 0, 900, {"X.Free": 0.5, "X.Width": 1}), ("b", 0, 900, {"X.Free": 0.1, "X.Width": 3}))
    assert one(rows, "Load", own, group={"a": 0, "b": 0})["value"] == pytest.approx(80)
