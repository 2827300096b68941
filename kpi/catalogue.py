"""The KPI catalogue: what each KPI is called, how it is computed, what is good, and where that is written."""

import hashlib
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from kpi import formula as language
from kpi.formula import Formula
from records.errors import ConfigError

CHOICES: dict[str, tuple[str, ...]] = {
    "technology": ("lte", "nr", "5gc", "epc", "ims", "any"),
    "category": ("accessibility", "retainability", "mobility", "integrity", "availability", "utilisation", "energy"),
    "kind": ("proportion", "share", "event_rate", "quotient", "level"),
    "direction": ("higher", "lower"),
    "grounding": ("published", "provisional", "proxy", "own"),
    "threshold_grounding": ("published", "provisional", "proxy", "own"),
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*(?:\.\{[A-Z0-9]+\})?")


@dataclass(frozen=True, kw_only=True)
class Kpi:
    """One KPI.

    `kind` says what its intervals mean: `proportion` (successes of attempts), `share` (a part of a whole),
    `event_rate` (events per exposure), `quotient` (two sums of any unit), `level` (a mean of means).
    `warn` and `bad` are limits in `unit`, worse than which the KPI is; None where no source gives one.
    """

    name: str
    title_zh: str
    title_en: str
    technology: str
    category: str
    kind: str
    formula: str
    unit: str
    direction: str
    clause: str
    source: str
    grounding: str
    warn: float | None = None
    bad: float | None = None
    threshold_source: str | None = None
    threshold_grounding: str | None = None
    note: str | None = None

    @property
    def parsed(self) -> Formula:
        """The formula, parsed."""
        return language.parse(self.formula)


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """A set of KPIs by name; `version` changes when any entry does."""

    declared: str
    kpis: Mapping[str, Kpi]

    @property
    def version(self) -> str:
        """The declared version and a digest of all entries: equal versions compute equal numbers."""
        entries = sorted((name, sorted(asdict(kpi).items())) for name, kpi in self.kpis.items())
        return f"{self.declared}-{hashlib.sha256(repr(entries).encode()).hexdigest()[:8]}"


def load(text: str, *, file: str = "catalogue.toml", base: Catalogue | None = None) -> Catalogue:
    """Parse the text of a catalogue file; over a `base` its entries are added, or change the fields that they give.

    `file` only names the text in messages. Raises `ConfigError` with file, entry, field and what would be right.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not TOML: {error}") from error
    unknown = sorted(set(data) - {"version", "kpi"})
    if unknown:
        raise ConfigError(f"{file}: unknown key {unknown[0]!r}; a catalogue has `version` and tables [kpi.NAME]")
    version, entries = data.get("version"), data.get("kpi", {})
    if not isinstance(version, str) or not version:
        raise ConfigError(f'{file}: version is {version!r}; write a text such as version = "2026.1"')
    if not isinstance(entries, dict):
        raise ConfigError(f"{file}: kpi is {entries!r}; write tables [kpi.NAME]")
    kpis: dict[str, Kpi] = dict(base.kpis) if base else {}
    for name, entry in entries.items():
        kpis[name] = _entry(name, entry, kpis.get(name), file)
    return Catalogue(declared=f"{base.declared}+{version}" if base else version, kpis=kpis)


def _entry(name: str, entry: object, known: Kpi | None, file: str) -> Kpi:
    where = f"{file}: [kpi.{name}]"
    if not isinstance(entry, dict):
        raise ConfigError(f'{where} is {entry!r}; write a table [kpi."{name}"] (quote a name with dots)')
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{where}: a name has letters, digits, dots and underscores and starts with a letter")
    given = _flat(entry, where)
    allowed = {field.name for field in fields(Kpi)} - {"name"}
    for key in given:
        if key not in allowed:
            raise ConfigError(f"{where}: unknown field {key!r}; there are {', '.join(sorted(allowed))}")
    merged: dict[str, Any] = {**(asdict(known) if known else {"name": name}), **given}
    for field in fields(Kpi):
        _check(field.name, merged.get(field.name), where, required=field.name in _REQUIRED)
    kpi = Kpi(**merged)
    _check_formula(kpi, where)
    _check_thresholds(kpi, where)
    return kpi


_REQUIRED = frozenset(field.name for field in fields(Kpi) if field.default is not None)


def _flat(entry: dict[str, object], where: str) -> dict[str, object]:
    flat = {key: value for key, value in entry.items() if key != "title"}
    title = entry.get("title")
    if title is None:
        return flat
    if not isinstance(title, dict) or set(title) != {"zh", "en"}:
        raise ConfigError(f'{where}: title is {title!r}; write title = {{ zh = "...", en = "..." }}')
    return {**flat, "title_zh": title["zh"], "title_en": title["en"]}


def _check(field: str, value: object, where: str, *, required: bool) -> None:
    shown = "title" if field.startswith("title_") else field
    if value is None:
        if required:
            raise ConfigError(f"{where}: {shown} is missing{_choices(field)}")
        return
    if field in ("warn", "bad"):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ConfigError(f"{where}: {field} is {value!r}; write a number in the KPI's unit")
        return
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{where}: {shown} is {value!r}; write a text")
    if field in CHOICES and value not in CHOICES[field]:
        raise ConfigError(f"{where}: {field} is {value!r}{_choices(field)}")


def _choices(field: str) -> str:
    return f"; one of {', '.join(CHOICES[field])}" if field in CHOICES else ""


def _check_formula(kpi: Kpi, where: str) -> None:
    try:
        parsed = kpi.parsed
    except language.FormulaError as error:
        raise ConfigError(f"{where}: formula: {error}: {kpi.formula!r}") from error
    if kpi.kind == "proportion" and not parsed.product:
        raise ConfigError(f"{where}: formula: a proportion is a product of quotients successes / attempts and a factor")
    if kpi.kind in ("share", "event_rate") and not (parsed.product and parsed.single):
        raise ConfigError(f"{where}: formula: a {kpi.kind} is one quotient and a factor, such as 100 * sum(A) / sum(B)")
    placeholder = parsed.placeholder
    in_name = re.search(r"\{([A-Z0-9]+)\}", kpi.name)
    if (in_name.group(1) if in_name else None) != placeholder:
        right = f"end its name with .{{{placeholder}}}" if placeholder else "take the placeholder out of its name"
        raise ConfigError(f"{where}: name and formula differ in their placeholder; {right}")


def _check_thresholds(kpi: Kpi, where: str) -> None:
    if kpi.warn is None and kpi.bad is None:
        return
    if kpi.threshold_source is None or kpi.threshold_grounding is None:
        raise ConfigError(f"{where}: thresholds need threshold_source and threshold_grounding: say where they are from")
    if kpi.warn is not None and kpi.bad is not None and (kpi.warn < kpi.bad) == (kpi.direction == "higher"):
        if kpi.warn == kpi.bad:
            return
        side = "above" if kpi.direction == "higher" else "below"
        raise ConfigError(f"{where}: warn is {kpi.warn} and bad is {kpi.bad}; warn should lie {side} bad")
