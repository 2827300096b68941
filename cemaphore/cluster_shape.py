"""A cluster as programs get it: the JSON of `cem clusters` and `cem cluster`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from store.cluster_life import Turn
from store.clusters import ClusterRow
from store.verdicts import Verdict


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What hangs on a cluster: (complaint, probability), turns of its life, (tier, users, hurt), an answer, texts."""

    complaints: Sequence[tuple[str, float]]
    changes: Sequence[Turn]
    tiers: Sequence[tuple[str | None, int, int]]
    verdict: Verdict | None
    recommendations: Mapping[str, tuple[str, str]]


def shape_of(row: ClusterRow, beside: Beside) -> dict[str, Any]:
    """Return the cluster's JSON; the recommendation is that of the domain which people gave, where they did."""
    domain = row.domain if beside.verdict is None else beside.verdict.domain
    english, chinese = beside.recommendations.get(domain, (row.recommendation, row.recommendation))
    return {
        "id": row.cluster_id,
        "over": row.over_kind,
        "dimension": row.dimension,
        "domain": row.domain,
        "selector": row.selector,
        "started_at": row.started_at,
        "detected_at": row.detected_at,
        "ended_at": row.ended_at,
        "users": row.users,
        "sessions": row.sessions,
        "bad_ratio": row.bad_ratio,
        "expected_ratio": row.expected_ratio,
        "p_value": row.p_value,
        "q_value": row.q_value,
        "severity": row.severity,
        "evidence": row.evidence,
        "complaints": [{"complaint_id": name, "probability": round(chance, 4)} for name, chance in beside.complaints],
        "silent_users": row.silent_users,
        "recommendation": english,
        "recommendation_zh": chinese,
        "started_between": [row.onset_lo or row.started_at, row.onset_hi or row.started_at],
        "users_hurt": row.users_hurt,
        "sessions_hurt": row.sessions_hurt,
        "value_tiers": [{"tier": tier, "users": users, "users_hurt": hurt} for tier, users, hurt in beside.tiers],
        "certainty": row.certainty,
        "life": [{"at": at, "change": kind, "other": other} for at, kind, other in beside.changes],
        "verdict": None if beside.verdict is None else _verdict(beside.verdict),
    }


def _verdict(said: Verdict) -> dict[str, Any]:
    return {
        "at": said.at,
        "actor": said.actor,
        "confirmed": said.confirmed,
        "found_domain": said.found_domain,
        "domain": said.domain,
        "cause": said.cause or None,
    }
