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
