"""The KPIs of Open5GS: only metrics that Open5GS exports, and right numbers from scraped counters."""

import csv
from pathlib import Path

import pandas as pd

from cemaphore.catalogues import kpis
from kpi.engine import evaluate

CATALOGUE = Path(__file__).parent / "data" / "open5gs" / "open5gs_metric_catalogue.csv"


def test_no_metric_is_named_that_open5gs_does_not_export() -> None:
    with CATALOGUE.open(encoding="utf-8") as file:
        exported = {row["metric"] for row in csv.DictReader(file)}
    found = [entry for name, entry in kpis().kpis.items() if name.startswith("Open5gs")]
    assert len(found) == 24
    for entry in found:
        assert set(entry.parsed.counters) <= exported, entry.name


def test_scraped_increases_give_the_ratio_and_the_rate() -> None:
    start = pd.Timestamp("2026-03-02T12:00:00Z")
    values = {
        "fivegs_amffunction_rm_reginitreq": (10, 30),
        "fivegs_amffunction_rm_reginitsucc": (9, 27),
        "fivegs_ep_n3_gtp_indatapktn3upf": (600, 300),
        "ran_ue": (4, 8),
    }
    rows = [
        {"object_id": "amf-1", "window_start": start + pd.Timedelta(seconds=15 * n), "period_s": 15, "counter": name,
         "value": float(value), "suspect": False}
        for name, pair in values.items() for n, value in enumerate(pair)
    ]  # fmt: skip
    found = evaluate(pd.DataFrame(rows), kpis(), window_s=900).set_index("kpi")["value"]
    assert found["Open5gsInitRegSR"] == 90
    assert found["Open5gsN3PacketsIn"] == 30
    assert found["Open5gsRanUe"] == 6
    assert "Open5gsPagingSR" not in found
