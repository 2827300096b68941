"""Vendors' counter names: each stands for a counter that some KPI uses, and the operator's own files extend them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cemaphore import catalogues
from cemaphore.pipeline.kpis import score_counters
from cemaphore.settings import load_settings
from kpi.vendor_names import Standard, load
from records.errors import ConfigError
from store.connection import Connection
from tests.records import add_counters

SMALL = 'vendor = "V"\nsource = "s"\ngrounding = "own"\n[counters]\n"A.b" = "RRC.ConnEstabAtt"\n'


def test_every_shipped_name_stands_for_a_counter_of_the_catalogue() -> None:
    used = {counter.split(".{")[0] for kpi in catalogues.kpis().kpis.values() for counter in kpi.parsed.counters}
    names = catalogues.vendors().names
    assert len(names) >= 30
    for name, standard in names.items():
        base = ".".join(standard.name.split(".")[:2])
        assert base in used, name


def test_sub_counters_keep_their_suffix_and_others_their_name() -> None:
    found = load(SMALL, file="v.toml")
    assert found.standard("A.b.mo-Data") == Standard(name="RRC.ConnEstabAtt.mo-Data")
    assert found.standard("A.bc") == Standard(name="A.bc")


def test_the_operators_files_extend_and_change_what_is_shipped(tmp_path: Path) -> None:
    folder = tmp_path / "kpi" / "vendors"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(SMALL + '"L.RRC.ConnReq.Att" = { name = "X.y", factor = 2 }\n')
    mine = catalogues.vendors(load_settings(home=tmp_path))
    assert mine.standard("A.b").name == "RRC.ConnEstabAtt"
    assert mine.standard("L.RRC.ConnReq.Att") == Standard(name="X.y", factor=2)
    assert mine.version != catalogues.vendors().version


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('vendor = "V"', "", "v.toml: vendor is missing"),
        ('"own"', '"sure"', "v.toml: grounding is 'sure'; one of published"),
        ('"RRC.ConnEstabAtt"', "7", "v.toml: counters.A.b is 7; write a name"),
        ('"RRC.ConnEstabAtt"', '{ name = "x", factor = 0 }', "counters.A.b: factor is 0"),
        ("[counters]", "[names]", "v.toml: unknown key 'names'"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(SMALL.replace(old, new), file="v.toml")
    assert message in str(caught.value)


def test_kpis_come_out_of_counters_under_vendors_names_which_stay_as_they_are(connection: Connection) -> None:
    values = {
        "huawei": {
            "L.RRC.ConnReq.Att": 200.0, "L.RRC.ConnReq.Succ": 190.0, "L.Thrp.bits.DL": 8e6, "L.Thrp.Time.DL": 1000.0,
        },
        "ericsson": {"pmRrcConnEstabAtt": 100.0, "pmRrcConnEstabSucc": 99.0, "pmCellDowntimeAuto": 90.0},
        "nokia": {"M8013C17": 30.0, "M8013C18": 10.0, "M8013C19": 60.0, "M8013C5": 97.0},
    }  # fmt: skip
    rows = [(cell, name, value) for cell, given in values.items() for name, value in given.items()]
    end, hour = datetime(2026, 3, 1, 12, 15, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC)
    columns = {
        "object_id": [row[0] for row in rows], "counter": [row[1] for row in rows], "value": [row[2] for row in rows],
        "time": [end] * len(rows), "period_s": [900] * len(rows), "suspect": [False] * len(rows),
    }  # fmt: skip
    add_counters(connection, columns)
    score_counters(connection, catalogues.kpis(), [hour], lambda: None, catalogues.vendors())
    found = dict(
        connection.execute(
            "SELECT api.label(object_id) || ' ' || kpi, value FROM cem.kpi_value WHERE value IS NOT NULL"
        ).fetchall()
    )
    assert found["huawei RRCConnEstabSR"] == pytest.approx(95)
    assert found["huawei IPThpDl"] == pytest.approx(8000)
    assert found["ericsson RRCConnEstabSR"] == pytest.approx(99)
    assert found["ericsson CellAvailability"] == pytest.approx(90)
    assert found["nokia RRCConnEstabSR"] == pytest.approx(97)
    stored = connection.execute("SELECT count(*) FROM cem.label WHERE kind = 'counter'").fetchone()
    assert stored == (len(rows),)
