"""Files of many kinds and formats as an operator's systems deliver them, and what a database holds of them."""

import gzip
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from psycopg import sql

from records.kinds import KINDS, ColumnType
from store.connection import Connection

START = datetime(2026, 3, 1, tzinfo=UTC)
_ARRIVAL = {"batch_id", "arrived_at"}
Row = dict[str, Any]


def write(folder: Path, wave: int, *, rows: int = 3000, start: datetime = START) -> list[Path]:
    """One delivery of ten files; those of different waves share subscribers, cells and a few sessions."""
    draw = Random(wave)
    begin = start + timedelta(hours=wave)
    made = [_session(draw, begin, f"{wave}-{number}") for number in range(3 * rows)]
    again = [_session(Random(-wave), begin, f"shared-{wave}-{number}") for number in range(rows // 10)]
    first, second, third = made[:rows], made[rows : 2 * rows], made[2 * rows :]
    second[7]["service"] = "telex"
    files: dict[str, bytes] = {
        f"sessions/probe/{wave:03}-a.csv": _csv(first + again),
        f"sessions/probe/{wave:03}-b.ndjson.gz": gzip.compress(_ndjson(again[::-1] + second), 1),
        f"sessions/probe/{wave:03}-c.parquet": _parquet(third),
        f"counters/oss/{wave:03}.xml": _counters(begin, 40),
        f"cells/plan/{wave:03}.csv": _csv(
            [{"cell_id": f"c{n}", "region": f"r{n % 3}", "lat": wave % 90} for n in range(50)]
        ),
        f"identities/crm/{wave:03}.csv": _csv(
            [{"subscriber_id": _imsi(n), "kind": "msisdn", "value": f"1380013{n:04}"} for n in range(wave, wave + 20)]
        ),
        f"complaints/desk/{wave:03}.json": json.dumps([_ticket(begin, f"{wave}-{n}") for n in range(20)]).encode(),
        f"touchpoints/care/{wave:03}.ndjson.zst": zstandard.compress(
            _ndjson([_touchpoint(draw, begin, f"{wave}-{n}") for n in range(200)])
        ),
        f"surveys/care/{wave:03}.csv": _csv(
            [
                {
                    "survey_id": f"{wave}-{n}", "time": _at(begin, n), "subscriber_id": _imsi(n),
                    "kind": "nps", "score": n % 11,
                }
                for n in range(100)
            ]
        ),
        f"alarms/oss/{wave:03}.csv": _csv(
            [
                {
                    "event_id": f"{wave}-{n}", "time": _at(begin, n), "object_id": f"c{n}", "alarm_id": f"a{n}",
                    "severity": "major", "cleared": "false",
                }
                for n in range(30)
            ]
        ),
    }  # fmt: skip
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return [folder / name for name in files]


def csv_sessions(seed: int, rows: int) -> list[str]:
    """The lines of a table of sessions, its header first."""
    draw = Random(seed)
    return _csv([_session(draw, START, f"{seed}-{number}") for number in range(rows)]).decode().split("\n")[:-1]


def held(connection: Connection) -> dict[str, tuple[int, str]]:
    """Rows and a hash of every record table: labels as names, persons as lookups, and nothing of the arrival."""
    found = {kind.name: _hash(connection, kind.name) for kind in KINDS.values()}
    found["customers"] = _digest(
        connection,
        "SELECT string_agg(lookup::text, ' ' ORDER BY lookup) AS row FROM cem.customer_of "
        "JOIN vault.subject ON token = subscriber_key GROUP BY customer_key",
    )
    found["dirty"] = _digest(connection, "SELECT DISTINCT kind || window_start AS row FROM cem.dirty")
    found["watermarks"] = _digest(
        connection, "SELECT name || kind || watermark AS row FROM cem.watermark JOIN cem.source USING (source_id)"
    )
    found["quarantine"] = _digest(
        connection,
        "SELECT concat_ws('|', kind, name, row_number, code, column_name, reason) AS row FROM cem.quarantine",
    )
    found["ledger"] = _digest(
        connection, "SELECT concat_ws('|', kind, name, rows_read, rows_quarantined, digest) AS row FROM cem.batch"
    )
    return found


def strays(connection: Connection) -> int:
    """Rows that no ledger entry accounts for."""
    total = 0
    for table in sorted({kind.table for kind in KINDS.values()} | {"dirty", "quarantine"}):
        query = sql.SQL(
            "SELECT count(*) FROM {} t WHERE NOT EXISTS (SELECT FROM cem.batch WHERE batch_id = t.batch_id)"
        )
        row = connection.execute(query.format(sql.Identifier("cem", table))).fetchone()
        total += row[0] if row else 0
    return total


def _hash(connection: Connection, kind_name: str) -> tuple[int, str]:
    kind = KINDS[kind_name]
    labels = {column.name for column in kind.columns if column.type is ColumnType.LABEL} | {"holder_kind"}
    persons = {"subscriber_key", "other_key"}
    columns = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1",
        [f"cem.{kind.table}"],
    ).fetchall()
    parts = []
    for (name,) in columns:
        if name in _ARRIVAL:
            continue
        column = sql.Identifier("t", name)
        if name in labels:
            part = sql.SQL("(SELECT value FROM cem.label WHERE label_id = {})").format(column)
        elif name in persons:
            part = sql.SQL("(SELECT lookup::text FROM vault.subject WHERE token = {})").format(column)
        elif name == "source_id":
            part = sql.SQL("(SELECT name FROM cem.source s WHERE s.source_id = {})").format(column)
        else:
            part = sql.SQL("{}::text").format(column)
        parts.append(sql.SQL("coalesce({}, '-')").format(part))
    row = sql.SQL("concat_ws('|', {})").format(sql.SQL(", ").join(parts))
    return _digest(connection, sql.SQL("SELECT {} AS row FROM {} t").format(row, sql.Identifier("cem", kind.table)))


def _digest(connection: Connection, query: Any) -> tuple[int, str]:
    whole = sql.SQL("SELECT count(*), coalesce(md5(string_agg(md5(row), '' ORDER BY row)), '') FROM ({}) AS rows")
    row = connection.execute(whole.format(sql.SQL(query) if isinstance(query, str) else query)).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])


def _session(draw: Random, begin: datetime, name: str) -> Row:
    return {
        "session_id": name,
        "start_time": _at(begin, draw.randrange(3600)),
        "subscriber_id": _imsi(draw.randrange(2000)),
        "service": draw.choice(("web", "video", "voice")),
        "success": draw.random() < 0.97,
        "cell_id": f"c{draw.randrange(50)}",
        "app": f"app{draw.randrange(20)}",
        "tac": f"{35000000 + draw.randrange(30)}",
        "rtt_client_ms": round(draw.expovariate(0.02), 3),
        "bytes_dl": draw.randrange(1 << 40),
    }


def _touchpoint(draw: Random, begin: datetime, name: str) -> Row:
    return {
        "event_id": name, "time": _at(begin, draw.randrange(3600)), "subscriber_id": _imsi(draw.randrange(2000)),
        "channel": "hotline", "wait_s": draw.randrange(600),
    }  # fmt: skip


def _ticket(begin: datetime, name: str) -> Row:
    return {
        "id": name, "creationDate": _at(begin, 60), "ticketType": "slow", "description": f"slow since {name}",
        "relatedParty": [{"id": _imsi(5), "role": "customer"}],
    }  # fmt: skip


def _counters(begin: datetime, cells: int) -> bytes:
    names = " ".join(f"RRC.Counter{number}" for number in range(25))
    infos = []
    for quarter in range(1, 5):
        end = _at(begin, 900 * quarter)
        values = "".join(
            f'<measValue measObjLdn="NRCellDU={cell}"><measResults>'
            + " ".join(str(cell * number + quarter) for number in range(25))
            + "</measResults></measValue>"
            for cell in range(cells)
        )
        infos.append(
            f'<measInfo><granPeriod duration="PT900S" endTime="{end}"/><measTypes>{names}</measTypes>'
            f"{values}</measInfo>"
        )
    return (
        '<?xml version="1.0"?><measDataFile xmlns="http://www.3gpp.org/ftp/specs/archive/28_series/28.550#measData">'
        '<fileHeader dnPrefix="" fileFormatVersion="1"><measDataCollection beginTime="2026-03-01T00:00:00Z"/>'
        f"</fileHeader>"
        f'<measData><measEntity localDn="gnb1"/>{"".join(infos)}</measData></measDataFile>'
    ).encode()


def _csv(rows: Sequence[Row]) -> bytes:
    names = list(rows[0])
    lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def _ndjson(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _parquet(rows: Sequence[Row]) -> bytes:
    held = io.BytesIO()
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    columns["start_time"] = pa.array([datetime.fromisoformat(text) for text in columns["start_time"]])
    pq.write_table(pa.table(columns), held)
    return held.getvalue()


def _imsi(number: int) -> str:
    return f"46000{number:010}"


def _at(begin: datetime, seconds: int) -> str:
    return (begin + timedelta(seconds=seconds)).isoformat()
