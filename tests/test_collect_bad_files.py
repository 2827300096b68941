"""Every way in which a file can be bad: what is said of it, and that its good records went in all the same."""

import gzip
import json
import resource
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from collectors.collection import FileResult, collect
from collectors.options import Options
from store.connection import Connection
from store.intake import Intake

HEADER = "session_id,start_time,subscriber_id,service,success,rtt_client_ms,tac,stall_at_ms\n"
Load = Callable[..., FileResult]


def row(number: int, **given: str) -> str:
    fields = {
        "session_id": f"s{number}",
        "start_time": f"2026-03-01T12:{number % 60:02}:00+08:00",
        "subscriber_id": f"46000{number:010}",
        "service": "web",
        "success": "true",
        "rtt_client_ms": "40.5",
        "tac": "35000001",
        "stall_at_ms": "",
    }
    return ",".join((fields | given).values()) + "\n"


def table(count: int, **wrong: dict[str, str]) -> str:
    return HEADER + "".join(row(number, **wrong.get(f"r{number}", {})) for number in range(1, count + 1))


@pytest.fixture
def load(tmp_path: Path, intake: Intake) -> Load:
    def one(name: str, content: bytes | str, **options: int) -> FileResult:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        (result,) = collect([path], intake=intake, options=Options(**options))  # type: ignore[arg-type]  # of a dict
        return result

    return one


def stored(connection: Connection, table: str = "session") -> int:
    counted = connection.execute(f"SELECT count(*) FROM cem.{table}").fetchone()  # noqa: S608 - ours only
    return int(counted[0]) if counted else -1


def counts(result: FileResult) -> tuple[int, int]:
    assert result.error is None
    return result.stored, result.quarantined


def test_a_truncated_gz_gives_what_is_before_its_end(load: Load, connection: Connection) -> None:
    whole = gzip.compress(table(2000).encode())
    result = load("sessions.csv.gz", whole[: len(whole) // 2])
    assert result.quarantined == 1
    assert 500 < result.stored == stored(connection) < 2000
    assert result.reasons[0].first == (
        "sessions.csv.gz: its gzip data are cut off: the rest is missing; deliver it whole."
    )


def test_a_truncated_zst_gives_what_is_before_its_end(load: Load) -> None:
    lines = [row(number, rtt_client_ms=str((number * 7919) % 100_003)) for number in range(1, 40_001)]
    whole = zstandard.compress((HEADER + "".join(lines)).encode())
    result = load("sessions.csv.zst", whole[: len(whole) // 2])
    assert result.quarantined == 1
    assert result.stored > 1000
    assert result.reasons[0].first.endswith("its zstd data are cut off: the rest is missing; deliver it whole.")


def test_damage_inside_a_gz_is_named(load: Load) -> None:
    whole = bytearray(gzip.compress(table(20).encode()) + gzip.compress(row(21).encode()))
    whole[-6] ^= 0xFF  # the checksum at its end
    result = load("sessions.csv.gz", bytes(whole))
    assert counts(result) == (20, 1)
    assert "its gzip data are damaged" in result.reasons[0].first


def test_a_csv_without_a_required_column_turns_each_record_away_with_one_message(load: Load) -> None:
    result = load("sessions.csv", table(3).replace("session_id", "id", 1))
    assert counts(result) == (0, 3)
    assert result.dropped_columns == ("id",)
    (reason,) = result.reasons
    assert (reason.count, reason.code, reason.column) == (3, "missing_column", "session_id")
    assert reason.first.startswith("sessions.csv: session_id is no column of this file; it is required. Known columns")


def test_an_unknown_column_is_left_out_and_named(load: Load) -> None:
    result = load("sessions.csv", table(3).replace("tac", "colour", 1))
    assert counts(result) == (3, 0)
    assert result.dropped_columns == ("colour",)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rtt_client_ms": "fast"}, "rtt_client_ms is 'fast'; a number is needed"),
        ({"rtt_client_ms": "inf"}, "rtt_client_ms 'inf' is not finite; a finite number is needed"),
        ({"rtt_client_ms": "1e39"}, "rtt_client_ms '1e39' is not finite; a finite number is needed"),
        ({"rtt_client_ms": "-1"}, "rtt_client_ms is '-1'; at least 0 ms is needed"),
        (
            {"service": "telex"},
            "service is 'telex'; one of web, video, voice, gaming, messaging, file, payment is needed",
        ),
        ({"success": "yes"}, "success is 'yes'; true, false, 1 or 0 is needed"),
        ({"success": ""}, "success is missing; it is required"),
        ({"tac": "3500001"}, "tac is '<7 digits>'; 8 digits are needed"),
        ({"stall_at_ms": "10;x"}, "stall_at_ms is '10;x'; whole numbers with ';' between are needed"),
        (
            {"start_time": "2026-03-01T12:02:00"},
            "start_time '2026-03-01T12:02:00' has no offset, and it is not guessed; "
            "write for example 2026-03-01T12:00:00+08:00",
        ),
        (
            {"start_time": "2026-02-30T12:00:00Z"},
            "start_time is '2026-02-30T12:00:00Z'; a time as 2026-03-01T12:00:00+08:00 is needed",
        ),
        (
            {"start_time": "1066-10-14T12:00:00Z"},
            "start_time is '1066-10-14T12:00:00Z'; a time from 1970 to 2199 is needed",
        ),
        ({"start_time": "13800138000"}, "start_time is '<11 digits>'; a time as 2026-03-01T12:00:00+08:00 is needed"),
        (
            {"subscriber_id": "+1"},
            "subscriber_id has not the form of an IMSI (14 or 15 digits), a telephone number or an account",
        ),
    ],
)
def test_one_wrong_value_turns_one_record_away(
    load: Load, connection: Connection, wrong: dict[str, str], message: str
) -> None:
    result = load("sessions.csv", table(3, r2=wrong))
    assert counts(result) == (2, 1)
    assert result.reasons[0].first == f"sessions.csv row 3: {message}"
    quarantined = connection.execute("SELECT row_number, reason, sealed IS NOT NULL FROM cem.quarantine").fetchall()
    assert quarantined == [(3, f"sessions.csv row 3: {message}", True)]


def test_nan_and_empty_are_missing_and_no_error(load: Load, connection: Connection) -> None:
    result = load("sessions.csv", table(2, r1={"rtt_client_ms": "NaN"}, r2={"rtt_client_ms": ""}))
    assert counts(result) == (2, 0)
    row = connection.execute("SELECT count(rtt_client_ms) FROM cem.session").fetchone()
    assert row == (0,)


def test_malformed_lines_are_named_and_the_rest_goes_on(load: Load) -> None:
    lines = table(5).splitlines(keepends=True)
    lines.insert(2, "too,few\n")
    lines.insert(4, "\n")
    result = load("sessions.csv", "".join(lines))
    assert counts(result) == (5, 1)
    assert result.reasons[0].first == "sessions.csv row 3 has 2 fields; 8 are needed."


def test_a_stray_quote_costs_its_own_line_only(load: Load) -> None:
    result = load("sessions.csv", table(5, r2={"rtt_client_ms": '"40'}))
    assert counts(result) == (4, 1)
    assert "quote" in result.reasons[0].first


def test_lines_that_are_no_text_are_named_and_the_rest_goes_on(load: Load) -> None:
    lines = [line.encode() for line in table(4).splitlines(keepends=True)]
    lines[2] = lines[2].replace(b"s2", b"s\xff")
    lines[3] = lines[3].replace(b"s3", b"s\0")
    result = load("sessions.csv", b"".join(lines))
    assert counts(result) == (2, 2)
    assert {reason.code for reason in result.reasons} == {"encoding", "nul"}


def test_an_over_long_record_is_passed_over(load: Load) -> None:
    lines = table(4).splitlines(keepends=True)
    lines[2] = lines[2].replace("s2", "s" * 3_000_000)
    result = load("sessions.csv", "".join(lines))
    assert counts(result) == (3, 1)
    assert result.reasons[0].first == "sessions.csv row 3 is longer than 1048576 bytes."


def test_a_file_in_utf_16_is_said_to_be(load: Load) -> None:
    result = load("sessions.csv", table(3).encode("utf-16"))
    assert result.stored == 0
    assert "it must be UTF-8" in result.reasons[0].first


def test_semicolons_for_commas_are_pointed_out(load: Load) -> None:
    result = load("sessions.csv", table(2).replace(",", ";"))
    assert result.stored == 0
    assert result.notes == ("the header holds no comma: columns are separated by commas.",)


def test_an_xml_with_a_doctype_is_refused(load: Load) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><measCollecFile>&a;</measCollecFile>'
    result = load("counters.xml", bomb)
    assert counts(result) == (0, 1)
    assert "it has a DOCTYPE, which no 3GPP file has" in result.reasons[0].first


def test_a_doctype_in_utf_16_is_refused_too(load: Load) -> None:
    bomb = (
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "aaaa">]><measCollecFile>&a;</measCollecFile>'
    )
    result = load("counters.xml", bomb.encode("utf-16"))
    assert counts(result) == (0, 1)
    assert "it has a DOCTYPE" in result.reasons[0].first


def test_a_parquet_of_another_schema_says_which_columns_it_has(load: Load, tmp_path: Path) -> None:
    pq.write_table(pa.table({"when": [1, 2], "app": ["a", "b"]}), tmp_path / "other")
    result = load("sessions.parquet", (tmp_path / "other").read_bytes())
    assert counts(result) == (0, 2)
    assert result.reasons[0].first == (
        "sessions.parquet: session_id is no column of this file; it is required. Known columns found: app."
    )


def test_parquet_times_without_a_zone_are_refused_and_those_with_one_go_in(load: Load, tmp_path: Path) -> None:
    columns = {"session_id": ["a"], "subscriber_id": [460001234567890], "service": ["web"], "success": [True]}
    start = pa.array([1_772_323_200_000], pa.timestamp("ms"))
    for zone, expected in ((None, (0, 1)), ("Asia/Shanghai", (1, 0))):
        zoned = start if zone is None else start.cast(pa.timestamp("ms", zone))
        pq.write_table(pa.table({**columns, "start_time": zoned}), tmp_path / "other")
        result = load(f"sessions-{zone and 'zoned'}.parquet", (tmp_path / "other").read_bytes())
        assert counts(result) == expected
        assert all("has no time zone" in reason.first for reason in result.reasons)


def test_a_damaged_parquet_is_named(load: Load) -> None:
    result = load("sessions.parquet", b"PAR1 this is none PAR1")
    assert counts(result) == (0, 1)
    assert "its Parquet data cannot be read" in result.reasons[0].first


@pytest.mark.parametrize(("content", "note"), [("", "the file is empty."), (HEADER, "the file holds no records.")])
def test_an_empty_file_is_said_to_be_and_is_no_error(load: Load, content: str, note: str) -> None:
    result = load("sessions.csv", content)
    assert counts(result) == (0, 0)
    assert result.notes == (note,)


def zst_claiming(content: bytes, claimed: int) -> bytes:
    """A zstd frame whose header names another size than it has (RFC 8878 3.1.1.1)."""
    frame = zstandard.ZstdCompressor(write_content_size=False).compress(content)
    assert frame[4] & 0xE0 == 0, "no content size, not a single segment"
    return frame[:4] + bytes([frame[4] | 0xC0]) + frame[5:6] + struct.pack("<Q", claimed) + frame[6:]


def test_a_zst_that_claims_10_gb_allocates_nothing_and_gives_its_rows(load: Load) -> None:
    """All blocks but the last, which libzstd withholds because the size that it was promised is not there."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = load("sessions.csv.zst", zst_claiming(table(8000).encode(), 10 << 30))
    assert result.quarantined == 1
    assert 5000 < result.stored < 8000
    assert "its zstd data cannot be read" in result.reasons[0].first
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_a_zst_that_needs_a_10_gb_window_is_refused(load: Load) -> None:
    header = struct.pack("<I", zstandard.MAGIC_NUMBER and 0xFD2FB528) + bytes([0xE0]) + struct.pack("<Q", 10 << 30)
    result = load("sessions.csv.zst", header + b"\x01\0\0")
    assert (result.stored, result.quarantined) == (0, 1)
    assert "requires too much memory" in result.reasons[0].first


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_what_expands_past_the_ratio_is_stopped(load: Load, compress: Callable[[bytes], bytes]) -> None:
    suffix = "gz" if compress is gzip.compress else "zst"
    content = table(1000).encode() + b"\n" * (40 << 20)
    result = load(f"sessions.csv.{suffix}", compress(content))
    assert (result.stored, result.quarantined) == (1000, 1)
    assert "it expands to more than 200 times its size: the rest was not read" in result.reasons[0].first


def test_wrong_json_lines_are_named_and_the_rest_goes_on(load: Load) -> None:
    names = HEADER.strip().split(",")
    good = [json.dumps(dict(zip(names, row(n).strip().split(","), strict=True))) for n in range(1, 4)]
    lines = [good[0], '{"session_id": ', "[1, 2]", good[1], "[" * 100_000, "", good[2]]
    result = load("sessions.ndjson", "\n".join(lines))
    assert counts(result) == (3, 3)
    assert [reason.code for reason in result.reasons] == ["json"]


def test_a_first_line_of_null_is_named_and_ends_no_process(load: Load) -> None:
    names = HEADER.strip().split(",")
    good = json.dumps(dict(zip(names, row(1).strip().split(","), strict=True)))
    result = load("sessions.ndjson", f"null\n{good}\n")
    assert counts(result) == (1, 1)
    assert result.reasons[0].first == "sessions.ndjson row 1 is a JSON null; an object is needed."


def test_a_header_that_is_none_is_named(load: Load) -> None:
    for header, said in (
        ('session_id,"start', "a quote that is never closed"),
        ("", "is empty"),
        ("a,a", "stands twice"),
    ):
        result = load("sessions.csv", f"{header}\n" + row(1))
        assert counts(result) == (0, 1)
        assert said in result.reasons[0].first


@pytest.mark.parametrize("form", ["csv", "ndjson", "json", "xml"])
def test_no_bytes_end_the_collection(form: str, load: Load) -> None:
    """Files with pieces cut out, doubled and overwritten are collected or named; nothing is raised."""
    random = Random(form)
    ticket = '[{"id": "1", "creationDate": "2026-03-01T00:00:00Z", "relatedParty": [{"id": "7", "role": "customer"}]}]'
    names = HEADER.strip().split(",")
    lines = "".join(json.dumps(dict(zip(names, row(n).strip().split(","), strict=True))) + "\n" for n in range(1, 4))
    pm = (Path(__file__).parent / "data/pm_xml/bodastage_measdata/A2.xml").read_text()
    name, text = {
        "csv": ("sessions.csv", table(3)),
        "ndjson": ("sessions.ndjson", lines),
        "json": ("complaints.json", ticket),
        "xml": ("counters.xml", pm),
    }[form]
    for _ in range(60):
        content = bytearray(text.encode())
        for _ in range(random.choice((1, 2, 5, 20))):
            place = random.randrange(len(content))
            piece = random.choice(
                (b"", b"\0", b"\n", b"\r", b'"', b",", b"{", b"[", b"null", b"<a>", b"\xff", b"\\u0000")
            )
            content[place : place + random.randrange(1, 20)] = piece + bytes(
                content[place : place + random.randrange(9)]
            )
        assert load(name, bytes(content)).error is None


def test_a_file_without_a_header_shows_nobody(load: Load, connection: Connection) -> None:
    result = load("sessions.csv", row(4) + row(5))
    assert counts(result) == (0, 1)
    assert "460000000000004" not in str(result)
    assert "460000000000004" not in str(connection.execute("SELECT reason FROM cem.quarantine").fetchall())


def test_no_message_shows_an_identifier(load: Load, connection: Connection) -> None:
    secret = "460009999999999"
    shifted = HEADER + f"s1,{secret},{secret},{secret},{secret},{secret},{secret},{secret}\n"
    load("sessions.csv", shifted + row(2))
    reasons = connection.execute("SELECT reason FROM cem.quarantine").fetchall()
    assert len(reasons) == 1
    assert secret not in str(reasons)
