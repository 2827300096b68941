"""Whether an alert is kept from people for now: a silence, planned work, or the quiet hours of its rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from alerts.rules import SEVERITIES, Rule, RuleBook
from alerts.signals import About

# What a silence may match: what every alert has, any attribute of its subject, and its labels as "label.NAME".
FIELDS = ("rule", "subject", "severity", "kind", "owner")


@dataclass(frozen=True, kw_only=True)
class Silence:
    """A silence: every one of `matchers` (field to a value, or to a pattern with `*`) fits, until `ends_at`."""

    silence_id: int
    matchers: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime
    actor: str
    comment: str

    def fits(self, rule: Rule, subject: str, severity: str, about: About) -> bool:
        """Whether it silences an alert."""
        known = {
            "rule": rule.name,
            "subject": subject,
            "severity": severity,
            "kind": rule.kind,
            "owner": rule.owner or "",
        }
        for field, pattern in self.matchers.items():
            values = about.get(field, frozenset())
            if field.startswith("label."):
                values = frozenset({rule.labels.get(field.removeprefix("label."), "")})
            elif field in known:
                values = frozenset({known[field]})
            if not any(fnmatchcase(value, pattern) for value in values):
                return False
        return True


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Why and until when an alert is kept from people."""

    by: str
    until: datetime
    silence_id: int | None = None


def kept_back(
    rule: Rule,
    subject: str,
    severity: str,
    about: About,
    at: datetime,
    book: RuleBook,
    silences: Sequence[Silence],
    zone: ZoneInfo,
) -> Kept | None:
    """What keeps an alert from people at a moment; None where nothing does."""
    for silence in silences:
        if silence.starts_at <= at < silence.ends_at and silence.fits(rule, subject, severity, about):
            return Kept(by=silence.actor, until=silence.ends_at, silence_id=silence.silence_id)
    named = {**about, "rule": frozenset({rule.name})}
    for work in book.maintenance:
        if (until := work.until(at, zone)) is not None and work.touches(named):
            return Kept(by=f"maintenance {work.name}", until=until)
    for quiet in rule.quiet:
        minor = SEVERITIES.index(severity) < SEVERITIES.index(quiet.below)
        if minor and (until := quiet.span.until(at, zone)) is not None:
            return Kept(by="quiet hours", until=until)
    return None
