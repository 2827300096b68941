"""What one closed window says of the series, clusters and sources that rules watch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from alerts.rules import Rule

About = Mapping[str, frozenset[str]]
ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One subject of one rule at one window.

    `about` names the attributes and values that the subject is of (a cell is also of its site and region); empty for
    the whole. `excess` are the bad sessions beyond those expected in the window, None where they were not counted.
    `value`, `expected`, `drop` in `unit`; `since` the start of the first window that shows it. `over`: what it
    counts, sessions or touchpoints.
    """

    rule: Rule
    subject: str
    about: About
    firing: bool
    pending: bool
    recovered: bool
    since: datetime
    unit: str
    value: float | None = None
    expected: float | None = None
    lo: float | None = None
    hi: float | None = None
    drop: float | None = None
    users: int | None = None
    horizon: str | None = None
    excess: float | None = None
    cluster_id: str | None = None
    over: str = "sessions"

    @property
    def key(self) -> tuple[str, str]:
        """The identity: rule and subject."""
        return self.rule.name, self.subject


@dataclass(frozen=True, kw_only=True)
class Geography:
    """Where cells and sites lie, by name."""

    site_of_cell: Mapping[str, str] = field(default_factory=dict)
    region_of_cell: Mapping[str, str] = field(default_factory=dict)
    region_of_site: Mapping[str, str] = field(default_factory=dict)

    def about(self, attribute: str, *names: str) -> dict[str, frozenset[str]]:
        """Attributes and values of a group: a cell is also of its site and region, a site of its region."""
        if attribute == ALL:
            return {}
        found = {attribute: frozenset(names)}
        if attribute == "cell":
            found["site"] = _known(self.site_of_cell, names)
            found["region"] = _known(self.region_of_cell, names)
        if attribute == "site":
            found["region"] = _known(self.region_of_site, names)
        return {name: values for name, values in found.items() if values}

    def of_selector(self, selector: Mapping[str, list[str]]) -> dict[str, frozenset[str]]:
        """The same of a cluster's conditions (columns of the input contract to names)."""
        found: dict[str, frozenset[str]] = {}
        for column, names in selector.items():
            attribute = {"cell_id": "cell", "site_id": "site"}.get(column, column)
            for each, values in self.about(attribute, *names).items():
                found[each] = found.get(each, frozenset()) | values
        return found


def _known(places: Mapping[str, str], names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(places[name] for name in names if name in places)


def subject_of(attribute: str, name: str) -> str:
    """A group as alerts name it: "attribute=value", or "all"."""
    return ALL if attribute == ALL else f"{attribute}={name}"
