"""Malformed documents: TMF621 JSON, 3GPP XML, Parquet, and all that may be wrong with their wrappings."""

import gzip
import json
from collections.abc import Callable, Iterator

import pyarrow as pa
import zstandard

from tests.corpus_parts import LINES, Bad, as_bytes, csv, measured, parquet, pm, ticket


def json_files() -> Iterator[Bad]:
    whole = json.dumps([ticket(number) for number in range(10)])
    texts: dict[str, tuple[str | bytes, int | None]] = {
        "cut": (whole[:-5], 9),
        "no-comma": (whole.replace("}, {", "} {"), None),
        "trailing-comma": (whole[:-1] + ",]", 10),
        "object": (json.dumps(ticket(1)), 1),
        "scalar": ("12", 0),
        "null": ("null", 0),
        "nulls": ("[null, null]", 0),
        "deep": ("[" * 100_000, 0),
        "deep-inside": (json.dumps([ticket(1)])[:-1] + ', {"a":' + "[" * 100_000, None),
        "bom": (b"\xef\xbb\xbf" + whole.encode(), 10),
        "utf16": (whole.encode("utf-16"), 0),
        "nan": ('[{"id": NaN}]', 0),
        "gb18030": (json.dumps([ticket(1, name="网络")], ensure_ascii=False).encode("gb18030"), 0),
        "wrong-types": (json.dumps([ticket(1, channel=5, relatedParty="x", status=[1]), ticket(2)]), None),
        "party-null": (json.dumps([ticket(1, relatedParty=None)]), 0),
        "id-object": (json.dumps([ticket(1, id={"a": 1})]), None),
        "text-of-10-mb": (json.dumps([ticket(1, description="x" * 10_000_000), ticket(2)]), None),
        "nul-in-text": (json.dumps([ticket(1, description="a\0b"), ticket(2)]), None),
        "surrogate": (json.dumps([ticket(1, description="\ud800"), ticket(2)]), None),
        "many-empty": ("[" + "{}," * 30_000 + "{}]", 0),
        "braces": ("{" * 5000 + "}" * 5000, 0),
        "html": ("<html></html>", 0),
        "v5": (json.dumps(ticket(1, relatedParty=[{"role": "customer", "partyOrPartyRole": {"id": None}}])), 0),
    }
    for name, (content, good) in texts.items():
        yield Bad(name=f"complaints/{name}/{name}.json", content=as_bytes(content), good=good)


def xml_files() -> Iterator[Bad]:
    attributes = " ".join(f'a{n}="1"' for n in range(5000))
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bombs = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><measDataFile>&l11;</measDataFile>'
    outside = (
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><measDataFile>&e;</measDataFile>'
    )
    texts: dict[str, tuple[str | bytes, int | None]] = {
        "billion-laughs": (bombs, 0),
        "quadratic": (bombs.replace("&l11;", "&l3;" * 10_000), 0),
        "xxe": (outside, 0),
        "xxe-http": (outside.replace("file:///etc/passwd", "http://127.0.0.1:9/x"), 0),
        "xxe-utf16": (outside.replace('"1.0"', '"1.0" encoding="utf-16"').encode("utf-16"), 0),
        "parameter-entity": ('<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]>' + pm(measured(1)), 0),
        "undefined-entity": (pm(measured(2) + "&nothing;"), 4),
        "deep": ("<a>" * 100_000, 0),
        "deep-inside": (pm(measured(2) + "<a>" * 5000), 4),
        "not-closed": (pm(measured(3))[:-20], 6),
        "empty": ("", 0),
        "other-root": ("<html/>", 0),
        "text": ("hello", 0),
        "nul": (pm(measured(2)).replace("c1", "c\0"), None),
        "latin-1": (
            pm(measured(2)).replace('"1.0"', '"1.0" encoding="latin-1"').replace("c1", "ç").encode("latin-1"),
            None,
        ),
        "gb18030": (
            pm(measured(2)).replace('"1.0"', '"1.0" encoding="gb18030"').replace("c1", "小区").encode("gb18030"),
            None,
        ),
        "lying-encoding": (
            pm(measured(2)).replace('"1.0"', '"1.0" encoding="utf-8"').replace("c1", "ç").encode("latin-1"),
            None,
        ),
        "unknown-encoding": (pm(measured(2)).replace('"1.0"', '"1.0" encoding="klingon"'), None),
        "no-header": (pm(measured(2), header=""), None),
        "values-1e400": (pm(measured(2, "1e400 1")), None),
        "values-text": (pm(measured(2, "x y")), None),
        "values-nan": (pm(measured(2, "NaN inf")), None),
        "values-nil": (pm(measured(2, "NIL NIL")), 4),
        "values-too-many": (pm(measured(2, "1 2 3")), 0),
        "vector-broken": (pm(measured(2, "1,x,2 3")), None),
        "period-0": (pm(measured(2)).replace("PT900S", "PT0S"), 0),
        "period-bad": (pm(measured(2)).replace("PT900S", "900"), 0),
        "period-huge": (pm(measured(2)).replace("PT900S", "P99999999999D"), 0),
        "end-bad": (pm(measured(2)).replace("2026-03-01T00:15:00Z", "yesterday"), 0),
        "collec": (pm(measured(2), root="measCollecFile"), 4),
        "no-offset": (pm(measured(2)).replace("00:15:00Z", "00:15:00"), 0),
        "name-of-2-mb": (pm(measured(2)).replace("c1", "c" * 2_000_000), None),
        "results-of-10-mb": (pm(measured(1, "1 " * 5_000_000)), 0),
        "attributes": (pm(f"<measInfo {attributes}/>"), 0),
        "comments": (pm("<!-- x -->" * 100_000 + measured(1)), 2),
        "cdata": (pm(measured(2)).replace(">1 2<", "><![CDATA[1 2]]><"), 4),
        "instructions": (pm("<?x y?>" * 50_000 + measured(1)), 2),
        "namespaces": (
            pm(measured(2))
            .replace("<measDataFile>", '<m:measDataFile xmlns:m="m">')
            .replace("</measDataFile>", "</m:measDataFile>"),
            4,
        ),
        "100000-unknown": (pm("<x/>" * 100_000 + measured(1)), 2),
        "two-roots": (pm(measured(1)) * 2, 2),
        "zip-slip": (pm(measured(2)).replace("c1", "../../etc/passwd"), 4),
    }
    for name, (content, good) in texts.items():
        yield Bad(name=f"counters/{name}/{name}.xml", content=as_bytes(content), good=good)


def parquet_files() -> Iterator[Bad]:
    whole = parquet()
    yield Bad(name="sessions/p/whole.parquet", content=whole, good=LINES)
    for share in (1, 10, 50, 90, 99):
        yield Bad(name=f"sessions/p/cut-{share}.parquet", content=whole[: len(whole) * share // 100], good=0)
    for name, content in {
        "magic": b"PAR1PAR1",
        "one-magic": b"PAR1",
        "footer-length": whole[:-8] + b"\xff\xff\xff\x7fPAR1",
        "zeros": bytes(5000),
        "no-magic": whole[4:],
        "csv-inside": csv().encode(),
        "footer-zeros": whole[:-400] + bytes(392) + whole[-8:],
    }.items():
        yield Bad(name=f"sessions/p/{name}.parquet", content=content, good=0)
    columns = {
        "int-service": {"service": pa.array([1] * LINES)},
        "list-app": {"app": pa.array([[1]] * LINES)},
        "struct-app": {"app": pa.array([{"a": 1}] * LINES)},
        "nan": {"rtt_client_ms": pa.array([float("nan")] * LINES)},
        "inf": {"rtt_client_ms": pa.array([float("inf")] * LINES)},
        "naive": {"start_time": pa.array([1] * LINES, pa.timestamp("us"))},
        "year-1": {"start_time": pa.array([-(2**62)] * LINES, pa.timestamp("us", "UTC"))},
        "date": {"start_time": pa.array([1] * LINES, pa.date32())},
        "not-utf8": {
            "app": pa.Array.from_buffers(pa.string(), LINES, pa.array([b"\xff"] * LINES, pa.binary()).buffers())
        },
        "not-utf8-id": {
            "subscriber_id": pa.Array.from_buffers(
                pa.string(), LINES, pa.array([b"\xff"] * LINES, pa.binary()).buffers()
            )
        },
        "list-id": {"subscriber_id": pa.array([[1]] * LINES)},
        "map-text": {"session_id": pa.array([{"a": 1}] * LINES)},
        "float-id": {"subscriber_id": pa.array([4.6e14] * LINES)},
        "bool-id": {"session_id": pa.array([True] * LINES)},
        "nulls": {"session_id": pa.nulls(LINES)},
        "decimal": {"rtt_client_ms": pa.array(["1"] * LINES).cast(pa.decimal128(38, 30))},
        "uint64": {"subscriber_id": pa.array([2**64 - 1] * LINES, pa.uint64())},
        "large": {"app": pa.array(["a"] * LINES, pa.large_string())},
    }
    for name, given in columns.items():
        yield Bad(name=f"sessions/p/{name}.parquet", content=parquet(**given), good=None)


def wrapped_files() -> Iterator[Bad]:
    text = csv(2000).encode()
    pack: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "zst": zstandard.compress}
    for suffix, compress in pack.items():
        whole = compress(text)
        variants: dict[str, tuple[bytes, int | None]] = {
            "whole": (whole, 2000),
            "twice": (compress(text[: len(text) // 2]) + compress(text[len(text) // 2 :]), 2000),
            "half": (whole[: len(whole) // 2], None),
            "ten-bytes": (whole[:10], 0),
            "one-byte": (whole[:1], 0),
            "plain": (text, 0),
            "garbage-after": (whole + b"garbage", None),
            "zeros-after": (whole + bytes(600), None),
            "inside-itself": (compress(whole), 0),
            "bomb": (compress(text + b"\n" * 60_000_000), None),
            "bomb-of-bombs": (compress(compress(bytes(50_000_000))), 0),
            "bomb-line": (compress(text + b"x" * 60_000_000), None),
        }
        for name, (content, good) in variants.items():
            yield Bad(name=f"sessions/{suffix}-{name}/{name}.csv.{suffix}", content=content, good=good)
        yield Bad(name=f"sessions/w/p.parquet.{suffix}", content=compress(parquet()), good=LINES)
        yield Bad(name=f"sessions/w/cut.parquet.{suffix}", content=compress(parquet())[:-30], good=0)
        yield Bad(name=f"sessions/w/bomb.parquet.{suffix}", content=compress(bytes(100_000_000)), good=0)
        yield Bad(name=f"counters/w/x.xml.{suffix}", content=compress(pm(measured(5)).encode())[:-9], good=None)
        yield Bad(name=f"complaints/w/t.json.{suffix}", content=compress(json.dumps([ticket(1)]).encode()), good=1)
