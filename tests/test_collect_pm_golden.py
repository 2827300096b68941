"""Every PM file of the field gives the rows that another reader gives; what does not load is named with its reason."""

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from collectors.collection import Reading, collect
from collectors.folders import find
from collectors.options import Options
from collectors.streams import identify
from store.connection import Connection
from store.intake import Intake, Rejected

FOLDER = Path(__file__).parent / "data" / "pm_golden"
GOLDEN: dict[str, Any] = json.loads((FOLDER / "golden.json").read_text(encoding="utf-8"))
REFUSED = {
    "bodastage_measdata__pm.xml": "has no offset",
    "bodastage_nokia__pm.xml": "its root element is OMeS",
    "no_file_header": "it has no fileHeader",
    "no_managed_element": "stands under no managedElement or measEntity",
    "no_measured_entity": "stands under no managedElement or measEntity",
    "many_measvalue__": "that no measType names",
    "manyinfo__": "that no measType names",
    "manyinfo_regex__": "that no measType names",
}


def read(path: Path) -> tuple[list[list[Any]], list[Rejected], tuple[str, ...]]:
    (found,) = find([path], Options(kind="counters"))
    reading = Reading(found, identify(path), Options(), None)
    rows: list[list[Any]] = []
    rejected: list[Rejected] = []
    for item in reading.batches():
        if isinstance(item, Rejected):
            rejected.append(item)
        else:
            rows += _rows(item)
    return sorted(rows, key=lambda row: row[:4]), rejected, reading.said(False)


def _rows(batch: pa.RecordBatch) -> list[list[Any]]:
    names = ("object_id", "counter", "time", "period_s", "value", "bins", "suspect")
    found = []
    for name, counter, time, period, value, bins, suspect in zip(
        *(batch.column(one).to_pylist() for one in names), strict=True
    ):
        stamp = time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        found.append([name, counter, stamp, period, value if bins is None else bins, suspect])
    return found


def written(folder: Path, value: str) -> Path:
    path = folder / "a.xml"
    path.write_text(
        '<measDataFile><fileHeader dnPrefix=""/><measData><measEntity localDn="g"/><measInfo>'
        '<granPeriod duration="PT900S" endTime="2026-03-01T00:15:00Z"/><measType p="1">A</measType>\n'
        f'<measType p="2">B</measType><measValue measObjLdn="c">{value}</measValue>'
        "</measInfo></measData></measDataFile>"
    )
    return path


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_a_file_gives_its_golden_table(name: str) -> None:
    rows, rejected, _ = read(FOLDER / name)
    expected = GOLDEN[name]
    if isinstance(expected, dict):
        assert len(rows) == expected["rows"]
        assert (
            sum(sum(filter(None, row[4])) if isinstance(row[4], list) else row[4] or 0 for row in rows)
            == expected["sum"]
        )
        assert [rows[0], rows[-1]] == [expected["first"], expected["last"]]
    else:
        assert rows == expected
    if rejected:
        assert [text for part, text in REFUSED.items() if part in name and text in rejected[0].reason], rejected[
            0
        ].reason
    else:
        assert expected or "no_measdata" in name or "expected" in name


def test_every_file_is_stored_and_a_second_delivery_is_known(intake: Intake, connection: Connection) -> None:
    options = Options(kind="counters", source="golden")
    results = list(collect([FOLDER / name for name in sorted(GOLDEN)], intake=intake, options=options))
    total = sum(len(rows) if isinstance(rows, list) else rows["rows"] for rows in GOLDEN.values())
    loaded = [result for result in results if not result.already_loaded]
    assert sum(result.stored for result in results) > 5000
    assert sum(result.stored + result.duplicate for result in loaded) <= total
    assert all(result.error is None for result in results)
    again = list(collect([FOLDER / name for name in sorted(GOLDEN)], intake=intake, options=options))
    assert all(result.already_loaded or result.notes for result in again)


@pytest.mark.parametrize(
    ("name", "warned"),
    [
        ("A20000301.1400+0200-1415+0200_x.xml", False),
        ("A20000301.1200+0000-1215+0000_x.xml", False),
        ("A20000301.1400_0200-1415_0200_x.xml", False),
        ("A20000301.1415+0200-1430+0200_x.xml", True),
        ("D20000229.2345-0200-20000302.0000-0200_Domain_-_2.xml", False),
        ("C20000301.1400-1415.xml", False),
        ("anything.xml", False),
    ],
)
def test_a_name_that_contradicts_its_file_is_warned_of_and_the_content_believed(
    name: str, warned: bool, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes((FOLDER / "bodastage_measdata__A2.xml").read_bytes())
    rows, rejected, notes = read(path)
    assert (len(rows), rejected) == (12, [])
    assert notes == (
        (
            "its name says 2000-03-01T12:15Z to 2000-03-01T12:30Z, but a period in it ends at 2000-03-01T12:14:30Z: "
            "the content is believed.",
        )
        if warned
        else ()
    )


@pytest.mark.parametrize(
    "value",
    [
        '<r p="1"><![CDATA[7]]></r><r p="2">8</r>',
        '<r p="1"> 7 </r><!-- <r p="1">0</r> --><r p="2">8</r>',
        "<r p='1'>7</r><r p='2'>8</r>",
        '<r p="2">8</r><r p="1">7</r>',
        '<r p="1">&#55;</r><r p="2">8</r>',
        '<r p="1">7</r>\n<r p="2">8</r>\n<suspect>false</suspect>',
        "<r>7</r><r>8</r>",
        "<measResults>7 8</measResults>",
    ],
)
def test_values_are_the_same_however_they_are_written(value: str, tmp_path: Path) -> None:
    rows, rejected, _ = read(written(tmp_path, value))
    assert rejected == []
    assert [(row[0], row[1], row[4]) for row in rows] == [("g,c", "A", 7), ("g,c", "B", 8)]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ('<r p="1">7</r><r p="2">8</r', "broken_xml"),
        ('<r p="1">7<r p="2">8</r>', "broken_xml"),
        ('<r p="1">7</r><r p="2">x</r>', "number"),
        ('<r p="1">7</r><r p="3">8</r>', "position"),
        ('<r p="1">7</r>\x01<r p="2">8</r>', "broken_xml"),
    ],
)
def test_what_a_parser_refuses_passes_by_no_shortcut(value: str, code: str, tmp_path: Path) -> None:
    _, rejected, _ = read(written(tmp_path, value))
    assert rejected[0].code == code
    if code == "position":
        assert b'<r p="1">7</r><r p="3">8</r>' in rejected[0].payload
