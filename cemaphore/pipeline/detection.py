"""Looks for degraded-experience clusters in every scored and closed window, oldest first, and follows them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cemaphore import catalogues
from cemaphore.pipeline.complaining import read_complaints
from cemaphore.pipeline.following import Following, policy_for
from cemaphore.pipeline.frame import FrameContext
from cemaphore.pipeline.units import Feed, moment_of, window_of
from cemaphore.settings import Settings
from qoe.clusters.space import space_of
from qoe.clusters.tracking import BACK
from records.errors import TransientError
from records.windows import QUARTER
from store import cell_evidence, detections, verdicts
from store import clusters as stored
from store.connection import Connection, connect
from store.labels import Labels
from store.locks import Lock

OVER_KINDS = ("sessions", "touchpoints")
CHUNK = 96  # windows that are committed together
_GRACE = (BACK + 1) * QUARTER

Progress = Callable[[float], None]  # share that is done, 0..1


@dataclass(frozen=True, kw_only=True)
class DetectRun:
    """What a run did: windows looked at, clusters opened and touched, links of complaints, and how far it came."""

    windows: int = 0
    opened: int = 0
    touched: int = 0
    links: int = 0
    until: datetime | None = None


def detect(
    dsn: str,
    settings: Settings,
    *,
    start: datetime | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> DetectRun:
    """Look at all windows that wait; with `start`, look again at all from then on.

    A window that was scored again is looked at again with all that follow it, from a moment at which no cluster was
    alive: the result is that of one run over all. Clusters found again keep their id and `detected_at` (the end of
    the window that showed them first). Raises `TransientError` while another detection runs.
    """
    now = now or datetime.now(UTC)
    with connect(dsn, autocommit=True) as connection, connect(dsn, autocommit=True) as names, _alone(connection):
        return _detect(connection, Labels(names), settings, start, now, progress or (lambda share: None))


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [Lock.DETECTION]).fetchone()
    if row is None or not row[0]:
        raise TransientError("another detection is running; try again when it has finished")
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [Lock.DETECTION])


def _detect(
    connection: Connection,
    labels: Labels,
    settings: Settings,
    start: datetime | None,
    now: datetime,
    progress: Progress,
) -> DetectRun:
    until = detections.closed_until(connection, now, timedelta(minutes=settings.close_after_minutes))
    if start is not None:
        detections.forget(connection, start)
    marks = detections.marks(connection)
    waiting = detections.waiting(connection, until)
    if not waiting:
        newest = detections.newest(connection)
        return DetectRun(links=_link(connection, settings, until), until=newest and newest + QUARTER)
    newest = detections.newest(connection)
    first, last = waiting[0], max(waiting[-1], newest or waiting[-1])
    before: list[stored.ClusterRow] = []
    with connection.transaction():
        if start is not None or (newest is not None and first <= newest):
            first, before = _rewind(connection, first)
        followings = _followings(connection, labels, settings, first, before)
        known = {row.cluster_id for row in (*stored.alive(connection, first, _GRACE), *before)}
        touched = _chunk(connection, followings, first, min(last, first + (CHUNK - 1) * QUARTER), now, marks)
    total = (last - first) // QUARTER + 1
    for done in range(CHUNK, total, CHUNK):
        progress(done / total)
        begin = first + done * QUARTER
        with connection.transaction():
            touched |= _chunk(connection, followings, begin, min(last, begin + (CHUNK - 1) * QUARTER), now, marks)
    links = _link(connection, settings, first)
    progress(1.0)
    return DetectRun(
        windows=total, opened=len(touched - known), touched=len(touched), links=links, until=last + QUARTER
    )


def _rewind(connection: Connection, first: datetime) -> tuple[datetime, list[stored.ClusterRow]]:
    """Go back to where no cluster was alive, and forget what was found from there on."""
    while reaching := stored.alive(connection, first, _GRACE):
        first = min(row.started_at for row in reaching)
    before = stored.since(connection, first)
    stored.delete(connection, [row.cluster_id for row in before])
    detections.forget(connection, first)
    return first, before


def _followings(
    connection: Connection, labels: Labels, settings: Settings, first: datetime, before: list[stored.ClusterRow]
) -> list[Following]:
    context = FrameContext.load(connection)
    zone = ZoneInfo(settings.time_zone)
    alive = stored.alive(connection, first, _GRACE)
    advice = catalogues.advice(settings)
    verdicts.save_recommendations(connection, {domain: (each.en, each.zh) for domain, each in advice.items()})
    space = space_of(**cell_evidence.positions(connection))
    made = []
    for kind in OVER_KINDS:
        policy = policy_for(kind, settings.false_clusters_per_day, settings.cluster_depth)
        feed = Feed(connection, kind, zone, context)
        where = space if kind == "sessions" else None
        following = Following(connection, feed, policy, labels, before, advice=advice, space=where)
        following.restore(alive, context.catalogue.version)
        made.append(following)
    return made


def _chunk(
    connection: Connection,
    followings: list[Following],
    first: datetime,
    last: datetime,
    now: datetime,
    marks: Mapping[int, datetime],
) -> set[str]:
    notes: list[tuple[str, datetime, int, int]] = []
    for window in range(window_of(first), window_of(last) + 1):
        for following in followings:
            tests, found = following.step(window)
            notes.append((following.feed.over_kind, moment_of(window), tests, found))
    detections.note(connection, notes, now)
    detections.unmark(connection, [mark for mark, window in marks.items() if first <= window <= last])
    return {cluster_id for following in followings for cluster_id in following.save(window_of(first))}


def _link(connection: Connection, settings: Settings, since: datetime) -> int:
    """Read the complaints that the clusters just touched may explain, and those that came in meanwhile."""
    newest = detections.newest(connection)
    if newest is None:
        return 0
    with connection.transaction():
        return read_complaints(connection, settings, min(since, newest), newest + QUARTER).links
