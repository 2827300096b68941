"""Joint effects where a day says nothing: named after the sample without a session that ended scoring."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cemaphore.pipeline import learning
from cemaphore.pipeline.scoring import score
from cemaphore.settings import load_settings
from store.connection import Connection
from tests.records import add_sessions

FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_a_sample_without_a_session_teaches_nothing(
    database: str, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large day every second customer is looked at, and here those have odd numbers."""
    monkeypatch.setattr(learning, "MOST_SESSIONS", 20)
    for day in range(2):
        add_sessions(
            connection,
            {
                "subscriber_key": list(range(1, 61, 2)),
                "start_time": [FIRST + timedelta(days=day, seconds=key) for key in range(30)],
                "service": ["web"] * 30,
                "success": [True] * 30,
                "page_load_ms": [900.0] * 30,
                "app": ["taobao"] * 30,
            },
            batch=day + 1,
        )
    assert score(database, load_settings(home=tmp_path), processes=1).sessions == 60
    assert connection.execute("SELECT count(*) FROM cem.effect").fetchone() == (0,)
