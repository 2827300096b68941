"""The KPI catalogue and its formula language: what is read, what is refused and with which words."""

import dataclasses
import math
import operator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi import engine, names
from kpi.catalogue import load
from kpi.formula import FormulaError, parse
from records.errors import ConfigError
from tests.test_kpi_examples import CATALOGUE, frame, one

OPERATOR = (Path(__file__).parent / "data/kpi/operator.toml").read_text(encoding="utf-8")

ENTRY = """version = "1"
[kpi.X]
title = { zh = "甲", en = "A" }
technology = "lte"
category = "mobility"
kind = "proportion"
formula = "100 * sum(A.Succ) / sum(A.Att)"
unit = "%"
direction = "higher"
clause = "c"
source = "s"
grounding = "own"
"""


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("__import__('os').system('id')", "unexpected `_`", 1),
        ("RRC.__class__", r"unexpected `\.`", 4),
        ("(A.B).real", r"unexpected `\.`", 6),
        ("eval(A.B)", "unknown function `eval`", 1),
        ("A.B ** 9", "no power", 5),
        ("A.B * * 9", r"unexpected `\*`", 7),
        ("A.B[0]", r"unexpected `\[`", 4),
        ("A.B if 1 else 2", "unexpected `i`", 5),
        ("lambda: A.B", "unexpected `:`", 7),
        ("sum(A.B", r"expected `\)`, found the end", 8),
        ("100 * ", "ends early", 7),
        ("", "ends early", 1),
        ("1 + 2", "no counter", 1),
        ("A.B / 0", "division by the constant 0", 6),
        ("A.B / (2 - 2)", "division by the constant 0", 6),
        ("sum(sum(A.B))", "`sum` inside `sum`", 5),
        ("mean(A.B, C.D, E.F)", "at most one weight", 1),
        ("sum(A.{COLOUR})", "unknown placeholder", 5),
        ("1e999 * A.B", "too large", 1),
        ("(" * 5000 + "A.B" + ")" * 5000, "at most 2000 are read", 2001),
        ("(" * 500 + "A.B" + ")" * 500, "nested deeper than 40", 41),
        ("+".join(["A.B"] * 400), "more than 200 operators", 804),
        ("A.B; import os", "unexpected `;`", 4),
        ("except(A.B, )", "expected a cause", 13),
    ],
)
def test_what_is_not_a_formula_is_refused_with_its_position(text: str, message: str, position: int) -> None:
    with pytest.raises(FormulaError, match=message) as caught:
        parse(text)
    assert caught.value.position == position


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="AB.()+-*/,{}5QI 1e_sum", max_size=60))
def test_any_text_parses_or_is_refused_as_a_formula(text: str) -> None:
    try:
        parsed = parse(text)
    except FormulaError as error:
        position = error.position
    else:
        position = 1
        assert parsed.counters
    assert 1 <= position <= len(text) + 1


APPLY = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
Worked = tuple[str, float]


def joined(parts: tuple[Worked, str, Worked]) -> Worked:
    left, op, right = parts
    value = math.nan if op == "/" and right[1] == 0 else APPLY[op](left[1], right[1])
    return f"({left[0]} {op} {right[0]})", value


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.sampled_from([("7", 7.0), ("0.5", 0.5), ("sum(A.X)", 3.0), ("A.Y", 5.0), ("(A.X + A.Y)", 8.0)]),
        lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(joined),
        max_leaves=8,
    )
)
def test_formulas_compute_what_arithmetic_says(worked: Worked) -> None:
    text, expected = worked
    try:
        parse(text)
    except FormulaError:
        return
    entry = ENTRY.replace('kind = "proportion"', 'kind = "quotient"')
    catalogue = load(entry.replace("100 * sum(A.Succ) / sum(A.Att)", text))
    result = engine.evaluate(frame(("a", 0, 900, {"A.X": 3, "A.Y": 5})), catalogue)
    assert result["value"].iloc[0] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('unit = "%"\n', "", r"own.toml: \[kpi.X\]: unit is missing"),
        ('direction = "higher"', 'direction = "up"', "direction is 'up'; one of higher, lower"),
        ('grounding = "own"', 'grounding = "ITU"', "one of published, provisional, proxy, own"),
        ('unit = "%"', 'unit = "%"\ncolour = "red"', "unknown field 'colour'"),
        ('unit = "%"', 'unit = "%"\nbad = 9', "thresholds need threshold_source"),
        ('unit = "%"', 'unit = "%"\nbad = "9"', "bad is '9'; write a number"),
        ('unit = "%"', 'unit = "%"\nbad = nan', "bad is nan; write a number"),
        (
            'unit = "%"',
            'unit = "%"\nbad = 9\nwarn = 5\nthreshold_source = "x"\nthreshold_grounding = "own"',
            "warn should lie above bad",
        ),
        ("sum(A.Att)", "sum(A.Att", r"formula: expected `\)`, found the end at position 30"),
        ("sum(A.Att)", "3", "a proportion is a product of quotients"),
        ('kind = "proportion"', 'kind = "share"\nnote = ""', "note is ''; write a text"),
        ("A.Succ", "A.Succ.{QCI}", "end its name with .{QCI}"),
        ("[kpi.X]", '[kpi."X.{QCI}"]', "take the placeholder out"),
        ("[kpi.X]", '[kpi."1 X"]', "a name has letters"),
        ('zh = "甲", ', "", "title is {'en': 'A'}"),
        ('version = "1"', "version = 1", "version is 1; write a text"),
        ('version = "1"', 'version = "1', "not TOML"),
        ('version = "1"', 'version = "1"\nextra = 2', "unknown key 'extra'"),
    ],
)
def test_a_wrong_catalogue_names_file_entry_and_field(old: str, new: str, message: str) -> None:
    assert old in ENTRY
    with pytest.raises(ConfigError, match=message):
        load(ENTRY.replace(old, new), file="own.toml")


def test_an_operator_file_adds_a_kpi_and_changes_a_limit() -> None:
    merged = load(OPERATOR, file="operator.toml", base=CATALOGUE)
    assert set(merged.kpis) == {*CATALOGUE.kpis, "HuaweiRRCSetupSR"}
    assert (merged.kpis["CellAvailability"].bad, CATALOGUE.kpis["CellAvailability"].bad) == (99.5, 99)
    assert merged.kpis["CellAvailability"].formula == CATALOGUE.kpis["CellAvailability"].formula
    cell = frame(("c1", 0, 900, {"L.RRC.ConnReq.Att": 200, "L.RRC.ConnReq.Succ": 198}))
    assert one(cell, "HuaweiRRCSetupSR", merged)["value"] == pytest.approx(99)


def test_the_version_changes_with_any_entry_and_only_then() -> None:
    merged = load(OPERATOR, base=CATALOGUE)
    assert merged.version.startswith("2026.1+acme-7-")
    assert merged.version == load("# a comment\n" + OPERATOR, base=CATALOGUE).version
    assert merged.version != load(OPERATOR.replace("99.5", "99.6"), base=CATALOGUE).version


def test_every_shipped_kpi_says_where_it_is_from() -> None:
    assert len(CATALOGUE.kpis) >= 40
    for kpi in CATALOGUE.kpis.values():
        assert all(value for name, value in dataclasses.asdict(kpi).items() if name in ("clause", "source", "title_zh"))
        assert kpi.bad is None or kpi.threshold_grounding


@pytest.mark.parametrize(
    ("counter", "base", "suffix", "family"),
    [
        ("RRC.ConnEstabAtt", "RRC.ConnEstabAtt", "", "total"),
        ("RRC.ConnEstabAtt.sum", "RRC.ConnEstabAtt", "sum", "total"),
        ("RRC.ConnEstabAtt.mo-Signalling", "RRC.ConnEstabAtt", "mo-Signalling", "cause"),
        ("DRB.EstabAtt.9", "DRB.EstabAtt", "9", "5qi"),
        ("DRB.EstabAtt.128", "DRB.EstabAtt", "128", "5qi"),
        ("SM.PDUSessionSetupReq.01", "SM.PDUSessionSetupReq", "01", "sst"),
        ("SM.PDUSessionSetupReq.8a", "SM.PDUSessionSetupReq", "8a", "sst"),
        ("SM.PDUSessionSetupReq.010003e8", "SM.PDUSessionSetupReq", "010003e8", "snssai"),
        ("RRU.PrbUsedDl.226F04", "RRU.PrbUsedDl", "226F04", "plmn"),
        ("L.RRC.ConnReq.Att.9.01", "L.RRC.ConnReq.Att", "9.01", "mixed"),
        ("New.Counter.7", "New.Counter", "7", "5qi"),
    ],
)
def test_names_split_into_base_and_suffix(counter: str, base: str, suffix: str, family: str) -> None:
    known = {"RRC.ConnEstabAtt", "DRB.EstabAtt", "SM.PDUSessionSetupReq", "RRU.PrbUsedDl", "L.RRC.ConnReq.Att"}
    assert names.split(counter, known) == (base, suffix)
    assert names.family(suffix) == family
