"""Every kind in every format goes in whole: real counters and tickets, tables as CSV, NDJSON and Parquet."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from collectors.collection import FileResult, collect
from collectors.folders import find
from collectors.options import Options
from records.kinds import KINDS
from store.connection import Connection
from store.intake import Intake

DATA = Path(__file__).parent / "data"
TIME = "2026-03-01T20:00:00+08:00"
PERSON = "460001234567890"
ROWS: dict[str, list[dict[str, Any]]] = {
    "sessions": [
        {
            "session_id": f"s{number}",
            "start_time": TIME,
            "subscriber_id": PERSON,
            "service": "video",
            "success": True,
            "stall_count": 2,
            "stall_at_ms": [1000, 2000],
            "rtt_client_ms": 31.5,
            "cell_id": "c1",
            "tac": "35000001",
        }
        for number in (1, 2)
    ],
    "counters": [
        {"time": TIME, "period_s": 900, "object_id": "c1", "counter": "RRC.ConnEstabAtt.sum", "value": 7.0},
        {"time": TIME, "period_s": 900, "object_id": "c1", "counter": "RRC.ConnEstabSucc.sum", "suspect": True},
    ],
    "cells": [{"cell_id": "c1", "site_id": "a", "rat": "nr", "lat": 31.2, "lon": 121.4}],
    "devices": [{"tac": "01234500", "brand": "B", "model": "M", "release_year": 2024}],
    "subscribers": [{"subscriber_id": PERSON, "plan": "gold", "consent": True, "tenure_months": 3}],
    "access_nodes": [{"access_node": "olt1", "kind": "olt"}],
    "identities": [{"subscriber_id": PERSON, "kind": "msisdn", "value": "13800138000"}],
    "complaints": [
        {"complaint_id": "k1", "created_at": TIME, "subscriber_id": PERSON, "text": "网络很慢", "satisfaction": 2}
    ],
    "touchpoints": [{"event_id": "e1", "time": TIME, "subscriber_id": PERSON, "channel": "hotline", "wait_s": 30.0}],
    "surveys": [{"survey_id": "v1", "time": TIME, "subscriber_id": PERSON, "kind": "nps", "score": 9.0}],
}


def written(kind: str, form: str) -> bytes:
    rows = ROWS[kind]
    names = list(dict.fromkeys(name for row in rows for name in row))
    if form == "ndjson":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    if form == "csv":
        return "".join(
            [",".join(names) + "\n", *(",".join(_cell(row.get(name)) for name in names) + "\n" for row in rows)]
        ).encode()
    table = pa.table({name: [row.get(name) for row in rows] for name in names})
    for name in names:
        if name in {"time", "start_time", "created_at"}:
            instants = table.column(name).cast(pa.timestamp("us", "Asia/Shanghai"))
            table = table.set_column(names.index(name), name, instants)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ";".join(map(str, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def one(path: Path, intake: Intake, **options: Any) -> FileResult:
    (result,) = collect([path], intake=intake, options=Options(**options))
    return result


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
def test_every_kind_goes_in(form: str, tmp_path: Path, intake: Intake, connection: Connection) -> None:
    for kind in ROWS:
        (tmp_path / f"{kind}-1.{form}").write_bytes(written(kind, form))
    for result in collect([tmp_path], intake=intake):
        assert result.kind is not None
        assert (result.error, result.stored, result.reasons) == (None, len(ROWS[result.kind]), ())
    tables = {kind: connection.execute(f"SELECT count(*) FROM cem.{KINDS[kind].table}").fetchone() for kind in ROWS}  # noqa: S608
    assert tables == {kind: (len(rows),) for kind, rows in ROWS.items()}
    session = connection.execute("SELECT stall_at_ms, tac, rtt_client_ms FROM cem.session LIMIT 1").fetchone()
    assert session == ([1000, 2000], 35000001, 31.5)


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
@pytest.mark.parametrize(("suffix", "compress"), [("gz", gzip.compress), ("zst", zstandard.compress)])
def test_compressed_is_the_same(form: str, suffix: str, compress: Any, tmp_path: Path, intake: Intake) -> None:
    path = tmp_path / f"sessions.{form}.{suffix}"
    path.write_bytes(compress(written("sessions", form)))
    assert one(path, intake).stored == 2


def test_the_same_rows_in_another_file_are_duplicates_and_the_same_file_is_not_read(
    tmp_path: Path, intake: Intake
) -> None:
    csv, parquet = tmp_path / "sessions.csv", tmp_path / "sessions.parquet"
    csv.write_bytes(written("sessions", "csv"))
    parquet.write_bytes(written("sessions", "parquet"))
    assert one(csv, intake).stored == 2
    again = one(parquet, intake)
    assert (again.stored, again.duplicate) == (0, 2)
    assert one(csv, intake).already_loaded


@pytest.mark.parametrize(("kind", "said"), [("counters", "replaces what was said"), ("sessions", "stay as they are")])
def test_a_file_loaded_sent_again_and_corrected_are_told_apart(
    kind: str, said: str, tmp_path: Path, intake: Intake
) -> None:
    """The same bytes are not read again; other bytes under a known name are read, and said to correct."""
    path = tmp_path / f"{kind}.ndjson"
    path.write_bytes(written(kind, "ndjson"))
    assert one(path, intake).notes == ()
    assert one(path, intake).already_loaded
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines(keepends=True)[0])
    corrected = one(path, intake)
    assert not corrected.already_loaded
    assert [note for note in corrected.notes if "came before with other content" in note and said in note]


def test_a_number_may_be_written_as_text_or_text_as_a_number(tmp_path: Path, intake: Intake) -> None:
    path = tmp_path / "sessions.ndjson"
    rows = [dict(row, subscriber_id=int(PERSON), rtt_client_ms="31.5", success=1) for row in ROWS["sessions"]]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = one(path, intake)
    assert (result.stored, result.reasons) == (2, ())


PM_ROWS = {
    "bodastage_measdata/A1.xml": 12,
    "bodastage_measdata/A2.xml": 12,
    "bodastage_measdata/A3.xml": 10,
    "bodastage_measdata/A4.xml": 9,
    "onap_pm_mapper/A20181002.0000-1000-0015-1000_5G.xml.gz": 28,
    "onap_pm_mapper/C20190329.0000-0015.xml": 12,
    "onap_pm_mapper/PM202007171301+020024C202007171207+0200-1215+0200_45678.xml.gz": 28,
    "onap_pm_mapper/filter_lte_meas_results.xml": 4,
    "onap_pm_mapper/filter_lte_meas_type_and_r.xml": 3,
    "onap_pm_mapper/mapper_28.532_meas_type_and_r_many_meas_values.xml": 6,
    "onap_pm_mapper/mapper_28.532_meas_types_and_meas_results_many_meas_values.xml": 6,
    "onap_pm_mapper/validator_lte_no_measdata.xml": 0,
    "onap_pm_mapper/validator_nr_no_measdata.xml": 0,
    "oran_sc_ranpm/pm.xml.gz": 2667,
}
PM_REFUSED = {
    "bodastage_measdata/pm.xml": "has no offset",
    "bodastage_nokia/pm.xml": "its root element is OMeS; measCollecFile (TS 32.435) or measDataFile",
    "onap_pm_mapper/filter_lte_meas_type_and_r_many_measvalue.xml": "has a value p='88' that no measType names",
    "onap_pm_mapper/validator_lte_no_file_header.xml": "it has no fileHeader",
    "onap_pm_mapper/validator_lte_no_managed_element.xml": "stands under no managedElement or measEntity",
    "onap_pm_mapper/validator_nr_no_file_header.xml": "it has no fileHeader",
    "onap_pm_mapper/validator_nr_no_measured_entity.xml": "stands under no managedElement or measEntity",
}


def test_every_real_pm_file_loads_or_is_named_with_its_reason(intake: Intake) -> None:
    folder = DATA / "pm_xml"
    results = {str(result.path.relative_to(folder)): result for result in collect([folder], intake=intake)}
    assert set(results) == set(PM_ROWS) | set(PM_REFUSED)
    assert {name: results[name].rows_read for name in PM_ROWS} == PM_ROWS
    assert not any(results[name].quarantined for name in PM_ROWS)
    for name, message in PM_REFUSED.items():
        assert message in results[name].reasons[0].first


def counters(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT object.value, name.value, time AT TIME ZONE 'UTC', period_s, counter.value, bins, suspect "
        "FROM cem.counter JOIN cem.label object ON object.label_id = object_id "
        "JOIN cem.label name ON name.label_id = counter ORDER BY 1, 2"
    ).fetchall()


def test_a_period_ends_where_its_granularity_period_does_and_vectors_are_kept(
    intake: Intake, connection: Connection
) -> None:
    one(DATA / "pm_xml/onap_pm_mapper/PM202007171301+020024C202007171207+0200-1215+0200_45678.xml.gz", intake)
    rows = counters(connection)
    node = (
        "DC=a1.companyNN.com,SubNetwork=1,IRPAgent=1,SubNetwork=CountryNN,MeContext=MEC-Gbg-1,ManagedElement=RNC-Gbg-1"
    )
    assert {str(row[2]) for row in rows} == {"2000-03-01 12:14:30"}
    assert {row[3] for row in rows} == {900}
    vectors = [row for row in rows if row[5] is not None]
    assert [(row[1], row[4], row[5]) for row in vectors] == [
        ("succTCHSeizures2", None, [86, 87, 2, 6, 77, 96, 75, 33, 24])
    ]
    suspects = {row[0] for row in rows if row[6]}
    assert suspects == {f"{node},RncFunction=RF-1,UtranCell=Gbg-999"}


def pm_file(tmp_path: Path, values: str, prefix: str = "") -> Path:
    path = tmp_path / "a.xml"
    path.write_text(
        f'{prefix}<?xml version="1.0"?>'
        '<measDataFile xmlns="http://www.3gpp.org/ftp/specs/archive/28_series/28.550#measData">'
        '<fileHeader dnPrefix="" fileFormatVersion="1">'
        '<measDataCollection beginTime="2026-03-01T00:00:00Z"/></fileHeader>'
        '<measData><measEntity localDn="gnb1"/>'
        '<measInfo measInfoId="x"><granPeriod duration="PT60S" endTime="2026-03-01T09:34:23+05:30"/>'
        f'<measTypes>A B</measTypes><measValue measObjLdn="">{values}</measValue></measInfo>'
        '<measInfo measInfoId="x"><granPeriod duration="PT1M" endTime="2026-03-01T09:35:23+05:30"/>'
        '<measType p="7">A</measType><measValue measObjLdn=""><r p="7">NIL</r></measValue></measInfo></measData>'
        "</measDataFile>"
    )
    return path


def test_pm_files_of_the_field(tmp_path: Path, intake: Intake, connection: Connection) -> None:
    """A prolog before the XML declaration, half-hour offsets, two periods of one measInfo, NIL, an empty object."""
    stylesheet = '<?xml-stylesheet type="text/xsl" href="x.xsl"?>\n'
    result = one(pm_file(tmp_path, "<measResults>1 2.5</measResults>", stylesheet), intake)
    assert result.reasons == ()
    assert result.notes == ("the XML declaration is not at the start: what stands before it was dropped.",)
    assert [(row[0], row[1], str(row[2]), row[3], row[4]) for row in sorted(counters(connection), key=str)] == [
        ("gnb1", "A", "2026-03-01 04:04:23", 60, 1.0),
        ("gnb1", "A", "2026-03-01 04:05:23", 60, None),
        ("gnb1", "B", "2026-03-01 04:04:23", 60, 2.5),
    ]


def test_a_list_of_another_length_is_refused_and_the_rest_goes_in(tmp_path: Path, intake: Intake) -> None:
    result = one(pm_file(tmp_path, "<measResults>1 2 3</measResults>"), intake)
    assert (result.stored, result.quarantined) == (1, 1)
    assert "has 3 values for 2 counters" in result.reasons[0].first


def test_a_pm_file_that_breaks_off_gives_what_is_before(tmp_path: Path, intake: Intake) -> None:
    path = pm_file(tmp_path, "<measResults>1 2</measResults>")
    path.write_text(path.read_text()[:-60])
    result = one(path, intake)
    assert (result.stored, result.quarantined) == (2, 1)
    assert "it is broken XML" in result.reasons[0].first


def test_real_tickets_go_in_as_complaints(intake: Intake, connection: Connection) -> None:
    results = {
        result.path.name: result
        for result in collect([DATA / "tmf621"], intake=intake, options=Options(kind="complaints"))
    }
    assert results["TroubleTicket_retrieve_example_response.json"].rows_read == 1
    assert results["TroubleTicket_list_example_response.json"].rows_read == 2
    refused = {name: result.reasons[0].first for name, result in results.items() if result.quarantined}
    assert refused == {
        "TroubleTicket_create_example_request.json": "TroubleTicket_create_example_request.json row 1: "
        "complaint_id is missing; it is required",
        "TroubleTicket_list_with_filter_and_fields_example_response.json": "TroubleTicket_list_with_filter_and_fields_"
        "example_response.json row 1: created_at is missing; it is required",
    }
    row = connection.execute(
        "SELECT channel.value, category.value, status.value, text FROM cem.complaint_now "
        "JOIN cem.label channel ON channel.label_id = channel JOIN cem.label category ON category.label_id = category "
        "JOIN cem.label status ON status.label_id = status WHERE complaint_id = '3256'"
    ).fetchone()
    assert row == (
        "self service",
        "Commerce Issue",
        "resolved",
        "I ordered a new mobile line 2 week ago, but the mobile device did not arrived",
    )


def test_version_4_tickets_name_their_customer_without_a_wrapper(
    tmp_path: Path, intake: Intake, connection: Connection
) -> None:
    ticket = {
        "id": "T1",
        "creationDate": "2026-03-01T08:00:00Z",
        "description": "no signal",
        "relatedParty": [
            {"id": "9", "role": "agent"},
            {"id": "A-77", "role": "Customer", "@referredType": "Individual"},
        ],
        "relatedEntity": [{"id": "c1", "role": "cell"}],
        "troubleTicketCharacteristic": [{"name": "satisfaction", "value": 2}],
    }
    path = tmp_path / "complaints.ndjson"
    path.write_text(json.dumps(ticket) + "\n" + json.dumps(dict(ticket, id="T2")) + "\n")
    assert one(path, intake).stored == 2
    row = connection.execute(
        "SELECT satisfaction, value FROM cem.complaint JOIN cem.label ON label_id = cell_id"
    ).fetchone()
    assert row == (2, "c1")


def test_kind_and_source_are_told_by_folder_then_by_name(tmp_path: Path) -> None:
    for place in (
        "sessions/probe-a/x.csv",
        "sessions/y.csv",
        "access_nodes_1.csv",
        "cells.csv.gz",
        "what.csv",
        "note.md",
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("a\n")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = {str(one.path.relative_to(tmp_path)): (one.kind, one.source) for one in find([tmp_path], Options())}
    assert found == {
        "access_nodes_1.csv": ("access_nodes", "access_nodes"),
        "cells.csv.gz": ("cells", "cells"),
        "sessions/probe-a/x.csv": ("sessions", "probe-a"),
        "sessions/y.csv": ("sessions", "sessions"),
        "what.csv": (None, "unknown"),
    }
