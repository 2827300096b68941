"""Rule files: what is read, and that every mistake is told at once with its line and what would be right."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from alerts.quieting import Silence, kept_back
from alerts.rulefile import default_rules, read_rules
from alerts.rules import RuleBook
from records.errors import ConfigError

SHANGHAI = ZoneInfo("Asia/Shanghai")


def test_shipped_rules_are_valid_and_watch_drops_clusters_storms_and_silence() -> None:
    book = default_rules()
    assert {rule.kind for rule in book.rules} == {"drop", "cluster", "storm", "no_data"}
    watched = {attribute for rule in book.of_kind("drop") for attribute in rule.over}
    assert {"all", "region", "site", "cell", "app", "model", "plan", "vip_level"} <= watched
    assert {"overall", "network", "device", "app", "service"} <= {rule.measure for rule in book.of_kind("drop")}


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    text = """
[[rule]]
name = "x"
over = ["moon"]
margin = "a"
colour = 1

[[rule]]
name = "y"
over = ["cell"]
margin = 5
recovery = 7
measure = "kqi:web_los"
m = 5
quiet = [{ from = "22:00" }]

[[rule]]
name = "y"
over = [
  "all",
]
severity = "grave"

[[maintenance]]
name = "router"
start = 2026-03-10T22:00:00
"""
    with pytest.raises(ConfigError) as caught:
        read_rules(text, file="my.toml", known={"kqi": ["web_load_ms"], "kpi": []})
    told = str(caught.value).splitlines()
    expected = {
        4: "x: over is ['moon']; right is: a list of some of",
        5: "x: margin is 'a'; right is: a number from",
        6: "x: colour is 1; right is: no such key; there are",
        12: "y: recovery is 7; right is: below margin (5)",
        13: "y: measure is 'kqi:web_los'; right is: a KQI of the catalogue, as web_load_ms",
        14: "y: m is 5; right is: at most n (4)",
        15: 'y: quiet.to is missing; right is: a local time as "22:00"',
        18: "name is 'y'; right is: a name that no other rule has",
        22: "y: severity is 'grave'; right is: one of info, warning, critical",
        24: "router: end is missing; right is: start and end together",
    }
    for line, text in expected.items():
        assert any(each.startswith(f"my.toml:{line}: {text}") for each in told), (line, told)
    assert len(told) == len(expected)


@pytest.mark.parametrize(("kind", "over"), [("cluster", "sessions"), ("storm", "region")])
def test_values_are_refused_where_no_rule_is_kept_to_them(kind: str, over: str) -> None:
    text = f'[[rule]]\nname = "x"\nkind = "{kind}"\nover = ["{over}"]\nvalues = ["north"]\n'
    with pytest.raises(ConfigError, match=r"my\.toml:5: x: values is \['north'\]; right is: left out"):
        read_rules(text, file="my.toml")


def test_a_file_that_is_no_toml_says_so() -> None:
    with pytest.raises(ConfigError, match=r"my\.toml: .*TOML"):
        read_rules("[[rule", file="my.toml")


def test_a_rule_that_is_not_enabled_is_checked_and_left_out() -> None:
    assert read_rules('[[rule]]\nname = "x"\nover = ["all"]\nenabled = false\n').rules == ()
    with pytest.raises(ConfigError, match="severity"):
        read_rules('[[rule]]\nname = "x"\nover = ["all"]\nenabled = false\nseverity = "x"\n')


def _book(more: str) -> RuleBook:
    return read_rules(f'[[rule]]\nname = "x"\nover = ["region"]\nowner = "noc"\n{more}', zone=SHANGHAI)


def _kept(book: RuleBook, local: str, severity: str = "warning", silences: tuple[Silence, ...] = ()) -> str | None:
    at = datetime.fromisoformat(local).replace(tzinfo=SHANGHAI).astimezone(UTC)
    about = {"region": frozenset({"north"})}
    kept = kept_back(book.rules[0], "region=north", severity, about, at, book, silences, SHANGHAI)
    return None if kept is None else kept.by


def test_quiet_hours_reach_over_midnight_and_let_what_is_critical_through() -> None:
    book = _book('quiet = [{ from = "22:00", to = "07:00", days = ["fri"] }]')
    assert _kept(book, "2026-03-13T23:00") == "quiet hours"  # a Friday
    assert _kept(book, "2026-03-14T06:59") == "quiet hours"
    assert _kept(book, "2026-03-14T07:00") is None
    assert _kept(book, "2026-03-14T23:00") is None
    assert _kept(book, "2026-03-13T23:00", "critical") is None


def test_maintenance_once_and_again_and_only_where_it_is() -> None:
    once = _book(
        '[[maintenance]]\nname = "m"\nstart = 2026-03-13T10:00:00\nend = 2026-03-13T12:00:00\n'
        'match = { region = "north" }\n'
    )
    assert _kept(once, "2026-03-13T10:00") == "maintenance m"
    assert _kept(once, "2026-03-13T12:00") is None
    again = _book('[[maintenance]]\nname = "m"\nfrom = "02:00"\nto = "04:00"\nmatch = { region = ["south"] }\n')
    assert _kept(again, "2026-03-13T03:00") is None
    service = _book('[[maintenance]]\nname = "m"\nfrom = "02:00"\nto = "04:00"\nmatch = { service = ["voice"] }\n')
    assert _kept(service, "2026-03-13T03:00") is None


@pytest.mark.parametrize(
    ("matchers", "fits"),
    [
        ({"region": "nor*"}, True),
        ({"rule": "x", "severity": "warning"}, True),
        ({"subject": "region=*"}, True),
        ({"owner": "noc"}, True),
        ({"label.team": "a"}, True),
        ({"label.team": "b"}, False),
        ({"rule": "x", "severity": "critical"}, False),
        ({"cell": "*"}, False),
    ],
)
def test_a_silence_needs_every_matcher_to_fit(matchers: dict[str, str], fits: bool) -> None:
    silence = Silence(
        silence_id=1,
        matchers=matchers,
        starts_at=datetime(2026, 3, 13, tzinfo=UTC),
        ends_at=datetime(2026, 3, 14, tzinfo=UTC),
        actor="ann",
        comment="",
    )
    found = _kept(_book('labels = { team = "a" }'), "2026-03-13T12:00", silences=(silence,))
    assert found == ("ann" if fits else None)
