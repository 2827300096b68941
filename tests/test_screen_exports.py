"""Tables that leave the screens: whole, harmless in a spreadsheet, the same in both formats."""

import csv
import io
from datetime import UTC, datetime

import pandas as pd
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from cemaphore.exporting import as_csv, as_parquet

FRAME = pd.DataFrame(
    {
        "name": ['=HYPERLINK("x")', "+1", "-1", "@a", "\tb", 'say "hi", twice', "小区"],
        "start": [datetime(2026, 3, 1, tzinfo=UTC)] * 6 + [None],
        "selector": [{"site_id": ["s1"]}] * 7,
        "overall": [-1.5, 2.0, None, 4.0, 5.0, 6.0, 7.0],
    }
)


def read(table: bytes) -> list[list[str]]:
    """The rows of a CSV file as a strict reader sees them."""
    return list(csv.reader(io.StringIO(table.decode("utf-8-sig"), newline=""), strict=True))


def test_csv_is_what_spreadsheets_open() -> None:
    written = as_csv(FRAME)
    assert written.startswith(b"\xef\xbb\xbfname,start,selector,overall\r\n")
    rows = read(written)
    assert [row[0] for row in rows[1:6]] == ['\'=HYPERLINK("x")', "'+1", "'-1", "'@a", "'\tb"]
    assert rows[6][0] == 'say "hi", twice'
    assert rows[1][1:] == ["2026-03-01T00:00:00+00:00", '{"site_id": ["s1"]}', "-1.5"]  # a number is no formula
    assert rows[7][0] == "小区"
    assert rows[7][1] == rows[3][3] == ""


@given(st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), min_size=1))
def test_no_text_is_a_formula_and_none_is_lost(texts: list[str]) -> None:
    frame = pd.DataFrame({"text": pd.Series(texts, dtype=object), "end": "|"})
    rows = read(as_csv(frame))[1:]
    assert len(rows) == len(texts)
    for given_text, (written, _) in zip(texts, rows, strict=True):
        assert written == given_text or (written == f"'{given_text}" and given_text[0] in "=+-@\t\r")
        assert not written.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_parquet_keeps_types_and_leaves_text_alone() -> None:
    table = pq.read_table(io.BytesIO(as_parquet(FRAME)))
    assert table["name"].to_pylist() == FRAME["name"].tolist()
    assert table["overall"].to_pylist()[2] is None
    assert table["start"].to_pylist()[0] == datetime(2026, 3, 1, tzinfo=UTC)
    assert table["selector"].to_pylist()[0] == '{"site_id": ["s1"]}'
