"""Column mapping files: a vendor's columns, units, codes and times go in as ours; what is wrong in a file is named."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collectors.collection import FileResult, collect
from collectors.mapped import translate
from collectors.mapping import Mapping, load, parse
from collectors.options import Options
from records.errors import ConfigError
from store.connection import Connection
from store.intake import Intake

EXAMPLES = Path(__file__).parent.parent / "deploy" / "mappings"
SMALL = """
name = "m"
kind = "sessions"
[columns]
session_id = { from = "id" }
start_time = { from = "t", format = "epoch_s" }
subscriber_id = { from = "who" }
service = { value = "web" }
success = { value = true }
"""


def one(path: Path, intake: Intake, mappings: tuple[Mapping, ...], **given: Any) -> FileResult:
    (result,) = collect([path], intake=intake, options=Options(mappings=mappings, **given))
    return result


def rows(connection: Connection, *columns: str) -> list[tuple[Any, ...]]:
    names = ", ".join(columns)
    query = f"SELECT {names} FROM cem.session r JOIN cem.source s USING (source_id) ORDER BY session_id"  # noqa: S608
    return connection.execute(query).fetchall()


HTTP_HEADER = (
    "PROBE_ID|RECORD_SEQ|START_TIME_MS|DURATION_S|IMSI|IMEI_TAC|ECI|RAT|APP_NAME|RESULT_CODE|DL_KB|UL_KB|"
    "TCP_RTT_CLIENT_US|TCP_RTT_SERVER_US|FIRST_BYTE_US|PAGE_MS|VENDOR_PRIVATE\n"
)


def test_the_http_probe_example(tmp_path: Path, intake: Intake, connection: Connection) -> None:
    path = tmp_path / "xdr_http_20260301.csv"
    path.write_text(
        HTTP_HEADER
        + "p1|1|1772359200123|2.5|460001234567890|35000001|c1|6|shop|0|1.5|2|31500|-1|120000|900|x\n"
        + "p1|2|1772359200124|1|460001234567890|00000000|0|10|shop|504|0|0|0|-1|-1|-1|x\n"
        + "p1|3|soon|1|460001234567890|00000000|0|99|shop|504|0|0|0|-1|-1|-1|x\n"
    )
    result = one(path, intake, load(EXAMPLES))
    assert (result.kind, result.stored, result.quarantined) == ("sessions", 2, 1)
    assert "start_time is 'soon'; a time as" in result.reasons[0].first
    assert result.dropped_columns == ("VENDOR_PRIVATE",)
    found = rows(
        connection, "session_id", "start_time AT TIME ZONE 'UTC'", "duration_ms", "tac", "api.label(cell_id)",
        "api.label(access)", "success", "api.label(failure_cause)", "bytes_dl", "rtt_client_ms", "rtt_server_ms",
        "page_load_ms",
    )  # fmt: skip
    assert [(row[0], str(row[1]), *row[2:]) for row in found] == [
        ("p1-1", "2026-03-01 10:00:00.123000", 2500, 35000001, "c1", "lte", True, None, 1536, 31.5, None, 900),
        ("p1-2", "2026-03-01 10:00:00.124000", 1000, None, None, "nr", False, "504", 0, None, None, None),
    ]


def test_the_handset_example_reads_local_times_in_the_zone_that_it_states(
    tmp_path: Path, intake: Intake, connection: Connection
) -> None:
    record = {
        "uuid": "u1", "startedAt": "01/03/2026 18:00:00.250", "msisdn": 13800138000, "package": "com.example.tube",
        "networkType": "NR_NSA", "state": "PLAYED", "initialBufferingSeconds": 1.25, "stalls": 2, "stallSeconds": "0.5",
        "playedSeconds": 60, "avgMbps": 4.5, "resolution": "FHD", "rsrp": -101, "sinrTenths": 2147483647,
    }  # fmt: skip
    path = tmp_path / "agent-video-7.ndjson"
    path.write_text(json.dumps(record) + "\n")
    result = one(path, intake, load(EXAMPLES))
    assert (result.stored, result.reasons) == (1, ())
    (found,) = rows(
        connection, "s.name", "start_time AT TIME ZONE 'UTC'", "api.label(app)", "api.label(access)", "startup_ms",
        "stall_ms", "play_ms", "video_kbps", "video_height", "rsrp_dbm", "sinr_db",
    )  # fmt: skip
    assert (found[0], str(found[1])) == ("handset-agent", "2026-03-01 10:00:00.250000")
    assert found[2:] == ("tube", "nr", 1250, 500, 60000, 4500, 1080, -101, None)


def test_the_call_record_example(tmp_path: Path, intake: Intake, connection: Connection) -> None:
    path = tmp_path / "cdr_volte_1.csv"
    path.write_text(
        "CallReference;SeizureTime;ServedMSISDN;AccessType;Answered;ReleaseCause;SetupSeconds;Codec;OneWayDelayMs;"
        "JitterMs;LossDlE4;LossUlE4;RsrpIndex\n"
        "r1;20260301153000+0530;+8613800138000;3GPP-NR;Y;NORMAL;2.1;EVS;45;7;25;65535;41\n"
        "r2;20260301153000+0530;+8613800138000;3GPP-NR;Y;RADIO_LOST;2.1;EVS;45;7;25;65535;255\n"
    )
    result = one(path, intake, load(EXAMPLES))
    assert (result.stored, result.reasons) == (2, ())
    found = rows(
        connection, "start_time AT TIME ZONE 'UTC'", "setup_ms", "loss_dl", "loss_ul", "rsrp_dbm", "dropped",
        "api.label(failure_cause)",
    )  # fmt: skip
    assert str(found[0][0]) == "2026-03-01 10:00:00"
    assert [row[1:] for row in found] == [
        (2100, pytest.approx(0.0025), None, -99, False, None),
        (2100, pytest.approx(0.0025), None, None, True, "RADIO_LOST"),
    ]


def test_parquet_columns_of_any_type_are_mapped(tmp_path: Path, intake: Intake) -> None:
    table = pa.table({"id": [1, 2], "t": [1772359200.5, 1772359201.0], "who": [460001234567890] * 2})
    pq.write_table(table, tmp_path / "x.parquet")
    result = one(tmp_path / "x.parquet", intake, (parse(SMALL, "m.toml"),), mapping="m")
    assert (result.stored, result.reasons) == (2, ())


def test_local_times_that_occur_twice_or_never_are_not_guessed() -> None:
    zoned = '{ from = "t", format = "%Y-%m-%d %H:%M", zone = "Europe/Berlin" }'
    mapping = parse(SMALL.replace('{ from = "t", format = "epoch_s" }', zoned), "m.toml")
    batch = pa.record_batch({"t": ["2026-10-25 02:30", "2026-03-29 02:30", "2026-07-01 12:00", None]})
    times = translate(batch, mapping).column("start_time").to_pylist()
    assert times == ["2026-10-25 02:30", "2026-03-29 02:30", "2026-07-01T10:00:00.000000Z", None]


def test_a_mapping_that_is_asked_for_must_be_there(tmp_path: Path, intake: Intake) -> None:
    (tmp_path / "x.csv").write_text("id\n")
    with pytest.raises(ConfigError, match="there is no mapping 'n'; there are: m"):
        one(tmp_path / "x.csv", intake, (parse(SMALL, "m.toml"),), mapping="n")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "m"', "name =", "m.toml is not valid TOML"),
        ('kind = "sessions"', 'kind = "session"', "m.toml: kind: 'session' is no kind of record"),
        ("session_id =", "sesion_id =", "columns.sesion_id: sessions has no such column; did you mean session_id?"),
        ("session_id =", "app =", "columns.session_id: is missing; sessions cannot be without it"),
        ('{ value = "web" }', '{ value = "telex" }', "columns.service: 'telex' is none of web"),
        ('{ value = "web" }', '{ from = "s", values = { a = "b" } }', "columns.service: 'b' is none of web"),
        ('{ value = "web" }', '{ value = "web", from = "s" }', "columns.service: give either `from`"),
        ('{ from = "id" }', '{ from = "id", scale = 2 }', "columns.session_id: `scale` and `offset` are for numbers"),
        ('{ from = "id" }', '{ from = "id", format = "%Y" }', "columns.session_id: `format` is for times"),
        ('{ from = "id" }', '{ from = "id", unit = "s" }', "columns.session_id.unit: Extra inputs"),
        ('"epoch_s"', '"%d.%m.%Y"', "columns.start_time: times of this format have no offset"),
        ('"epoch_s"', '"epoch_s", zone = "UTC"', "columns.start_time: `zone` is for times with a `format`"),
        ('"epoch_s"', '"%d.%m.%Y", zone = "Peking"', "columns.start_time.zone: is no IANA time zone"),
        ("{ value = true }", '{ from = "r", otherwise = true }', "columns.success: `otherwise` goes with `values`"),
    ],
)
def test_what_is_wrong_in_a_mapping_is_named(old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(SMALL.replace(old, new), "m.toml")
    assert message in str(caught.value)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(SMALL)
    with pytest.raises(ConfigError, match="another file has a mapping 'm'"):
        load(tmp_path)
