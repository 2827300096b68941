"""KQI expressions: what they compute, how they treat the unknown, and what they refuse."""

import numpy as np
import pytest

from kqi.expressions import parse
from records.errors import ConfigError

COLUMNS = {"a": np.array([1.0, 0.0, np.nan, 4.0]), "b": np.array([2.0, 0.0, 1.0, np.nan])}


def value(text: str) -> list[float]:
    return list(np.broadcast_to(parse(text, COLUMNS).evaluate(COLUMNS.__getitem__), (4,)))


NAN = pytest.approx(np.nan, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a + b * 2", [5, 0, NAN, NAN]), ("-a - 1", [-2, -1, NAN, -5]), ("b / a", [2, NAN, NAN, NAN]),
     ("a > 0", [1, 0, NAN, 1]), ("a == 0", [0, 1, NAN, 0]), ("not (a > 0)", [0, 1, NAN, 0]),
     ("known(a)", [1, 1, 0, 1]), ("not known(a)", [0, 0, 1, 0]), ("a > 0 and b > 0", [1, 0, NAN, NAN]),
     ("a > 9 and b > 0", [0, 0, NAN, 0]), ("a > 0 or b > 0", [1, 0, 1, 1]), ("known(a) or b", [1, 1, 1, 1]),
     ("1", [1, 1, 1, 1])],
)  # fmt: skip
def test_values(text: str, expected: list[float]) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "c + 1", "a.real", "__import__('os')", "a[0]", "a if b else 1", "a < b < 1", "lambda: 1", "'text'", "True",
     "a ** b", "known(1)", "known(a, b)", "known(a, x=b)", "a; b", "known", "a & b", "(" * 300 + "a" + ")" * 300],
)  # fmt: skip
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(text, COLUMNS)


def test_an_expression_knows_its_columns() -> None:
    assert parse("known(a) and a > 1", COLUMNS).columns == {"a"}
