"""Makes reports: for the screens on the viewer's connection, for commands and jobs on one of their own."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cemaphore import privatedb
from cemaphore.reporting import cluster, week
from cemaphore.reporting.document import pdf
from cemaphore.reporting.words import Words
from cemaphore.settings import Settings, load_settings
from store.connection import Connection, connect


def words_of(settings: Settings, language: str, zone: ZoneInfo | None = None) -> Words:
    """Return the words of a report; moments by the operator's clock unless another zone is given."""
    ours = ZoneInfo(settings.time_zone)
    return Words(language=language, zone=zone or ours, days=ours, k=settings.k_anonymity)


def cluster_pdf(connection: Connection, cluster_id: str, words: Words) -> bytes:
    """Return the report of a cluster as PDF; raises `ConfigError` for an unknown id."""
    return pdf(cluster.report(connection, cluster_id, words, now=datetime.now(UTC)))


def week_pdf(connection: Connection, words: Words, end: datetime | None = None) -> tuple[str, bytes]:
    """Return the first day of a week and its report as PDF; raises `ConfigError` where nothing is scored."""
    chosen = week.newest(connection, words) if end is None else week.ending(end.astimezone(words.days))
    return words.day(chosen.start), pdf(week.report(connection, chosen, words, now=datetime.now(UTC)))


def cluster_here(cluster_id: str, language: str, *, role: str) -> bytes:
    """Return the report of a cluster of this home's database, read as `role`."""
    settings = load_settings()
    with connect(privatedb.database_url(settings), role=role, autocommit=True) as connection:
        return cluster_pdf(connection, cluster_id, words_of(settings, language))


def week_here(end: datetime | None, language: str, *, role: str) -> tuple[str, bytes]:
    """Return the first day of a week and its report, of this home's database, read as `role`."""
    settings = load_settings()
    with connect(privatedb.database_url(settings), role=role, autocommit=True) as connection:
        return week_pdf(connection, words_of(settings, language), end)
