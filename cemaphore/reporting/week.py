"""The report of a week: how experience went, the worst clusters, complaints, alerts, and how good the data were."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from cemaphore.reporting import drawing
from cemaphore.reporting.document import Block, Report, heading, table
from cemaphore.reporting.words import Words
from records.errors import ConfigError
from store import complaint_views, report_figures, screens
from store.connection import Connection

MOST = 10  # clusters, alerts and outages in a table
_INDICES = ("overall", "network", "device", "app", "service")
_COLOURS = {
    "overall": "#000000",
    "network": "#0072B2",
    "device": "#E69F00",
    "app": "#009E73",
    "service": "#CC79A7",
}
_SUMS = ("sessions", "clusters", "complaints", "alerts")


@dataclass(frozen=True, kw_only=True)
class Week:
    """Seven local days [start, end); where the clocks were changed in them, an hour more or less than 168."""

    start: datetime
    end: datetime

    @property
    def before(self) -> "Week":
        """The seven local days before them."""
        return Week(start=self.start - timedelta(days=7), end=self.start)


def newest(connection: Connection, words: Words) -> Week:
    """Return the seven local days that end with the newest scored one; raises `ConfigError` without any."""
    day = report_figures.scored_days(connection)
    if day is None:
        raise ConfigError(words.t("app.no_data"))
    return ending(day.astimezone(words.days) + timedelta(days=1))


def ending(end: datetime) -> Week:
    """Return the seven days that end at a moment, counted by the clock of its zone."""
    return Week(start=end - timedelta(days=7), end=end)


def scored(connection: Connection, week: Week) -> bool:
    """Whether any hour of a week was scored."""
    return bool(report_figures.totals(connection, week.start, week.end)["sessions"])


def report(connection: Connection, week: Week, words: Words, *, now: datetime) -> Report:
    """Return the report of a week as the connection's role sees it."""
    last = words.day(week.end - timedelta(seconds=1))
    return Report(
        title=words.t("report.week"),
        subtitle=words.t("report.days", first=words.day(week.start), last=last, zone=words.days.key),
        language=words.language,
        footer=words.t("report.week_footer", now=words.moment(now), zone=words.zone.key, k=words.k),
        blocks=[
            *_sums(connection, week, words),
            *_trend(connection, week, words),
            *_clusters(connection, week, words),
            *_complaints(connection, week, words),
            *_alerts(connection, week, words),
            *_data(connection, week, words),
        ],
    )


def _sums(connection: Connection, week: Week, words: Words) -> Iterator[Block]:
    now, before = (report_figures.totals(connection, one.start, one.end) for one in (week, week.before))
    ratios = [sums["bad"] / sums["sessions"] if sums["sessions"] else None for sums in (now, before)]
    figures = {words.t("column.bad_ratio"): _against(words.share(ratios[0]), words.share(ratios[1]), ratios[1], words)}
    for name in _SUMS:
        this, last = (f"{sums[name] or 0:,}" for sums in (now, before))
        figures[words.t(f"report.{name}")] = _against(this, last, before["sessions"], words)
    yield Block(kind="figures", figures=figures)


def _against(shown: str, before: str, known: float | None, words: Words) -> tuple[str, str]:
    return shown, words.t("report.against", before=before) if known else ""


def _trend(connection: Connection, week: Week, words: Words) -> Iterator[Block]:
    yield heading(words.t("overview.trend"))
    hours = screens.trend(connection, "hour", week.start)
    hours = hours[hours["start"] < week.end]
    if hours.empty:
        yield Block(kind="text", text=words.t("app.not_enough"))
        return
    clock = pd.to_datetime(hours["start"], utc=True).dt.tz_convert(words.zone).dt.tz_localize(None)
    names = {name: words.t(f"dimension.{name}") for name in _INDICES}
    svg = drawing.lines(hours.assign(start=clock), names, _COLOURS, title="0-100", span=False)
    yield Block(kind="chart", text=words.t("overview.trend_alt"), svg=svg)
    days = screens.trend(connection, "day", week.start)
    days = days[days["start"] < week.end]
    columns = {
        words.t("column.day"): days["start"].map(words.day).tolist(),
        **{words.t(f"dimension.{name}"): days[name].map(words.score).tolist() for name in _INDICES},
        words.t("column.bad_ratio"): days["bad_ratio"].map(words.share).tolist(),
        words.t("column.users"): days["n_users"].map(words.count).tolist(),
    }
    yield table(columns)


def _clusters(connection: Connection, week: Week, words: Words) -> Iterator[Block]:
    yield heading(words.t("report.top_clusters"))
    found = screens.clusters(connection, week.start, week.end).head(MOST)
    if found.empty:
        yield Block(kind="text", text=words.t("clusters.empty"))
        return
    columns = {
        words.t("column.what"): found["selector"].map(words.where).tolist(),
        words.t("column.domain"): found["domain"].map(lambda name: words.word("domain", name)).tolist(),
        words.t("column.severity"): found["severity"].map(words.share).tolist(),
        words.t("cluster.users_hurt"): found["users_hurt"].map(words.count).tolist(),
        words.t("column.complaints"): found["complaints"].map(str).tolist(),
        words.t("column.since"): found["started_at"].map(words.moment).tolist(),
        words.t("column.until"): found["ended_at"].map(words.moment).tolist(),
    }
    yield table(columns, wide=[0])


def _complaints(connection: Connection, week: Week, words: Words) -> Iterator[Block]:
    yield heading(words.t("complaints.title"))
    found = report_figures.topics(connection, week.start, week.end)
    if found.empty:
        yield Block(kind="text", text=words.t("complaints.empty"))
        return
    columns = {
        words.t("column.topic"): [
            words.word("topic", name) if name else words.t("app.none") for name in found["topic"]
        ],
        words.t("column.complaints"): found["complaints"].map(str).tolist(),
        words.t("report.explained"): (found["explained"] / found["complaints"]).map(words.share).tolist(),
    }
    yield table(columns)
    surges = complaint_views.surges(connection, week.start, week.end)
    yield heading(words.t("complaints.surges"))
    if surges.empty:
        yield Block(kind="text", text=words.t("complaints.no_surge"))
        return
    columns = {
        words.t("column.what"): surges["selector"].map(words.where).tolist(),
        words.t("column.since"): surges["started_at"].map(words.moment).tolist(),
        words.t("column.complaints"): surges["complaints"].map("{:.1f}".format).tolist(),
        words.t("column.expected"): surges["expected"].map("{:.1f}".format).tolist(),
    }
    yield table(columns, wide=[0])


def _alerts(connection: Connection, week: Week, words: Words) -> Iterator[Block]:
    yield heading(words.t("report.alerts"))
    found = report_figures.alerts(connection, week.start, week.end, MOST)
    if found.empty:
        yield Block(kind="text", text=words.t("report.no_alerts"))
        return
    columns = {
        words.t("column.what"): found["subject"].map(lambda subject: _subject(subject, words)).tolist(),
        words.t("report.grade"): found["severity"].map(lambda name: words.word("report.grade", name)).tolist(),
        words.t("column.since"): found["started_at"].map(words.moment).tolist(),
        words.t("column.until"): found["resolved_at"].map(words.moment).tolist(),
    }
    yield table(columns, wide=[0])


def _subject(subject: str, words: Words) -> str:
    attribute, _, value = subject.partition("=")
    return f"{words.word('attribute', attribute)}: {value}" if value else words.word("attribute", attribute)


def _data(connection: Connection, week: Week, words: Words) -> Iterator[Block]:
    yield heading(words.t("report.data"))
    found = screens.freshness(connection)
    columns = {
        words.t("column.source"): found["source"].map(str).tolist(),
        words.t("column.kind"): found["kind"].map(lambda name: words.word("kind", name)).tolist(),
        words.t("column.newest"): found["newest_event"].map(words.moment).tolist(),
        words.t("column.scored_event"): found["scored_event"].map(words.moment).tolist(),
    }
    yield table(columns)
    away = report_figures.outages(connection, week.start, week.end)
    if away.empty:
        yield Block(kind="text", text=words.t("report.no_outages"))
        return
    shown = away.head(MOST)
    columns = {
        words.t("column.source"): shown["source"].map(str).tolist(),
        words.t("column.since"): shown["started_at"].map(words.moment).tolist(),
        words.t("column.until"): shown["ended_at"].map(words.moment).tolist(),
        words.t("column.reason"): shown["reason"].fillna("").map(str).tolist(),
    }
    yield table(columns, wide=[3])
    if len(away) > MOST:
        yield Block(kind="text", text=words.t("report.more", n=len(away) - MOST))
