"""Sound records and files to spoil, and ways to spoil them."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

DATA = Path(__file__).parent / "data"
NAMES = ("session_id", "start_time", "subscriber_id", "service", "success", "rtt_client_ms", "app")
LINES = 40
_ITEM = '<measInfo><granPeriod duration="PT900S" endTime="2026-03-01T00:15:00Z"/>'


@dataclass(frozen=True, kw_only=True)
class Bad:
    """One file; `good`: exactly so many records go in, or None where the damage decides."""

    name: str
    content: bytes
    good: int | None = None


def row(number: int, **given: object) -> dict[str, object]:
    return {
        "session_id": f"s{number}",
        "start_time": f"2026-03-01T12:{number % 60:02}:00+08:00",
        "subscriber_id": f"46000{number:010}",
        "service": "web",
        "success": "true",
        "rtt_client_ms": "40.5",
        "app": "a",
        **given,
    }


def csv(count: int = LINES, **given: object) -> str:
    rows = [",".join(str(value) for value in row(number, **given).values()) for number in range(count)]
    return "\n".join([",".join(NAMES), *rows]) + "\n"


def ndjson(count: int = LINES, **given: object) -> str:
    return "".join(json.dumps(row(number, **given)) + "\n" for number in range(count))


def ticket(number: int, **given: object) -> dict[str, object]:
    party = [{"id": f"46000{number:010}", "role": "customer"}]
    return {"id": f"t{number}", "creationDate": "2026-03-01T00:00:00Z", "relatedParty": party, **given}


def pm(values: str, header: str = '<fileHeader dnPrefix="" fileFormatVersion="1"/>', root: str = "measDataFile") -> str:
    element = '<measEntity localDn="g1"/>' if root == "measDataFile" else '<managedElement localDn="g1"/>'
    return f'<?xml version="1.0"?><{root}>{header}<measData>{element}{values}</measData></{root}>'


def measured(count: int, text: str = "1 2") -> str:
    values = "".join(
        f'<measValue measObjLdn="c{number}"><measResults>{text}</measResults></measValue>' for number in range(count)
    )
    return f"{_ITEM}<measTypes>A B</measTypes>{values}</measInfo>"


def parquet(**columns: pa.Array) -> bytes:
    held = io.BytesIO()
    times = pa.array([1_772_323_200_000_000 + number for number in range(LINES)], pa.timestamp("us", "UTC"))
    rows = [row(number) for number in range(LINES)]
    base = {name: pa.array([str(one[name]) for one in rows]) for name in NAMES} | {"start_time": times}
    pq.write_table(pa.table(base | columns), held)
    return held.getvalue()


def damaged(content: bytes, draw: Random) -> bytes:
    """The content with bits flipped, or a piece cut out, doubled or overwritten."""
    held = bytearray(content)
    for _ in range(draw.choice((1, 2, 5, 20))):
        if not held:
            break
        place = draw.randrange(len(held))
        length = draw.randrange(1, 40)
        way = draw.randrange(5)
        if way == 0:
            held[place] ^= 1 << draw.randrange(8)
        elif way == 1:
            del held[place : place + length]
        elif way == 2:
            held[place:place] = held[place : place + length]
        elif way == 3:
            held[place : place + length] = draw.randbytes(length)
        else:
            held[place : place + 4] = draw.choice((b"\xff\xff\xff\xff", bytes(4), b"\x00\x00\x00\x80", b"\n\r\"'"))
    return bytes(held)


def as_bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
