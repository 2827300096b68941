"""Every VES file at hand loads with the right counts, values and UTC times, or is named with its reason."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collectors.collection import FileResult, collect
from collectors.options import Options
from store.connection import Connection
from store.intake import Intake

DATA = Path(__file__).parent / "data" / "ves"
ONAP = DATA / "onap_ves_collector" / "src" / "test" / "resources"
PASSED_OVER = (
    "1 event(s) of domain pnfRegistration hold neither counters nor alarms: passed over.",
    "the file holds no records.",
)
# file: kind, read, stored, duplicate, quarantined; what is in its first reason. Files in the order of their names.
GOLDEN: dict[str, tuple[str, int, int, int, int, str]] = {
    "measurement5x.json": ("counters", 52, 52, 0, 0, ""),
    "measurement7x.json": ("counters", 59, 59, 0, 0, ""),
    "ves4_invalid.json": ("alarms", 1, 0, 0, 1, "of VES 4 or older"),
    "ves4_valid.json": ("alarms", 1, 0, 0, 1, "of VES 4 or older"),
    "ves7_batch_stdnDefined_withDifferentStndDefinedNamespace.json": (
        *("alarms", 2, 1, 0, 1),
        "namespace '3GPP-FaultSupervision2'",
    ),
    "ves7_batch_stdnDefined_withSameStndDefinedNamespace.json": ("alarms", 2, 0, 2, 0, ""),
    "ves7_batch_valid.json": ("alarms", 2, 2, 0, 0, ""),
    "ves7_batch_valid_two_different_domain.json": ("alarms", 2, 0, 2, 0, ""),
    "ves7_batch_with_stndDefined_valid.json": ("alarms", 2, 0, 2, 0, ""),
    "ves7_invalid_30_1_1_event.json": ("alarms", 1, 0, 0, 1, "vesEventListenerVersion is '30.0.1'"),
    "ves7_valid_30_1_1_event.json": ("alarms", 1, 1, 0, 0, ""),
    "ves_stdnDefined_empty_namespace_invalid.json": ("alarms", 1, 0, 0, 1, "stndDefinedNamespace is empty"),
    "ves_stdnDefined_invalid.json": ("alarms", 1, 0, 0, 1, "perceivedSeverity is '1'"),
    "ves_stdnDefined_missing_local_schema_reference.json": ("alarms", 1, 0, 1, 0, ""),
    "ves_stdnDefined_missing_namespace_invalid.json": ("alarms", 1, 0, 0, 1, "stndDefinedNamespace is missing"),
    "ves_stdnDefined_valid.json": ("alarms", 1, 0, 1, 0, ""),
    "ves_stdnDefined_valid_unknown_topic.json": ("alarms", 1, 0, 0, 1, "'3GPP-FaultSupervision-unknown'"),
    "ves_stdnDefined_with_empty_stndDefined_fields_data.json": ("alarms", 1, 0, 0, 1, "notificationType is missing"),
    "ves_stdnDefined_without_schema_reference.json": ("alarms", 1, 0, 0, 1, "notificationType is missing"),
    "ves_stdnDefined_wrong_internal_file_reference.json": ("alarms", 1, 0, 1, 0, ""),
}


@pytest.fixture
def loaded(intake: Intake) -> dict[str, FileResult]:
    return {result.path.name: result for result in collect([ONAP], intake=intake) if result.path.parent == ONAP}


def one(intake: Intake, path: Path) -> list[FileResult]:
    return list(collect([path], intake=intake))


def test_every_file_of_the_onap_collector_is_counted_or_named(loaded: dict[str, FileResult]) -> None:
    for name, result in loaded.items():
        if "_ip_" in name or "_ipv4" in name:
            assert result.notes == PASSED_OVER, name
            assert (result.rows_read, result.quarantined) == (0, 0)
            continue
        kind, read, stored, duplicate, quarantined, why = GOLDEN[name]
        counts = (result.rows_read, result.stored, result.duplicate, result.quarantined)
        assert (result.kind, *counts) == (kind, read, stored, duplicate, quarantined), name
        assert [reason.first for reason in result.reasons if why in reason.first] or not why, name
        assert bool(result.reasons) == bool(why), name
    assert len(loaded) == len(GOLDEN) + 17


def test_alarms_of_the_golden_files(loaded: dict[str, FileResult], connection: Connection) -> None:
    rows = connection.execute(
        "SELECT o.value, time, event_id, alarm_id, s.value, c.value, specific_problem, t.value, k.value, cleared "
        "FROM cem.alarm a JOIN cem.label o ON o.label_id = a.object_id JOIN cem.label s ON s.label_id = a.severity "
        "LEFT JOIN cem.label c ON c.label_id = alarm_condition LEFT JOIN cem.label t ON t.label_id = alarm_type "
        "LEFT JOIN cem.label k ON k.label_id = object_type ORDER BY time, event_id"
    ).fetchall()
    source, moment = "scfx0001vm002cap001", datetime(2014, 10, 15, 13, 2, 52, tzinfo=UTC)
    pilots = ("PilotNumberPoolExhaustion", "Calls cannot complete - pilot numbers are unavailable")
    recording = ("RecordingServerUnreachable", "Recording server unreachable")
    second = datetime(2009, 2, 13, 23, 31, 30, tzinfo=UTC)  # given in seconds
    later = moment.replace(microsecond=10)
    nokia = "stndDefined-gNB_Nokia000001"
    assert loaded
    assert rows == [
        ("Nokia123456", second, f"{nokia}/0", "xyz", "major", "xyz", "xyz", "Environmental Alarm", None, False),
        (source, moment, "fault0000245/1", "fault0000245", "critical", *pilots, None, "other", False),
        (source, moment, "fault0000250/1", "fault0000250", "critical", *pilots, None, "other", False),
        (source, moment, f"{nokia}/1", "1", "indeterminate", "1", "xyz", "COMMUNICATIONS_ALARM", None, False),
        (source, later, "fault0000251/0", "fault0000251", "critical", *recording, None, "other", False),
    ]


def test_milliseconds_and_seconds_are_mended_with_a_note(intake: Intake, connection: Connection) -> None:
    (result,) = one(intake, DATA / "onap_slice_analysis" / "event.json")
    assert (result.kind, result.source, result.stored) == ("counters", "ves", 12)
    assert result.notes == (
        "startEpochMicrosec is in milliseconds; microseconds are needed: multiplied by 1,000.",
        "lastEpochMicrosec is in milliseconds; microseconds are needed: multiplied by 1,000.",
        "granularityPeriod is no number of seconds: the period is the time between start and last, 900 s.",
    )
    rows = connection.execute(
        "SELECT o.value, c.value, time, period_s, suspect, c.value, v.value FROM cem.counter v "
        "JOIN cem.label o ON o.label_id = v.object_id JOIN cem.label c ON c.label_id = v.counter"
    ).fetchall()
    end = datetime(2020, 8, 14, 11, 15, tzinfo=UTC)
    assert {row[2:5] for row in rows} == {(end, 900, False)}
    slices = ("001-100001", "001-100011")
    expected = {
        (f"ncserver1,{cell}", f"SM.PrbUsed{way}.{part}"): float(value)
        for cell, values in (("chn001", "55 53 40 33"), ("chn002", "22 30 22 30"), ("chn003", "25 56 50 40"))
        for (part, way), value in zip(
            [(part, way) for part in slices for way in ("Dl", "Ul")], values.split(), strict=True
        )
    }
    assert {row[:2]: row[6] for row in rows} == expected
    (again,) = one(intake, ONAP / "eventsAfterTransformation" / "ves_stdnDefined_valid.json")
    assert again.notes[0] == "startEpochMicrosec is in seconds; microseconds are needed: multiplied by 1,000,000."


@pytest.mark.parametrize("name", ["measurement5x.json", "measurement7x.json"])
def test_measurements_have_one_name_in_every_version(intake: Intake, connection: Connection, name: str) -> None:
    (result,) = one(intake, ONAP / name)
    assert result.quarantined == 0
    rows = connection.execute(
        "SELECT o.value, c.value, v.value, time, period_s, suspect FROM cem.counter v "
        "JOIN cem.label o ON o.label_id = v.object_id JOIN cem.label c ON c.label_id = v.counter"
    ).fetchall()
    values = {(row[0], row[1]): row[2] for row in rows}
    vm, nic = "bgtnj05vmh01afx", "nicIdentifier=ens2   DNS2_RSLOTPORT_VLAN_CLASSTYPE"
    assert values[f"{vm},cpuIdentifier=cpu2", "cpuUsage.percentUsage"] == 0.52
    assert values[f"{vm},{nic}", "nicPerformance.receivedOctetsAccumulated"] == 1.215192543e9
    assert values[f"{vm},vmIdentifier=RAM", "memoryUsage.memoryFree"] == 6446628
    assert {row[3] for row in rows} == {datetime(2018, 8, 21, 16, 23, 22, 564759, tzinfo=UTC)}
    assert {row[4] for row in rows} == {300}
    assert {row[5] for row in rows if nic in row[0]} == {True}


def test_files_that_hold_no_events_are_named_with_their_reason(intake: Intake) -> None:
    others = [path for path in sorted((DATA / "onap_slice_analysis").glob("*.json")) if path.name != "event.json"]
    results = list(collect(others, intake=intake))
    assert len(results) == 8
    assert all(result.error and result.error.startswith("its kind cannot be told") for result in results)
    for result in collect([DATA / "onap_ves_collector" / "etc"], intake=intake):
        assert result.quarantined == 1
        assert "a document holds event or eventList" in result.reasons[0].first


def test_a_file_of_both_kinds_is_collected_as_both(tmp_path: Path, intake: Intake) -> None:
    fault = json.loads((ONAP / "ves7_valid_30_1_1_event.json").read_text())["event"]
    measured = json.loads((ONAP / "measurement7x.json").read_text())["event"]
    broken = {"commonEventHeader": {}}
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join(json.dumps({"event": event}) for event in (fault, measured, broken, measured)))
    results = one(intake, file)
    counts = [(result.kind, result.stored, result.duplicate, result.quarantined) for result in results]
    assert counts == [("counters", 59, 59, 1), ("alarms", 1, 0, 0)]
    assert [result.already_loaded for result in one(intake, file)] == [True, True]


def test_events_in_a_folder_of_counters_are_told_by_their_content(tmp_path: Path, intake: Intake) -> None:
    folder = tmp_path / "counters" / "edge"
    folder.mkdir(parents=True)
    (folder / "x.json").write_text((ONAP / "ves7_batch_valid.json").read_text())
    (result,) = one(intake, folder)
    assert (result.kind, result.source, result.stored) == ("alarms", "edge", 2)


def test_free_text_of_alarms_is_masked(tmp_path: Path, intake: Intake, connection: Connection) -> None:
    document = json.loads((ONAP / "ves7_valid_30_1_1_event.json").read_text())
    document["event"]["faultFields"]["specificProblem"] = "no answer from 460001234567890"
    (tmp_path / "x.json").write_text(json.dumps(document))
    list(collect([tmp_path], intake=intake, options=Options()))
    row = connection.execute("SELECT specific_problem FROM cem.alarm").fetchone()
    assert row is not None
    assert "460001234567890" not in row[0]
