"""Reads rule files (TOML): every mistake at once, each with file, line, key, value and what would be right."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, time
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from alerts.hours import DAYS, Maintenance, Quiet, Span
from alerts.rulekeys import DEFAULTS, MAINTENANCE_KEYS, QUIET_KEYS, RULE_KEYS, Check
from alerts.rules import CLUSTER_KINDS, GROUPS, HORIZONS, INDICES, KPI, KPI_GROUPS, KQI, KQI_GROUPS, Rule, RuleBook
from alerts.toml_tables import Table, tables
from records.errors import ConfigError

SHIPPED = "rules.toml"

Indicators = Mapping[str, Sequence[str]]  # "kqi" and "kpi" to the names that there are


def default_rules() -> RuleBook:
    """The rules that are shipped."""
    return read_rules(files("alerts").joinpath(SHIPPED).read_text(encoding="utf-8"), file=SHIPPED)


def read_rules(
    text: str, *, file: str = "alerts.toml", zone: ZoneInfo | None = None, known: Indicators | None = None
) -> RuleBook:
    """Read a rule file; `ConfigError` lists all mistakes, one a line. Times without offset are in `zone` (UTC).

    With `known` the names of indicators are checked against those that there are.
    """
    found = tables(text, file=file, known=frozenset({"rule", "maintenance"}))
    reader = _Reader(known)
    book = reader.book(found["rule"], found["maintenance"], zone or ZoneInfo("UTC"))
    if reader.mistakes:
        raise ConfigError("\n".join(f"{file}:{line}: {said}" for line, said in sorted(reader.mistakes)))
    return book


class _Reader:
    """Reads tables and notes what is wrong with them, going on where it can."""

    def __init__(self, known: Indicators | None) -> None:
        self.mistakes: list[tuple[int, str]] = []
        self._known = known

    def book(self, rules: Sequence[Table], works: Sequence[Table], zone: ZoneInfo) -> RuleBook:
        names: set[Any] = set()
        for table in rules:
            if (name := str(table.values.get("name"))) in names:
                self._wrong(table, "name", name, "a name that no other rule has")
            names.add(name)
        made = [self._rule(table) for table in rules]
        planned = [self._work(table, zone) for table in works]
        return RuleBook(
            rules=tuple(rule for rule in made if rule is not None),
            maintenance=tuple(work for work in planned if work is not None),
        )

    def _rule(self, table: Table) -> Rule | None:
        before = len(self.mistakes)
        kind = table.values.get("kind")
        given = {**DEFAULTS.get(kind if isinstance(kind, str) else "drop", DEFAULTS["drop"]), **table.values}
        values = self._checked(table, given, RULE_KEYS)
        for key in ("name", "over"):
            if key not in given:
                self._wrong(table, key, None, f"every rule has {key}")
        if len(self.mistakes) == before:
            self._fit(table, values)
        hours = values.pop("quiet", [])
        quiet = [self._quiet(table, each) for each in hours] if isinstance(hours, list) else []
        if len(self.mistakes) > before:
            return None
        enabled = values.pop("enabled")
        if not enabled:
            return None
        for name in ("over", "horizon", "values"):
            values[name] = tuple(values.get(name, HORIZONS if name == "horizon" else ()))
        names = {each.name for each in fields(Rule)}
        kept = {name: value for name, value in values.items() if name in names}
        return Rule(**kept, quiet=tuple(each for each in quiet if each is not None))

    def _fit(self, table: Table, rule: Mapping[str, Any]) -> None:
        """What must hold between the values of a rule."""
        measure = rule["measure"]
        if rule["kind"] == "drop":
            allowed: tuple[str, ...] = (
                KQI_GROUPS if measure.startswith(KQI) else KPI_GROUPS if measure.startswith(KPI) else GROUPS
            )
            if not measure.startswith((KQI, KPI)) and measure not in INDICES:
                right = f"one of {', '.join(INDICES)}, or {KQI}NAME or {KPI}NAME"
                self._wrong(table, "measure", measure, right)
            self._indicator(table, measure)
            if rule["slow_margin"] > rule["margin"]:
                self._wrong(table, "slow_margin", rule["slow_margin"], f"at most margin ({rule['margin']:g})")
        else:
            allowed = {"cluster": CLUSTER_KINDS, "storm": ("region",)}.get(rule["kind"], ("source", *GROUPS))
        if rule.get("values") and rule["kind"] not in ("drop", "no_data"):
            self._wrong(table, "values", rule["values"], "left out: only drop and no_data are kept to some values")
        for each in rule["over"]:
            if each not in allowed:
                self._wrong(table, "over", each, f"some of {', '.join(allowed)}")
        if rule["kind"] != "storm" and not rule["m"] <= rule["n"]:
            self._wrong(table, "m", rule["m"], f"at most n ({rule['n']})")
        if rule["kind"] == "no_data" and rule["recovery"] <= rule["margin"]:
            self._wrong(table, "recovery", rule["recovery"], f"above margin ({rule['margin']:g})")
        elif rule["kind"] in ("drop", "cluster") and rule["recovery"] >= rule["margin"]:
            self._wrong(table, "recovery", rule["recovery"], f"below margin ({rule['margin']:g})")

    def _indicator(self, table: Table, measure: str) -> None:
        kind, _, name = measure.partition(":")
        if self._known is not None and name and name not in self._known.get(kind, (name,)):
            near = [each for each in self._known[kind] if each.lower().startswith(name[:3].lower())][:5]
            right = f"a {kind.upper()} of the catalogue" + (f", as {', '.join(near)}" if near else "")
            self._wrong(table, "measure", measure, right)

    def _quiet(self, table: Table, hours: Any) -> Quiet | None:
        before = len(self.mistakes)
        if not isinstance(hours, dict):
            self._wrong(table, "quiet", hours, 'a table as { from = "22:00", to = "07:00" }')
            return None
        values = self._checked(table, {"below": "critical", **hours}, QUIET_KEYS, under="quiet.")
        span = self._span(table, hours, under="quiet.")
        return Quiet(span=span, below=values["below"]) if span and len(self.mistakes) == before else None

    def _work(self, table: Table, zone: ZoneInfo) -> Maintenance | None:
        before = len(self.mistakes)
        values = self._checked(table, table.values, MAINTENANCE_KEYS)
        once = {"start", "end"} & values.keys()
        if "name" not in values:
            self._wrong(table, "name", None, "every maintenance has a name")
        if once and {"from", "to"} & values.keys():
            self._wrong(table, "from", values.get("from"), "either start and end, or from and to")
        elif len(once) == 1:
            self._wrong(table, min({"start", "end"} - once), None, "start and end together")
        span = None if once else self._span(table, values)
        if len(self.mistakes) > before:
            return None
        moments = {key: _moment(values[key], zone) for key in once}
        if once and not moments["start"] < moments["end"]:
            self._wrong(table, "end", values["end"], "later than start")
            return None
        given = values.get("match", {})
        match = {name: (each,) if isinstance(each, str) else tuple(each) for name, each in given.items()}
        return Maintenance(name=values["name"], span=span, match=match, **moments)

    def _span(self, table: Table, values: Mapping[str, Any], under: str = "") -> Span | None:
        bounds = {}
        for key in ("from", "to"):
            try:
                bounds[key] = time.fromisoformat(values.get(key, ""))
            except (TypeError, ValueError):
                self._wrong(table, under + key, values.get(key), 'a local time as "22:00"')
        days = values.get("days", list(DAYS))
        if not isinstance(days, list) or not days or not all(day in DAYS for day in days):
            self._wrong(table, under + "days", days, f"a list of some of {', '.join(DAYS)}")
            return None
        if len(bounds) < 2:
            return None
        return Span(begin=bounds["from"], end=bounds["to"], days=tuple(DAYS.index(day) for day in days))

    def _checked(
        self, table: Table, values: Mapping[str, Any], keys: Mapping[str, Check], under: str = ""
    ) -> dict[str, Any]:
        """The values, with a note of each unknown key and each value that does not do."""
        for name, value in values.items():
            if name not in keys:
                self._wrong(table, under + name, value, f"no such key; there are {', '.join(sorted(keys))}")
            elif (right := keys[name](value)) is not None:
                self._wrong(table, under + name, value, right)
        return dict(values)

    def _wrong(self, table: Table, key: str, value: Any, right: str) -> None:
        line = table.lines.get(key, table.lines.get(key.partition(".")[0], table.line))
        name = table.values.get("name")
        of = f"{name}: " if isinstance(name, str) and key != "name" else ""
        self.mistakes.append((line, f"{of}{key} is {'missing' if value is None else repr(value)}; right is: {right}"))


def _moment(value: datetime, zone: ZoneInfo) -> datetime:
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
