"""The page and the report of one cluster, also where it is so small that its figures are hidden."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cemaphore.reporting import cluster
from cemaphore.reporting.making import words_of
from cemaphore.settings import load_settings
from dashboards.messages import LANGUAGES, text
from store import clusters
from store.connection import Connection, connect
from tests.screen_app import Opened, words

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def saved(connection: Connection, **given: Any) -> str:
    """Store a surge of complaints of five customers, or what is given of it otherwise; returns its id."""
    connection.execute("INSERT INTO cem.version (model_version, catalogue_version) VALUES ('m', 'c')")
    surge = {
        "cluster_id": "surge-1",
        "over_kind": "complaints",
        "dimension": "app",
        "domain": "app",
        "selector": {"topic": ["app"], "app": ["video_a"]},
        "started_at": START,
        "detected_at": START + timedelta(hours=1),
        "ended_at": None,
        "users": 5,
        "sessions": 6,
        "bad_ratio": 0.5,
        "expected_ratio": 0.05,
        "p_value": 1e-6,
        "q_value": 1e-6,
        "severity": 0.4,
        "evidence": [{"metric": "complaints", "before": 0.5, "during": 6.0, "effect": 7.8, "unit": "complaints"}],
        "silent_users": 0,
        "recommendation": "recommend.app",
        "version_id": 1,
        "users_hurt": 5,
        "sessions_hurt": 6,
    }
    clusters.save(connection, clusters.ClusterRow(**{**surge, **given}))
    return "surge-1"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("users", "hurt"), [(5, 5), (40, 5)])
def test_a_small_surge_opens_and_hides_how_small_it_is(
    screen: Opened, database: str, connection: Connection, language: str, users: int, hurt: int
) -> None:
    name = saved(connection, users=users, users_hurt=hurt, sessions=2 * users, sessions_hurt=hurt)
    connection.commit()
    app = screen("clusters", "operations", cluster=name, lang=language)
    assert not app.exception
    assert text(language, "app.of_few", k=10) in words(app)
    with connect(database, role="cem_operations", autocommit=True) as reading:
        made = cluster.report(reading, name, words_of(load_settings(), language), now=START)
    figures = made.blocks[0].figures
    assert figures is not None
    shown, _ = figures[text(language, "cluster.records_hurt")]
    assert shown.startswith(text(language, "app.of_few", k=10))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_changed_is_said_in_the_readers_words(
    screen: Opened, database: str, connection: Connection, language: str
) -> None:
    """Topics, domains, units and tiers are words of the catalogues, on the page and in the report."""
    pieces = [
        {"kind": "joint", "metric": "ran_capacity", "before": 0.1, "during": 6.2, "effect": 4.0, "unit": "points"},
        {"kind": "joint", "metric": "network", "before": 0.1, "during": 6.2, "effect": 4.0, "unit": "points"},
        {"kind": "alarm", "metric": "Link down", "before": 0.0, "during": 2.0, "effect": 0.0, "unit": "alarms"},
        {"kind": "conditions", "metric": "app", "before": None, "during": 1.0, "effect": 0.0, "unit": "values"},
        {"metric": "complaints", "before": 0.5, "during": 60.0, "effect": 7.8, "unit": "complaints"},
    ]
    name = saved(connection, users=300, users_hurt=60, sessions=300, sessions_hurt=60, evidence=pieces)
    tier = connection.execute("INSERT INTO cem.label (kind, value) VALUES ('vip_level', 'gold') RETURNING label_id")
    for code in (0, *(tier.fetchone() or ())):
        connection.execute("INSERT INTO cem.cluster_tier VALUES ('surge-1', %s, 100, 30)", [code])
    connection.commit()
    keys = ["domain.ran_capacity", "dimension.network", "attribute.app", "measure.complaints", "tier.gold", "tier.none"]
    keys += [f"evidence_unit.{unit}" for unit in ("points", "alarms", "values", "complaints")]
    app = screen("clusters", "operations", cluster=name, lang=language)
    assert not app.exception
    assert app.title[0].value.startswith(text(language, "topic.app"))
    cells = {str(cell) for table in app.dataframe for cell in table.value.to_numpy().ravel()}
    assert {text(language, key) for key in keys} <= cells
    with connect(database, role="cem_operations", autocommit=True) as reading:
        made = cluster.report(reading, name, words_of(load_settings(), language), now=START)
    cells = {cell for block in made.blocks for row in block.rows for cell in row}
    assert {text(language, key) for key in keys} <= cells
