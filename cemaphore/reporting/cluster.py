"""The report of one cluster: what it is, whom it hurts, why, what it explains, and what to do."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pandas as pd

from cemaphore.reporting import drawing
from cemaphore.reporting.document import Block, Report, heading, table
from cemaphore.reporting.words import Words
from records.errors import ConfigError
from store import cluster_screens, complaint_views, screens
from store.connection import Connection

MOST_COMPLAINTS = 20
_NAMED_BY = {"demarcation": "segment", "conditions": "attribute"}  # kind of evidence to prefix of its messages
_COLOURS = {"bad": "#D55E00", "expected": "#0072B2"}


def report(connection: Connection, cluster_id: str, words: Words, *, now: datetime) -> Report:
    """Return the report of a cluster as the connection's role sees it; raises `ConfigError` for an unknown id."""
    found = screens.cluster(connection, cluster_id)
    if found is None:
        raise ConfigError(words.t("clusters.unknown", id=cluster_id))
    return Report(
        title=words.where(found["selector"]),
        subtitle=_span(found, words),
        language=words.language,
        footer=words.t("report.cluster_footer", id=cluster_id, now=words.moment(now), zone=words.zone.key, k=words.k),
        blocks=[*_verdict(found, words), *_evidence(connection, found, words), *_people(connection, found, words)],
    )


def _span(found: dict[str, Any], words: Words) -> str:
    start = words.moment(found["started_at"])
    if found["ended_at"] is None:
        return words.t("cluster.open_since", start=start)
    return words.t("cluster.from_to", start=start, end=words.moment(found["ended_at"]))


def _verdict(found: dict[str, Any], words: Words) -> Iterator[Block]:
    figures = {
        words.t("column.domain"): (words.word("domain", found["domain"]), ""),
        words.t("column.severity"): (words.share(found["severity"]), ""),
        words.t("cluster.users_hurt"): (words.count(found["users_hurt"]), ""),
        words.t("cluster.records_hurt"): (_records(found, words), ""),
        words.t("column.bad_ratio"): (words.share(found["bad_ratio"]), ""),
        words.t("column.expected_ratio"): (words.share(found["expected_ratio"]), ""),
    }
    yield Block(kind="figures", figures=figures)
    tested = words.t("cluster.tested", p=f"{found['p_value']:.1e}", q=f"{found['q_value']:.1e}")
    certainty = found["certainty"]
    sure = "" if certainty is None else words.t("cluster.certainty", share=words.share(certainty))
    yield Block(kind="text", text=f"{tested} {sure}".strip())
    advice = found[f"advice_{words.language}"]
    if advice is not None:
        yield Block(kind="note", text=f"{words.t('cluster.next_step')}: {advice}")


def _records(found: dict[str, Any], words: Words) -> str:
    return f"{words.total(found['sessions_hurt'])} / {words.total(found['sessions'])}"


def _evidence(connection: Connection, found: dict[str, Any], words: Words) -> Iterator[Block]:
    windows = screens.cluster_windows(connection, found["cluster_id"])
    yield heading(words.t("cluster.timeline"))
    if not windows.empty:
        start = pd.to_datetime(windows["start"], utc=True).dt.tz_convert(words.zone).dt.tz_localize(None)
        names = {"bad": words.t("cluster.bad"), "expected": words.t("cluster.expected")}
        svg = drawing.lines(windows.assign(start=start), names, _COLOURS, title="0-1", span=True)
        yield Block(kind="chart", text=words.t("cluster.timeline_alt"), svg=svg)
    if found["onset_lo"] is not None:
        moments = {name: words.moment(found[f"onset_{name}"]) for name in ("lo", "hi")}
        yield Block(kind="text", text=words.t("cluster.start", start=words.moment(found["started_at"]), **moments))
    yield heading(words.t("cluster.evidence"))
    pieces = [piece for piece in found["evidence"] if "metric" in piece]
    if not pieces:
        yield Block(kind="text", text=words.t("cluster.no_evidence"))
        return
    columns = {
        words.t("column.kind"): [words.word("evidence", str(piece.get("kind", "complaints"))) for piece in pieces],
        words.t("column.metric"): [_metric(piece, words) for piece in pieces],
        **{words.t(f"column.{name}"): [_number(piece.get(name)) for piece in pieces] for name in ("before", "during")},
        words.t("column.unit"): [words.word("evidence_unit", str(piece.get("unit") or "")) for piece in pieces],
        words.t("column.speaks"): [_speaks(piece, words) for piece in pieces],
    }
    yield table(columns, wide=[1, 5])


def _metric(piece: dict[str, Any], words: Words) -> str:
    """What was measured in words; a counter or KPI by the name it has where it comes from."""
    metric, kind = str(piece["metric"]), piece.get("kind")
    if kind == "joint":
        return words.word("dimension", words.word("domain", metric))
    return words.word(_NAMED_BY.get(str(kind), "measure"), metric)


def _number(value: Any) -> str:
    if not isinstance(value, int | float):
        return str(value or "")
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"


def _speaks(piece: dict[str, Any], words: Words) -> str:
    said = piece.get("speaks") or {}
    return ", ".join(f"{words.word('domain', domain)} {weight:+.1f}" for domain, weight in said.items())


def _people(connection: Connection, found: dict[str, Any], words: Words) -> Iterator[Block]:
    parts = cluster_screens.cluster_parts(connection, found["cluster_id"])
    if not parts.empty:
        yield heading(words.t("cluster.hurt"))
        columns = {
            words.t("column.kind"): parts["attribute"].map(lambda name: words.word("attribute", name)).tolist(),
            words.t("column.value"): [
                _part(name, value, words)
                for name, value in zip(parts["attribute"], parts["value"].fillna(""), strict=True)
            ],
            words.t("cluster.users_hurt"): parts["users_hurt"].map(words.count).tolist(),
            words.t("column.users"): parts["users"].map(words.count).tolist(),
        }
        yield table(columns)
    yield heading(words.t("cluster.complaints"))
    yield Block(kind="text", text=words.t("cluster.silent", n=words.count(found["silent_users"])))
    yield from _complaints(connection, found["cluster_id"], words)


def _part(attribute: str, value: str, words: Words) -> str:
    if attribute == "vip_level":
        return words.word("tier", value or "none")
    return value or words.t("app.none")


def _complaints(connection: Connection, cluster_id: str, words: Words) -> Iterator[Block]:
    explained = complaint_views.explained(connection, cluster_id)
    if explained["share"] is not None:
        said = words.t("complaints.explains", n=f"{explained['complaints']:.1f}", share=words.share(explained["share"]))
        yield Block(kind="text", text=said)
    complaints = screens.cluster_complaints(connection, cluster_id)
    if complaints.empty:
        yield Block(kind="text", text=words.t("cluster.no_complaints"))
        return
    shown = complaints.head(MOST_COMPLAINTS)
    topics = complaint_views.cluster_topics(connection, cluster_id)
    columns = {
        words.t("column.time"): shown["created_at"].map(words.moment).tolist(),
        words.t("column.probability"): shown["probability"].map(words.share).tolist(),
        words.t("column.topic"): [
            words.word("topic", topics[each]) if each in topics else "" for each in shown["complaint_id"]
        ],
    }
    if shown["text"].notna().any():  # the role sees what was said
        columns[words.t("column.text")] = shown["text"].fillna("").tolist()
    yield table(columns, wide=[len(columns) - 1])
    if len(complaints) > MOST_COMPLAINTS:
        yield Block(kind="text", text=words.t("report.more", n=len(complaints) - MOST_COMPLAINTS))
