"""Alert rules: what they watch and how far it must fall, read from TOML."""

import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files

from qoe.drops import DropRule
from records.errors import ConfigError

ATTRIBUTES = ("all", "region", "site", "cell", "model", "app", "server", "core_node", "plan", "segment", "service")
INDICES = ("overall", "network", "device", "app", "service")
SEVERITIES = ("info", "warning", "critical")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule on an index of the groups of one attribute; margins in index points below expectation."""

    name: str
    attribute: str
    index: str
    severity: str
    margin: float
    recovery: float
    m: int
    n: int
    users: int

    @property
    def drop(self) -> DropRule:
        """What the core judges by."""
        return DropRule(margin=self.margin, recovery=self.recovery, m=self.m, n=self.n, users=self.users)


def default_rules() -> tuple[Rule, ...]:
    """The rules that are shipped."""
    return parse_rules(files("alerts").joinpath("rules.toml").read_text(encoding="utf-8"))


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Read rules (TOML, `[[rule]]`); `ConfigError` names the rule and what is wrong."""
    try:
        tables = tomllib.loads(text).get("rule", [])
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the alert rules are not valid TOML: {error}") from None
    rules = tuple(_rule(table) for table in tables)
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"alert rule {name} is there twice; names must differ")
    return rules


def _rule(table: dict[str, object]) -> Rule:
    name = str(table.get("name", "without a name"))
    wanted = {each.name: each.type for each in fields(Rule)}
    if missing := sorted(wanted.keys() - table.keys()):
        raise ConfigError(f"alert rule {name} lacks {', '.join(missing)}")
    if unknown := sorted(table.keys() - wanted.keys()):
        raise ConfigError(f"alert rule {name} has {', '.join(unknown)}, which no rule has")
    numbers = {key: table[key] for key in ("margin", "recovery", "m", "n", "users")}
    for key, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigError(f"alert rule {name}: {key} must be a number, is {value!r}")
    rule = Rule(**table)  # type: ignore[arg-type]  # of a dict
    _check(rule)
    return rule


def _check(rule: Rule) -> None:
    for key, value, allowed in (
        ("attribute", rule.attribute, ATTRIBUTES),
        ("index", rule.index, INDICES),
        ("severity", rule.severity, SEVERITIES),
    ):
        if value not in allowed:
            raise ConfigError(f"alert rule {rule.name}: {key} {value!r} must be one of {', '.join(allowed)}")
    if not 1 <= rule.m <= rule.n:
        raise ConfigError(f"alert rule {rule.name}: m must be from 1 to n ({rule.n}), is {rule.m}")
    if not 0 <= rule.recovery < rule.margin:
        raise ConfigError(f"alert rule {rule.name}: recovery must be from 0 to below margin ({rule.margin})")
