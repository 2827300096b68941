"""Malformed tables: CSV and NDJSON, and single values that are wrong."""

import json
from collections.abc import Iterator

from tests.corpus_parts import LINES, Bad, as_bytes, csv, ndjson, row


def csv_files() -> Iterator[Bad]:
    text = csv()
    lines = text.splitlines(keepends=True)
    header, first = lines[0], lines[1]
    texts: dict[str, tuple[str | bytes, int | None]] = {
        "empty": (b"", 0),
        "only-newlines": ("\n" * 50, 0),
        "only-nul": (b"\0" * 5000, 0),
        "header-only": (header, 0),
        "header-without-end": (header.rstrip(), 0),
        "no-header": ("".join(lines[1:]), 0),
        "header-twice": (header + text, LINES),
        "duplicate-column": (header.replace("app", "service") + "".join(lines[1:]), 0),
        "unknown-column": (header.replace("app", "colour") + "".join(lines[1:]), LINES),
        "empty-column-name": (header.replace("app", "") + "".join(lines[1:]), LINES),
        "thousand-columns": (header.strip() + "".join(f",x{n}" for n in range(1000)) + "\n" + first, 0),
        "crlf": (text.replace("\n", "\r\n"), LINES),
        "cr-only": (text.replace("\n", "\r"), None),
        "mixed-line-ends": (
            "".join(line.replace("\n", "\r\n") if n % 2 else line for n, line in enumerate(lines)),
            LINES,
        ),
        "no-last-newline": (text.rstrip("\n"), LINES),
        "bom": (b"\xef\xbb\xbf" + text.encode(), LINES),
        "bom-twice": (b"\xef\xbb\xbf\xef\xbb\xbf" + text.encode(), None),
        "utf16-le": (text.encode("utf-16-le"), 0),
        "utf16-be": (text.encode("utf-16-be"), 0),
        "utf16-bom": (text.encode("utf-16"), 0),
        "utf32": (text.encode("utf-32"), 0),
        "utf7": (csv(app="+AGE-").encode(), LINES),
        "ebcdic": (text.encode("cp500"), 0),
        "gb18030": (csv(app="微信").encode("gb18030"), None),
        "big5": (csv(app="微信").encode("big5"), None),
        "shift-jis": (csv(app="テレビ").encode("shift-jis"), None),
        "latin-1": (csv(app="café").encode("latin-1"), 0),
        "one-latin-1-line": ("".join(lines[:3]).encode() + lines[3].replace(",a", ",é").encode("latin-1"), 2),
        "overlong-utf8": (csv(app="X").encode().replace(b"X", b"\xc0\xaf"), 0),
        "surrogate-utf8": (csv(app="X").encode().replace(b"X", b"\xed\xa0\x80"), 0),
        "quoted-newlines": (csv(app='"x\ny"'), LINES),
        "quoted-crlf": (csv(app='"x\r\ny"'), LINES),
        "doubled-quotes": (csv(app='"x""y"'), LINES),
        "open-quote-first": (header + first.replace("web", '"web') + "".join(lines[2:]), LINES - 1),
        "open-quote-last": ("".join(lines[:-1]) + lines[-1].replace("web", '"web'), LINES - 1),
        "quotes-only": (header + '"\n' * 1001, 0),
        "quote-in-header": ('"' + text, 0),
        "too-few-fields": ("".join(lines[:5]) + "a,b\n" + "".join(lines[5:]), LINES),
        "too-many-fields": ("".join(lines[:5]) + first.strip() + ",1,2,3\n" + "".join(lines[5:]), LINES),
        "commas-only": (header + ",,,,,,\n" * 100, 0),
        "semicolons": (text.replace(",", ";"), None),
        "tabs": (text.replace(",", "\t"), None),
        "trailing-comma": (header + "".join(line.replace("\n", ",\n") for line in lines[1:]), 0),
        "line-of-10-mb": ("".join(lines[:5]) + "x" * 10_000_000 + "\n" + "".join(lines[5:]), LINES),
        "header-of-10-mb": ("x" * 10_000_000 + "\n" + "".join(lines[1:]), 0),
        "field-of-2-mb": ("".join(lines[:5]) + first.replace(",a", "," + "x" * 2_000_000) + "".join(lines[5:]), LINES),
        "one-quoted-field-of-2-mb": (header + '"' + ("x" * 60 + "\n") * 30_000, 0),
        "a-million-empty-lines": (header + "\n" * 1_000_000 + first, 1),
        "truncated": (text[:-20], LINES - 1),
        "control-characters": (csv(app="\x01\x02\x1b"), LINES),
        "zip-slip-names": (csv(app="../../etc/passwd"), LINES),
        "formula": (csv(app="=cmd|' /C calc'!A0"), LINES),
        "sql": (csv(app="'; DROP TABLE cem.session; --"), LINES),
        "copy-end-mark": (csv(app="\\."), LINES),
        "rtl-and-joiners": (csv(app="\u202e\u200d\ufeffx"), LINES),
        "astral": (csv(app="\U0001f4f1\U0010fffd"), LINES),
    }
    for name, (content, good) in texts.items():
        yield Bad(name=f"sessions/c/{name}.csv", content=as_bytes(content), good=good)
    yield Bad(name="sessions/c/a..%2f..%2fetc%2fpasswd.csv", content=csv(3, app="slip").encode(), good=3)
    yield Bad(
        name="sessions/c/name with \udcff bytes.csv".encode("utf-8", "surrogateescape").decode("latin-1"),
        content=csv(4, app="name").encode(),
        good=4,
    )


def value_files() -> Iterator[Bad]:
    wrong: dict[str, tuple[object, ...]] = {
        "rtt_client_ms": (
            "1e400",
            "-1e400",
            "inf",
            "-inf",
            "0x10",
            "1,5",
            "１２",
            "9" * 400,
            "1e-400",
            "--1",
            "1_000",
            "true",
        ),
        "start_time": (
            "1e400",
            "0",
            "-1",
            "99999-01-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-03-01T25:00:00Z",
            "2026-03-01T00:00:60Z",
            "2026-03-01",
            "0000-00-00T00:00:00Z",
            "2026-03-01T00:00:00+99:99",
            "9223372036854775807",
            "2026-03-01T00:00:00.123456789123Z",
            "2262-04-12T00:00:00Z",
            "now",
        ),
        "subscriber_id": ("0", "-1", "x" * 2000, "1e14", "4.6e14", "+", "460 00 1", "\u0664\u0666"),
        "success": ("2", "yes", "NULL", "nan", "-0"),
        "service": ("WEB", "telex", "x" * 3000),
        "session_id": ("", "x" * 3000),
        "app": ("x" * 3000, "\ufffe", "NaN", "null"),
    }
    for column, values in wrong.items():
        for number, value in enumerate(values):
            text = csv(10) + ",".join(str(one) for one in row(99, **{column: value}).values()) + "\n"
            yield Bad(name=f"sessions/v/{column}-{number}.csv", content=text.encode(), good=None)
            if number % 3 == 0:
                line = ndjson(10) + json.dumps(row(99, **{column: value})) + "\n"
                yield Bad(name=f"sessions/v/{column}-{number}.ndjson", content=line.encode(), good=None)


def ndjson_files() -> Iterator[Bad]:
    good = ndjson(10)
    lines: dict[str, str | bytes] = {
        "null": "null",
        "true": "true",
        "number": "1",
        "string": '"x"',
        "array": "[]",
        "nested-array": "[" * 200_000,
        "nested-object": '{"a":' * 200_000,
        "nan": '{"session_id": NaN}',
        "infinity": '{"rtt_client_ms": Infinity}',
        "1e400": json.dumps(row(1)).replace('"40.5"', "1e400"),
        "minus-1e400": json.dumps(row(1)).replace('"40.5"', "-1e400"),
        "digits": '{"rtt_client_ms": ' + "9" * 5000 + "}",
        "half": '{"session_id": ',
        "nul": "\0",
        "escape": '{"a": "\\u0000"}',
        "lone-surrogate": json.dumps(row(1, app="\udc80")),
        "duplicate-key": '{"session_id": "a", "session_id": "b"}',
        "two-on-a-line": "{} {}",
        "comma-after": "{},",
        "empty-object": "{}",
        "bom-inside": "\ufeff{}",
        "comment": "// x",
        "single-quotes": "{'a': 1}",
        "unquoted": "{a: 1}",
        "object-value": json.dumps(row(1, app={"a": 1})),
        "array-value": json.dumps(row(1, rtt_client_ms=[1])),
        "bool-value": json.dumps(row(1, session_id=True)),
        "float-id": json.dumps(row(1, subscriber_id=4.6e14)),
        "huge-int": json.dumps(row(1, subscriber_id=10**30)),
        "not-utf8": b'{"a": "\xff"}',
        "10-mb": '{"a": "' + "x" * 10_000_000 + '"}',
        "key-of-2-mb": '{"' + "x" * 2_000_000 + '": 1}',
    }
    for name, line in lines.items():
        content = good.encode() + as_bytes(line) + b"\n" + row_line(11)
        yield Bad(name=f"sessions/n/{name}.ndjson", content=content, good=None)
        first = as_bytes(line) + b"\n" + good.encode()
        yield Bad(name=f"sessions/n/{name}-first.ndjson", content=first, good=None)
    yield Bad(name="sessions/n/gb18030.ndjson", content=ndjson(app="微信").encode("gb18030"), good=LINES)
    yield Bad(name="sessions/n/utf16.ndjson", content=ndjson().encode("utf-16"), good=0)
    yield Bad(name="sessions/n/crlf.ndjson", content=ndjson().replace("\n", "\r\n").encode(), good=LINES)
    yield Bad(name="sessions/n/cut.ndjson", content=ndjson(app="cut").encode()[:-9], good=LINES - 1)


def row_line(number: int) -> bytes:
    return json.dumps(row(number)).encode() + b"\n"
