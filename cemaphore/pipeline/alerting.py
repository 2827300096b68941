"""Judges the windows that closed on time by the alert rules, and delivers what is to be said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerts.evaluation import evaluate
from alerts.rules import Rule, default_rules, parse_rules
from alerts.webhook import Retry, channels_of, deliver
from cemaphore.settings import Settings
from records.windows import QUARTER
from store import alerts as stored
from store import detections
from store.connection import Connection, connect

RULES_FILE = "alerts.toml"
# A window that is judged later than this after its end is late: its news is no alert any more (own).
ON_TIME = timedelta(hours=2)


@dataclass(frozen=True, kw_only=True)
class AlertRun:
    """Windows judged, alerts that changed state, messages taken and not taken."""

    windows: int
    changes: int
    delivered: int
    failed: int


def rules_of(settings: Settings) -> tuple[Rule, ...]:
    """The operator's rules where `alerts.toml` lies under `home`, else the shipped ones."""
    path = settings.home / RULES_FILE
    return parse_rules(path.read_text(encoding="utf-8")) if path.exists() else default_rules()


def alert(
    dsn: str,
    settings: Settings,
    *,
    now: datetime | None = None,
    rules: Sequence[Rule] | None = None,
    retry: Retry | None = None,
) -> AlertRun:
    """Judge each closed window once, oldest first, then deliver what waits.

    A window scored again later is not judged again, and one older than `ON_TIME` never, except in demo mode, where
    the made-up days are replayed as if they were now.
    """
    now = now or datetime.now(UTC)
    channels = channels_of([url.get_secret_value() for url in settings.webhook_urls])
    rules = rules_of(settings) if rules is None else rules
    with connect(dsn, autocommit=True) as connection:
        windows = _due(connection, settings, now)
        changes = sum(_judge(connection, rules, window, list(channels), now) for window in windows)
        taken, refused = deliver(connection, channels, now, retry)
    return AlertRun(windows=len(windows), changes=changes, delivered=taken, failed=refused)


def _due(connection: Connection, settings: Settings, now: datetime) -> list[datetime]:
    until = detections.closed_until(connection, now, timedelta(minutes=settings.close_after_minutes))
    oldest = datetime(1970, 1, 1, tzinfo=UTC) if settings.demo else now - ON_TIME - QUARTER
    judged = detections.newest(connection, "alerts")
    return stored.scored_windows(connection, max(oldest, judged or oldest), until)


def _judge(
    connection: Connection, rules: Sequence[Rule], window: datetime, channels: Sequence[str], now: datetime
) -> int:
    with connection.transaction():
        changed = evaluate(connection, rules, window, channels)
        detections.note(connection, [("alerts", window, len(rules), changed)], now)
    return changed
