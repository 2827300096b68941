"""Reports of a cluster and of a week, over the demo city: what they say, to whom, and that they are set."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cemaphore.reporting import cluster, week
from cemaphore.reporting.document import Block, Report, pdf
from cemaphore.reporting.making import words_of
from cemaphore.reporting.words import Words
from records.errors import ConfigError
from store import screens
from store.connection import connect
from tests.city import City

NOW = datetime(2026, 3, 12, 8, tzinfo=UTC)


def worst(city: City) -> str:
    """The cluster that most complaints are linked to."""
    with connect(city.dsn) as connection:
        frame = screens.clusters(connection, *screens.EVER)
    return str(frame.sort_values("complaints").iloc[-1]["cluster_id"])


def said(report: Report) -> str:
    """All words of a report."""
    parts = [report.title, report.subtitle, report.footer]
    for block in report.blocks:
        parts += [block.text, *map(str, (block.figures or {}).items()), *block.head]
        parts += [cell for row in block.rows for cell in row]
    return "\n".join(parts)


def cluster_report(city: City, language: str, role: str) -> Report:
    """The report of the worst cluster as a role reads it."""
    with connect(city.dsn, role=role, autocommit=True) as connection:
        return cluster.report(connection, worst(city), words_of(city.settings, language), now=NOW)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_cluster_and_a_week_are_set_as_pdf(city: City, language: str) -> None:
    words = words_of(city.settings, language)
    with connect(city.dsn, role="cem_operations", autocommit=True) as connection:
        of_week = week.report(connection, week.newest(connection, words), words, now=NOW)
    for report in (cluster_report(city, language, "cem_operations"), of_week):
        made = pdf(report)
        assert made.startswith(b"%PDF-")
        assert any(block.kind == "chart" and "<svg" in block.svg for block in report.blocks)
        assert len(made) > 20_000


def test_only_who_sees_persons_prints_what_they_said(city: City) -> None:
    texts = {"cem_operations": False, "cem_analyst": False, "cem_care": True, "cem_admin": True}
    with connect(city.dsn) as connection:
        one = screens.cluster_complaints(connection, worst(city))["text"].iloc[0]
    for role, sees in texts.items():
        assert (one in said(cluster_report(city, "en", role))) is sees, role


def test_a_week_says_how_it_compares(city: City) -> None:
    words = words_of(city.settings, "en")
    with connect(city.dsn, role="cem_operations", autocommit=True) as connection:
        newest = week.newest(connection, words)
        report = week.report(connection, newest, words, now=NOW)
        hours = screens.trend(connection, "hour", newest.start)
    figures = next(block.figures for block in report.blocks if block.kind == "figures")
    assert figures is not None
    shown, before = figures["Sessions"]
    assert shown == f"{hours['n'].sum():,}"
    assert before.startswith("week before: ")
    days = next(block for block in report.blocks if block.head and block.head[0] == "Day")
    assert len(days.rows) == 7


def test_a_week_is_seven_local_days_also_where_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    found = week.ending(datetime(2026, 4, 1, tzinfo=berlin))
    assert found.start == datetime(2026, 3, 25, tzinfo=berlin)
    assert found.end.astimezone(UTC) - found.start.astimezone(UTC) == timedelta(hours=7 * 24 - 1)


def test_what_data_bring_is_never_markup() -> None:
    hostile = '#panic("run") $x$ *bold* @ref <label> \\ #import "a" // /* [' + "小区" * 40
    words = Words(language="zh", zone=ZoneInfo("UTC"), days=ZoneInfo("UTC"), k=10)
    blocks = [
        Block(kind="text", text=hostile),
        Block(kind="figures", figures={hostile: (hostile, hostile)}),
        Block(kind="table", head=[hostile, "b"], rows=[[hostile, ""]], wide=[0]),
    ]
    made = pdf(Report(title=hostile, subtitle=hostile, language=words.language, footer=hostile, blocks=blocks))
    assert made.startswith(b"%PDF-")


def test_an_unknown_cluster_is_said(city: City) -> None:
    with connect(city.dsn, autocommit=True) as connection, pytest.raises(ConfigError, match="nothing"):
        cluster.report(connection, "nothing", words_of(city.settings, "en"), now=NOW)
