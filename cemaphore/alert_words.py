"""What people read of an alert: its facts as a first line, a few more, and a link, in English or Chinese."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from alerts.channels import Letter
from alerts.facts import Facts
from cemaphore import catalogues
from cemaphore.alert_figures import about, figure, points
from cemaphore.settings import Settings
from cemaphore.wording import messages

LEAST_DROP = 0.95  # points; a slow drop may be over in the window that proves it (own)
MOST_NAMED = 3  # values of one attribute that a first line names (own)
MOST_LISTED = 5  # subjects of a storm and pieces of evidence that a message lists (own)
TEST_RULE = "test"  # of a message that only shows that the way is open

_SHOWN = ("measurement", "kpi")  # evidence that is a figure people know; and only what got worse

Writer = Callable[[Facts, str], Letter]


def writer(settings: Settings) -> Writer:
    """Return what turns facts into a letter in a language, with the settings' zone, catalogues and screens."""
    titles = cache(lambda: _titles(settings))  # parsed with the first letter: most runs write none
    zone = ZoneInfo(settings.time_zone)

    def write(facts: Facts, language: str) -> Letter:
        words = _Words(facts=facts, language=language, zone=zone, titles=titles())
        url = f"{settings.public_url.rstrip('/')}/{facts.path}" if settings.public_url else None
        return Letter(
            key=facts.key, facts=facts, language=language, title=words.title(), lines=tuple(words.lines()), url=url
        )

    return write


def test_facts(now: datetime) -> Facts:
    """Facts of an alert that is none: to try a way to a receiver."""
    return Facts(
        alert_id="test",
        change=int(now.timestamp()),
        rule=TEST_RULE,
        kind="drop",
        subject="all",
        measure="overall",
        unit="points",
        severity="info",
        state="firing",
        at=now,
        started_at=now,
        fired_at=now,
    )


def _titles(settings: Settings) -> Mapping[str, Mapping[str, str]]:
    """Titles of indicators by measure, such as `kqi:rtt_client`, and of evidence, by language."""
    found = {
        f"kpi:{name}": {"en": one.title_en, "zh": one.title_zh} for name, one in catalogues.kpis(settings).kpis.items()
    }
    for name, indicator in catalogues.kqis(settings).indicators.items():
        found[f"kqi:{name}"] = dict(indicator.title)
    return found


@dataclass(frozen=True, kw_only=True)
class _Words:
    """One alert in one language."""

    facts: Facts
    language: str
    zone: ZoneInfo
    titles: Mapping[str, Mapping[str, str]]

    def t(self, key: str, **values: object) -> str:
        return messages(self.language)[f"alert.{key}"].format(**values)

    def title(self) -> str:
        """What somebody woken by it has to know: how bad, what, where, by how much, for how many."""
        facts = self.facts
        if facts.rule == TEST_RULE:
            return self.t("title.test")
        what = {"severity": self.t(f"severity.{facts.severity}"), "subject": self.subject(facts.subject)}
        if facts.state == "resolved":
            return self.t("title.resolved", what=self._what())
        if facts.state == "acknowledged":
            return self.t("title.acknowledged", actor=facts.acknowledged_by or "?", what=self._what())
        if facts.kind == "storm":
            return self.t("title.storm", count=facts.children_count, **what) + self._users()
        if facts.kind == "no_data":
            return self.t("title.no_data", since=self.moment(facts.started_at), **what)
        measure = self.measure()
        if facts.drop is not None and facts.drop < LEAST_DROP and facts.unit == "points":
            return self.t("title.low", measure=measure, since=self.moment(facts.started_at), **what) + self._users()
        if facts.unit == "points" and facts.drop is not None:
            return self.t("title.points", measure=measure, drop=points(facts.drop), **what) + self._users()
        value, expected = self.figure(facts.value), self.figure(facts.expected)
        return self.t("title.value", measure=measure, value=value, expected=expected, **what) + self._users()

    def lines(self) -> Iterator[str]:
        """The rest: since when, of what, for whom, why, who complains, and what is part of it."""
        facts = self.facts
        if facts.rule == TEST_RULE:
            yield self.t("line.test")
            return
        yield self._time()
        if facts.state == "acknowledged" and facts.acknowledged_comment:
            yield self.t("line.comment", comment=facts.acknowledged_comment)
        in_title = facts.unit != "points" and facts.state == "firing"
        if facts.value is not None and facts.expected is not None and facts.kind != "storm" and not in_title:
            said = "line.value_all" if facts.kind == "cluster" else "line.value"
            yield self.t(said, value=self.figure(facts.value), expected=self.figure(facts.expected))
        if facts.users is not None and (facts.tiers or facts.state != "firing"):
            yield self.t("line.users", n=about(facts.users, self.language), tiers=self._tiers())
        if facts.state != "resolved":
            yield from self._cause()
        yield self.t("line.complaints", n=facts.complaints)
        if parts := self._parts():
            yield self.t("line.children", n=facts.children_count, list=parts)
        if facts.owner:
            yield self.t("line.owner", owner=facts.owner)

    def _what(self) -> str:
        subject = self.subject(self.facts.subject)
        if self.facts.kind in ("no_data", "storm"):
            return self.t(f"what.{self.facts.kind}", subject=subject, count=self.facts.children_count)
        return self.t("what.measure", measure=self.measure(), subject=subject)

    def _users(self) -> str:
        if self.facts.users is None:
            return ""
        return self.t("title.users", n=about(self.facts.users, self.language))

    def _time(self) -> str:
        facts = self.facts
        until = facts.resolved_at or facts.at
        times = {
            "since": self.moment(facts.started_at),
            "until": self.moment(until),
            "zone": str(self.zone),
            "duration": self.duration(until - facts.started_at),
        }
        return self.t("line.lasted" if facts.state == "resolved" else "line.since", **times)

    def _tiers(self) -> str:
        named = [
            self.t("tier", tier=self._tier(tier.tier), n=about(tier.users, self.language)) for tier in self.facts.tiers
        ]
        return self.t("tiers", list=self.t("comma").join(named)) if named else ""

    def _tier(self, name: str | None) -> str:
        return name if name not in (None, "", "none") else self.t("tier.unknown")

    def _cause(self) -> Iterator[str]:
        facts = self.facts
        if facts.domain in (None, "unknown"):
            yield self.t("line.no_cause")
            return
        domain = messages(self.language).get(f"domain.{facts.domain}", str(facts.domain))
        certainty = "" if facts.certainty is None else self.t("certainty", percent=round(100 * facts.certainty))
        yield self.t("line.cause", domain=domain, certainty=certainty, cluster=facts.cluster_id or "-")
        shown = [piece for piece in facts.evidence if piece.get("kind") in _SHOWN and piece.get("effect", 0) > 0]
        for piece in shown[:MOST_LISTED]:
            yield self._evidence(piece)

    def _evidence(self, piece: Mapping[str, Any]) -> str:
        name, unit = str(piece.get("metric", "")), str(piece.get("unit", ""))
        known = self.titles.get(f"kpi:{name}", {}).get(self.language)
        metric = known or messages(self.language).get(f"alert.metric.{name}", name)
        before, during = (self.figure(piece.get(key), unit) for key in ("before", "during"))
        return self.t("line.evidence", metric=metric, before=before, during=during)

    def _parts(self) -> str:
        """Subjects of what is part of it, each once, without its own; "" where there is no other."""
        facts = self.facts
        others = dict.fromkeys(child.subject for child in facts.children if child.subject != facts.subject)
        named = [self.subject(subject) for subject in list(others)[:MOST_LISTED]]
        more = len(others) - len(named) + facts.children_count - len(facts.children)
        listed = self.t("comma").join(named)
        return self.t("children.more", list=listed, n=more) if named and more > 0 else listed

    def measure(self) -> str:
        """Name of what dropped."""
        named = self.titles.get(self.facts.measure, {}).get(self.language)
        return named or messages(self.language).get(f"alert.measure.{self.facts.measure}", self.facts.measure)

    def subject(self, subject: str) -> str:
        """Name of whom it is about: `region=west` as "region west", a cluster by its conditions."""
        attribute, _, value = subject.partition("=")
        if attribute == "cluster" and self.facts.about:
            return self.t("comma").join(self._group(name, values) for name, values in self._conditions())
        return self._group(attribute, (value,) if value else ())

    def _conditions(self) -> list[tuple[str, tuple[str, ...]]]:
        """What the alert is about, of places only the narrowest that is soon said."""
        about = dict(self.facts.about)
        places = [name for name in ("cell", "site", "region") if name in about]
        said = next((name for name in places if len(about[name]) <= MOST_NAMED), places[-1] if places else "")
        return [(name, values) for name, values in about.items() if name not in places or name == said]

    def _group(self, attribute: str, values: tuple[str, ...]) -> str:
        name = messages(self.language).get(f"attribute.{attribute}", attribute)
        name = name[:1].lower() + name[1:]
        if len(values) > MOST_NAMED:
            return self.t("subject.many", attribute=name, n=len(values))
        return self.t("subject", attribute=name, value=self.t("comma").join(values)) if values else name

    def figure(self, value: float | None, unit: str | None = None) -> str:
        """A figure with its unit; of the alert's own unit where none is given."""
        return figure(value, self.facts.unit if unit is None else unit, self.language)

    def moment(self, moment: datetime) -> str:
        """A time in the operator's zone, with its day where that is not the day of the message."""
        local, today = moment.astimezone(self.zone), self.facts.at.astimezone(self.zone)
        pattern = self.t("format.time" if local.date() == today.date() else "format.day")
        return format_datetime(local, pattern, locale=self.language)

    def duration(self, length: timedelta) -> str:
        """A length in minutes, hours and minutes, or (from two days on) days and hours."""
        minutes = max(round(length.total_seconds() / 60), 0)
        days = minutes // 1440 if minutes >= 2 * 1440 else 0
        parts = [("days", days), ("hours", minutes // 60 - 24 * days), ("minutes", minutes % 60)]
        used = [(name, n) for name, n in parts if n][:2] or [("minutes", 0)]
        return " ".join(messages(self.language)[f"unit.{name}"].format(n=n) for name, n in used)
