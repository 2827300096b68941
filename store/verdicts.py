"""What people say a cluster's domain is, kept beside what was found, and what to do next by domain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from store import audit
from store.connection import Connection
from store.masking import mask


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One person's answer: `domain` is theirs, `found_domain` the program's at that time."""

    cluster_id: str
    at: datetime
    actor: str
    found_domain: str
    domain: str
    cause: str
    model_version: str

    @property
    def confirmed(self) -> bool:
        """Whether the person agreed."""
        return self.domain == self.found_domain


def give(connection: Connection, verdict: Verdict) -> None:
    """Store and audit an answer in one transaction; what looks like a person's number in its cause is masked.

    Raises `ConfigError` without an actor.
    """
    cause = mask(verdict.cause)
    with connection.transaction():
        reason = cause or f"{verdict.domain} {'confirmed' if verdict.confirmed else 'given'}"
        detail = {"cluster": verdict.cluster_id, "found": verdict.found_domain, "said": verdict.domain}
        audit.record(connection, verdict.actor, "cluster_verdict", None, reason, detail)
        connection.execute(
            "INSERT INTO cem.cluster_verdict (cluster_id, at, actor, found_domain, domain, cause, model_version) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                *(verdict.cluster_id, verdict.at, verdict.actor, verdict.found_domain, verdict.domain, cause),
                verdict.model_version,
            ],
        )


def newest(connection: Connection, cluster_ids: Sequence[str] | None = None) -> dict[str, Verdict]:
    """Return the newest answer on each cluster, or on these."""
    rows = connection.execute(
        "SELECT cluster_id, at, actor, found_domain, domain, cause, model_version FROM cem.cluster_verdict_now "
        "WHERE %(ids)s::text[] IS NULL OR cluster_id = ANY(%(ids)s) ORDER BY cluster_id",
        {"ids": None if cluster_ids is None else list(cluster_ids)},
    )
    names = ("cluster_id", "at", "actor", "found_domain", "domain", "cause", "model_version")
    return {row[0]: Verdict(**dict(zip(names, row, strict=True))) for row in rows}


def save_recommendations(connection: Connection, texts: Mapping[str, tuple[str, str]]) -> None:
    """Replace what to do next: domain to its text in English and Chinese; runs in the caller's transaction."""
    connection.execute("DELETE FROM cem.recommendation WHERE domain <> ALL(%s)", [list(texts)])
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO cem.recommendation (domain, en, zh) VALUES (%s, %s, %s) "
            "ON CONFLICT (domain) DO UPDATE SET en = excluded.en, zh = excluded.zh "
            "WHERE (cem.recommendation.en, cem.recommendation.zh) IS DISTINCT FROM (excluded.en, excluded.zh)",
            [(domain, *pair) for domain, pair in sorted(texts.items())],
        )


def recommendations(connection: Connection) -> dict[str, tuple[str, str]]:
    """Return what to do next, by domain: (English, Chinese)."""
    return {domain: (en, zh) for domain, en, zh in connection.execute("SELECT domain, en, zh FROM cem.recommendation")}
