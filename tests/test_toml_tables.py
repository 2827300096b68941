"""Errors of operators' TOML files name the line that is wrong."""

import pytest

from alerts.toml_tables import tables
from records.errors import ConfigError

TEXT = '''# receivers
[[receiver]]
name = "noc"
address = """
https://example.org/
"""
severities = [
  "critical",  # the worst
  "warning",
]
match.region = ["west"]

[[receiver]]
name = "care"
[receiver.match]
region = ["east"]

[[silence]]
name = "night"
'''


def test_tables_and_keys_have_their_lines() -> None:
    found = tables(TEXT, file="receivers.toml", known=frozenset({"receiver", "silence"}))
    first, second = found["receiver"]
    assert (first.line, second.line, found["silence"][0].line) == (2, 13, 18)
    assert first.lines == {"name": 3, "address": 4, "severities": 7, "match": 11, "match.region": 11}
    assert second.lines == {"name": 14, "match": 15, "match.region": 16}
    assert second.values == {"name": "care", "match": {"region": ["east"]}}


@pytest.mark.parametrize(
    ("key", "line"), [("severities", 7), ("match.region", 11), ("match.app", 11), ("language", 2), ("", 2)]
)
def test_an_error_names_the_nearest_line(key: str, line: int) -> None:
    table = tables(TEXT, file="receivers.toml", known=frozenset({"receiver", "silence"}))["receiver"][0]
    with pytest.raises(ConfigError, match=f"^receivers.toml:{line}: it is wrong$"):
        table.wrong("it is wrong", key)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1", r"f:1: a stands in no table; there are \[\[rule\]\]"),
        ('[[rule]]\nname = "x"\n\n[[ruel]]\n', r"f:4: \[ruel\] is none of \[\[rule\]\]"),
        ("[rule]\na = 1", r"f:1: \[rule\] is none of \[\[rule\]\]"),
        ("[[rule]]\na = =", r"f: this is not valid TOML: .*line 2"),
    ],
)
def test_what_is_no_known_table_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tables(text, file="f", known=frozenset({"rule"}))
