"""Scores hours a second time with another quality catalogue, and compares what both versions say of a local day."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import qoe.catalogue
from cemaphore import catalogues
from cemaphore.engines.local import rated_parts
from cemaphore.engines.worker import Worker
from cemaphore.pipeline.frame import FrameContext
from cemaphore.pipeline.hours import GROUP_ATTRIBUTES, merged_parts
from cemaphore.pipeline.score_rows import stacked, sums_of, user_columns
from cemaphore.settings import Settings
from qoe.comparison import BANDS, Scored, aligned, by_group, compare
from qoe.indices import IndexRules
from records.errors import ConfigError
from records.windows import HOUR, day_bounds, local_day
from store import retention, scores, shadows, user_sums
from store.connection import Connection, connect
from store.frames import label_values
from store.inventory import Inventory
from store.shadows import Shadow

Progress = Callable[[int, int], None]
_PERSONAL = ("plan", "segment", "vip_level")
_GRAIN = "hour"
_BORDERS = (0, *BANDS, 100)
BAND_NAMES = tuple(f"{low:g}-{high:g}" for low, high in pairwise(_BORDERS))


@dataclass(frozen=True, kw_only=True)
class ShadowRun:
    """What a run scored a second time: hours and days, sessions and user-hours; and the version it made."""

    name: str
    catalogue_version: str
    hours: int
    sessions: int
    user_hours: int
    days: int


def score_shadow(
    dsn: str,
    settings: Settings,
    file: Path,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    progress: Progress | None = None,
) -> ShadowRun:
    """Score with the quality catalogue in `file` beside the one in force what was scored since the last call.

    A file with other content begins a new shadow: it scores the hours of [start, end) that are scored already, and
    from then on all that the program scores. One transaction an hour. Raises `ConfigError` for a catalogue that is none
    or that is the one in force.
    """
    with connect(dsn, autocommit=True, application="cemaphore shadow") as connection:
        run = _Run(connection, settings, _taken_up(connection, settings, file, start, end))
        return run.all(progress)


def end_shadow(dsn: str) -> bool:
    """Remove the shadow and all that it made; False where there was none."""
    with connect(dsn, autocommit=True) as connection:
        there = shadows.current(connection) is not None
        shadows.end(connection)
        return there


def compare_shadow(dsn: str, settings: Settings, day: date | None, limit: int) -> dict[str, Any]:
    """Return what moves for whom on a local day (default: the newest of the shadow), as `docs/json.md` says.

    Groups of fewer users than `k_anonymity` are left out. Raises `ConfigError` where there is no shadow of that day.
    """
    with connect(dsn, autocommit=True) as connection:
        zone = scores.time_zone(connection)
        start = shadows.newest_day(connection) if day is None else day_bounds(day, zone)[0]
        if start is None:
            raise ConfigError("There is no shadow to compare: make one with `cem score --shadow FILE`.")
        before, old_version = _scored(connection, "cem", start)
        after, new_version = _scored(connection, shadows.SCHEMA, start)
        if not len(after.customer):
            raise ConfigError(f"The shadow has no scores of {local_day(start, zone)}: `cem score --shadow FILE`.")
        before, after = aligned(before, after)
        _, end = day_bounds(local_day(start, zone), zone)
        found = compare(before, after)
        least = settings.k_anonymity
        return {
            "day": local_day(start, zone),
            "before": old_version,
            "after": new_version,
            "only_before": found.only_before,
            "only_after": found.only_after,
            "rank_correlation": found.rank_correlation,
            "limiting_moved": found.limiting_moved,
            "indices": [
                {"index": name, **asdict(shift)}
                for name, shift in {"overall": found.overall, **found.dimensions}.items()
            ],
            "bands": [
                {"from": name, **dict(zip(BAND_NAMES, row, strict=True))}
                for name, row in zip(BAND_NAMES, found.bands, strict=True)
            ],
            "customers": _personal(connection, before, after, end, least),
            "groups": shadows.groups(connection, start, end, least, limit),
        }


def _taken_up(
    connection: Connection, settings: Settings, file: Path, start: datetime | None, end: datetime | None
) -> Shadow:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read as text: {error}.") from None
    if qoe.catalogue.parse(text).version == catalogues.quality(settings).version:
        raise ConfigError(f"{file} says what the catalogue in force says: there is nothing to compare.")
    known = shadows.current(connection)
    if known is not None and known.catalogue == text:
        return known
    shadow = Shadow(name=file.stem, catalogue=text, begun_at=datetime.now(UTC))
    with connection.transaction():
        shadows.begin(connection, shadow)
        shadows.mark(connection, start, end)
    return shadow


class _Run:
    def __init__(self, connection: Connection, settings: Settings, shadow: Shadow) -> None:
        self._connection, self._worker = connection, Worker(connection, settings)
        self._shadow = shadow
        quality = qoe.catalogue.parse(shadow.catalogue)
        context = FrameContext.load(connection, quality)
        self._scoring = replace(self._worker.scoring, context=context, rules=IndexRules.of(quality))
        self._model_version = catalogues.model_version(catalogues.models(), quality)
        self._catalogue_version = f"qoe={quality.version} kqi={catalogues.kqis(settings).version}"

    def all(self, progress: Progress | None) -> ShadowRun:
        hours = scores.dirty_hours(self._connection, (shadows.HOUR_KIND,), None, None)
        counts = np.zeros(3, dtype=np.int64)
        for done, hour in enumerate(hours, 1):
            counts += self._hour(hour)
            if progress is not None:
                progress(done, len(hours))
        done, sessions, user_hours = (int(count) for count in counts)
        return ShadowRun(
            name=self._shadow.name,
            catalogue_version=self._catalogue_version,
            hours=done,
            sessions=sessions,
            user_hours=user_hours,
            days=self._days(),
        )

    def _hour(self, hour: datetime) -> tuple[int, int, int]:
        """Score one hour; hours, sessions and user-hours done: an hour whose records were dropped has no shadow."""
        connection = self._connection
        baseline_id, margins = self._worker.baseline(local_day(hour, self._scoring.zone))
        with connection.transaction():
            scores.hold(connection, "shadow hour", hour, wait=True)
            marks = scores.marks(connection, (shadows.HOUR_KIND,), hour, hour + HOUR)
            scores.unmark(connection, marks)
            if not marks or retention.gone(connection, retention.SESSIONS, hour):
                return 0, 0, 0
            version_id = self._version(baseline_id)
            scores.delete(connection, "user_hour", shadows.SCHEMA, start=hour)
            groups = {"grain": _GRAIN, "attribute": list(GROUP_ATTRIBUTES)}
            scores.delete_span(connection, "group_index", hour, hour + HOUR, shadows.SCHEMA, **groups)
            made = []
            for part in rated_parts(connection, hour, self._scoring, margins):
                for users in part.users:
                    scores.append(connection, "user_hour", {**users, "version_id": version_id}, shadows.SCHEMA)
                made.append(replace(part, users=()))
            whole = merged_parts(made)
            hourly = replace(whole, groups={key: sums for key, sums in whole.groups.items() if key[0] == _GRAIN})
            scores.append(connection, "group_index", stacked(hourly.group_tables(version_id)), shadows.SCHEMA)
            scores.mark(connection, shadows.DAY_KIND, hour)
        return 1, whole.count.sessions, whole.count.customers

    def _days(self) -> int:
        hours = scores.dirty_starts(self._connection, shadows.DAY_KIND)
        days = dict.fromkeys(local_day(hour, self._scoring.zone) for hour in hours)
        for day in days:
            self._day(day)
        return len(days)

    def _day(self, day: date) -> None:
        connection = self._connection
        start, end = day_bounds(day, self._scoring.zone)
        with connection.transaction():
            scores.hold(connection, "shadow day", start, wait=True)
            scores.unmark(connection, scores.marks(connection, (shadows.DAY_KIND,), start, end))
            scores.delete_span(connection, "user_day", start, end, shadows.SCHEMA)
            found = user_sums.merged(connection, "user_hour", start, end, schema=shadows.SCHEMA)
            keys, rules = found["customer_key"], self._scoring.rules
            columns = user_columns(start, keys, found["n"], found["bad"], sums_of(found), rules)
            version_id = self._version(self._worker.baseline(day)[0])
            scores.append(connection, "user_day", {**columns, "version_id": version_id}, shadows.SCHEMA)

    def _version(self, baseline_id: int) -> int:
        return scores.version(self._connection, self._model_version, self._catalogue_version, baseline_id)


def _scored(connection: Connection, schema: str, start: datetime) -> tuple[Scored, dict[str, str] | None]:
    found = shadows.day(connection, schema, start)
    scored = Scored(
        customer=found["customer_key"],
        overall=found["overall"].astype(np.float64),
        dimension=np.array([found[name] for name in qoe.catalogue.DIMENSIONS], dtype=np.float64),
        limiting=found["limiting"].astype(np.int8),
    )
    number = int(found["version_id"].max(initial=0))
    return scored, scores.version_names(connection, number)


def _personal(connection: Connection, before: Scored, after: Scored, end: datetime, least: int) -> list[dict[str, Any]]:
    """How the customers of each plan, segment and value tier move."""
    moment_us = np.full(len(before.customer), int(end.timestamp()) * 1_000_000 - 1)
    people = Inventory.load(connection).people(before.customer, before.customer, moment_us)
    names = label_values(connection, _PERSONAL)
    return [
        {"attribute": name, "value": names[name].get(code), **asdict(shift)}
        for name in _PERSONAL
        for code, shift in by_group(before, after, people[name], least).items()
    ]
