"""The worked examples of the 3GPP KPIs, to the digits their sources print."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kpi
from kpi import engine, intervals
from kpi.catalogue import Catalogue, load

CATALOGUE = load((Path(kpi.__file__).parent / "catalogue.toml").read_text(encoding="utf-8"))
START = pd.Timestamp("2026-03-01T00:00Z")


def frame(*rows: tuple[str, int, int, dict[str, float]], suspect: frozenset[str] = frozenset()) -> pd.DataFrame:
    """Build a counters frame of (object, start second, period, counters)."""
    flat = [
        (name, START + pd.Timedelta(seconds=start), period, counter, float(value), counter in suspect)
        for name, start, period, values in rows
        for counter, value in values.items()
    ]
    return pd.DataFrame(flat, columns=list(engine.COLUMNS))


def one(counters: pd.DataFrame, kpi: str, catalogue: Catalogue = CATALOGUE, **options: object) -> pd.Series:
    result = engine.evaluate(counters, catalogue, **options)  # type: ignore[arg-type]  # of a dict
    found = result[result["kpi"] == kpi]
    assert len(found) == 1, result
    return found.iloc[0]


ACCESS = {
    "RRC.ConnEstabAtt": 7, "RRC.ConnEstabSucc": 2, "S1SIG.ConnEstabAtt": 8, "S1SIG.ConnEstabSucc": 3,
    "ERAB.EstabInitAttNbr": 9, "ERAB.EstabInitSuccNbr": 4, "ERAB.EstabAddAttNbr": 10, "ERAB.EstabAddSuccNbr": 5,
}  # fmt: skip


def test_lte_accessibility_of_initial_added_and_combined_bearers() -> None:
    cell = frame(("c1", 0, 900, ACCESS))
    assert one(cell, "InitialEPSBEstabSR")["value"] == pytest.approx(4.7619, abs=5e-5)
    assert one(cell, "AddedEPSBEstabSR")["value"] == pytest.approx(50)
    assert one(cell, "EPSBServiceEstabSR")["value"] == pytest.approx(4.7619 / 2, abs=5e-5)


def test_accessibility_from_sub_counters_is_that_of_totals() -> None:
    split = {
        "RRC.ConnEstabAtt.mo-Data": 4, "RRC.ConnEstabAtt.mt-Access": 3, "RRC.ConnEstabSucc.mo-Data": 2,
        "S1SIG.ConnEstabAtt": 8, "S1SIG.ConnEstabSucc": 3,
        "ERAB.EstabInitAttNbr.9": 5, "ERAB.EstabInitAttNbr.1": 4,
        "ERAB.EstabInitSuccNbr.9": 3, "ERAB.EstabInitSuccNbr.1": 1,
    }  # fmt: skip
    assert one(frame(("c1", 0, 900, split)), "InitialEPSBEstabSR")["value"] == pytest.approx(4.7619, abs=5e-5)


def test_ip_throughput_is_volume_over_time() -> None:
    cell = frame(("c1", 0, 900, {"DRB.IPVolDl": 55e3, "DRB.IPTimeDl": 100e3}))  # 55e6 bit in 100 s
    assert one(cell, "IPThpDl")["value"] == pytest.approx(550)


def test_nr_handover_example() -> None:
    values = {
        "MM.HoExeInterReq": 800, "MM.HoExeIntraReq": 460, "MM.HoExeInterSucc": 400, "MM.HoExeIntraSucc": 230,
        "MM.HoPrepInterReq": 300, "MM.HoPrepInterSucc": 150,
    }  # fmt: skip
    assert one(frame(("c1", 0, 900, values)), "GRANHOSR")["value"] == pytest.approx(25)


def test_lte_mobility_from_the_real_counters() -> None:
    values = {
        "HO.IntraEnbOutAtt.sum": 100, "HO.IntraEnbOutSucc.sum": 90, "HO.InterEnbOutAtt": 100, "HO.InterEnbOutSucc": 90,
        "HO.InterEnbOutPrepAtt": 125, "HO.InterEnbOutPrepSucc": 100,
    }  # fmt: skip
    assert one(frame(("c1", 0, 900, values)), "MobilitySR")["value"] == pytest.approx(100 * 0.9 * 0.8)
    # Successes alone, without their attempts, take no part.
    del values["HO.IntraEnbOutAtt.sum"]
    assert one(frame(("c1", 0, 900, values)), "HOExeSR")["denominator"] == 100


@pytest.mark.parametrize(
    ("start", "length", "rows", "expected"),
    [
        (7, 13, [(10, 10, 8, 4)], (0.384615, 0.615385)),
        (10, 15, [(10, 10, 8, 4)], (1 / 3, 2 / 3)),
        (10, 30, [(10, 10, 8, 4), (30, 10, 50, 50)], (0.62069, 0.95402)),
        (10, 10, [(10, 10, 8, 4)], (0.5, 0.5)),
    ],
)
def test_interval_of_missing_time(
    start: int, length: int, rows: list[tuple[int, int, int, int]], expected: tuple[float, float]
) -> None:
    counters = frame(
        *[("c1", s, t, {"ERAB.EstabAddAttNbr": att, "ERAB.EstabAddSuccNbr": succ}) for s, t, att, succ in rows]
    )
    edges = pd.DatetimeIndex([START + pd.Timedelta(seconds=start), START + pd.Timedelta(seconds=start + length)])
    row = one(counters, "AddedEPSBEstabSR", windows=edges)
    assert (row["missing_lo"] / 100, row["missing_hi"] / 100) == pytest.approx(expected, abs=5e-6)
    assert row["coverage"] == pytest.approx(sum(t for _, t, _, _ in rows) / length)
    assert ("incomplete" in row["flags"]) == (row["coverage"] < 1)


def test_nothing_observed_leaves_all_open() -> None:
    row = one(
        frame(("c1", 0, 900, {"ERAB.EstabAddAttNbr": np.nan, "ERAB.EstabAddSuccNbr": np.nan})), "AddedEPSBEstabSR"
    )
    assert np.isnan(row["value"])
    assert (row["missing_lo"], row["missing_hi"], row["coverage"], row["n_periods"]) == (0, 100, 0, 0)


def test_wilson_and_poisson_intervals() -> None:
    low, high = intervals.wilson(np.array([98.0, 8.0]), np.array([100.0, 10.0]))
    assert low == pytest.approx([0.9300, 0.490], abs=5e-4)
    assert high == pytest.approx([0.9945, 0.943], abs=5e-4)
    low, high = intervals.poisson(np.array([0.0, 10.0]), np.array([1.0, 1.0]))
    assert low == pytest.approx([0, 4.795], abs=1e-3)
    assert high == pytest.approx([3.689, 18.390], abs=1e-3)


def test_units_of_the_counters() -> None:
    values = {
        "DRB.RlcSduDelayDl": 50, "DRB.AirIfDelayDl": 30, "DRB.PdcpSduVolumeDL": 1000, "DRB.PdcpSduVolumeUL": 10,
        "DRB.PacketLossRateUl": 2500, "RRU.CellUnavailableTime": 9, "RRU.PrbUsedDl": 60, "RRU.PrbAvailDl": 100,
    }  # fmt: skip
    cell = frame(("c1", 0, 900, values))
    assert one(cell, "DLDelay_gNBDU")["value"] == pytest.approx(8.0)  # ms, from 0.1 ms
    assert one(cell, "PacketLossRateUl")["value"] == pytest.approx(0.25)  # %, from 1e-6
    assert one(cell, "CellAvailability")["value"] == pytest.approx(99.0)
    assert one(cell, "PrbUtilDl")["value"] == pytest.approx(60)


def test_retainability_counts_events_per_second() -> None:
    values = {
        "ERAB.RelActNbr.9": 3,
        "ERAB.SessionTimeUE": 6000,
        "ERAB.SessionTimeQCI.9": 5000,
        "ERAB.EstabInitSuccNbr": 60,
    }
    cell = frame(("c1", 0, 900, values))
    assert one(cell, "ERABRetainR2")["value"] == pytest.approx(0.0005)
    assert one(cell, "ERABRetainR1.9")["value"] == pytest.approx(0.0006)
    drop = one(cell, "ERABDropRate")
    assert drop["value"] == pytest.approx(5)
    assert drop["lo"] < 5 < drop["hi"]


def test_drb_accessibility_per_5qi_leaves_signalling_out() -> None:
    values = {
        "RRC.ConnEstabAtt.mo-Signalling": 50, "RRC.ConnEstabSucc.mo-Signalling": 1, "RRC.ConnEstabAtt.mo-Data": 10,
        "RRC.ConnEstabSucc.mo-Data": 9, "UECNTXT.ConnEstabAtt.moData": 10, "UECNTXT.ConnEstabSucc.moData": 10,
        "UECNTXT.ConnEstabAtt.moSignalling": 5, "UECNTXT.ConnEstabSucc.moSignalling": 0,
        "DRB.EstabAtt.9": 10, "DRB.EstabSucc.9": 8, "DRB.EstabAtt.1": 10, "DRB.EstabSucc.1": 10,
        "DRB.EstabAtt.010003e8": 20, "DRB.EstabSucc.010003e8": 18,
    }  # fmt: skip
    cell = frame(("c1", 0, 900, values))
    assert one(cell, "DRBAccessibility.9")["value"] == pytest.approx(72)
    assert one(cell, "DRBAccessibility.1")["value"] == pytest.approx(90)
    total = one(cell, "DRBAccessibility")
    assert total["value"] == pytest.approx(81)  # one family of sub-counters, not both
    assert total["flags"] == ""
    only_totals = {name: v for name, v in values.items() if name.startswith("DRB.")} | {
        "RRC.ConnEstabAtt": 10, "RRC.ConnEstabSucc": 9, "UECNTXT.ConnEstabAtt": 1, "UECNTXT.ConnEstabSucc": 1,
    }  # fmt: skip
    assert one(frame(("c1", 0, 900, only_totals)), "DRBAccessibility")["flags"] == "not_split"


def test_slices_have_their_own_success_rate() -> None:
    cell = frame(
        ("c1", 0, 900, {
            "SM.PDUSessionSetupReq.010003e8": 10, "SM.PDUSessionSetupSucc.010003e8": 9,
            "SM.PDUSessionSetupReq.01": 30, "SM.PDUSessionSetupSucc.01": 27,
        })
    )  # fmt: skip
    assert one(cell, "PDUSessionSetupSR.010003e8")["value"] == pytest.approx(90)
    assert one(cell, "PDUSessionSetupSR.01")["denominator"] == 30
    assert one(cell, "PDUSessionSetupSR")["denominator"] == 10
