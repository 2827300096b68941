"""Server time of every screen, against a re-run of an empty page that asks the database `select 1`, in the same rounds.

The database is a demo city grown to a million users and 30 million sessions. Each round re-runs every view twice: once
when what it had read has expired, so that it asks the database, and at once again. The figure is the worst view's 95th
percentile of the first. Before that each view is opened once with database, disk and server cold; after it 50 browser
sessions look around at the same time.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench import cities, large_city, screen_servers
from bench.pairs import close, parser_of, server_s, tell
from bench.screen_visits import Crowd, View, crowd, first_run, opened
from cemaphore import privatedb
from cemaphore.demo import FAST, WorldSize, write_world
from cemaphore.pipeline import aggregation, alerting, sourcehealth
from cemaphore.pipeline.scoring import score
from cemaphore.settings import Settings, load_settings
from dashboards.access import SCREENS
from store.connection import connect

TARGET = 40.0  # 300 ms where an empty page and `select 1` take 7.5, as on the machine that this was written on (own)
COPIES = 1250  # of the fast city's 800 people and two days of 24,500 sessions
_TINY = WorldSize(users=200, sites=15, models=8, sessions_per_user_day=4.0, counter_days=1, file_hours=24)
_EXPIRES_S = 31.0  # a second more than the screens remember what they read
_DETAILS = {
    "clusters": "SELECT 'cluster=' || cluster_id FROM cem.cluster ORDER BY users DESC LIMIT 1",
    "customer": "SELECT 'customer=' || customer_key FROM cem.cluster_user ORDER BY bad DESC, customer_key LIMIT 1",
    "complaints": "SELECT 'complaint=' || complaint_id FROM cem.complaint_link ORDER BY probability DESC LIMIT 1",
    "silent": "SELECT 'cluster=' || cluster_id FROM cem.cluster ORDER BY silent_users DESC LIMIT 1",
    "cells": "SELECT 'cell=' || value FROM cem.label WHERE kind = 'cell' ORDER BY label_id LIMIT 1",
    "rankings": "SELECT 'model=' || value FROM cem.label WHERE kind = 'model' ORDER BY label_id LIMIT 1",
    "alerts": "SELECT 'alert=' || alert_id FROM cem.alert ORDER BY started_at DESC LIMIT 1",
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long to look: rounds of re-runs with seconds between their beginnings, views opened cold, and the crowd."""

    rounds: int
    pause_s: float
    cold: int
    sessions: int
    runs: int
    think_s: float


FULL = Plan(rounds=12, pause_s=_EXPIRES_S, cold=99, sessions=50, runs=4, think_s=10.0)
SMALL = Plan(rounds=2, pause_s=0.0, cold=0, sessions=5, runs=1, think_s=0.5)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Milliseconds of one view: opened cold, re-run with reads expired, and re-run at once again.

    `cpu_ms` is the mean processor time of the first kind of re-run, the database's included.
    """

    view: str
    cold_ms: float | None
    asked_ms: Sequence[float]
    again_ms: Sequence[float]
    cpu_ms: float
    bytes_sent: int


def main() -> int:
    """Build the database, look at every view, and compare."""
    parser = parser_of(__doc__ or "")
    parser.add_argument("--folder", type=Path, help="keep the large database there, or use the one that is there")
    asked = parser.parse_args()
    if asked.small:
        with one_day() as settings:
            seen, peer, met = look(settings, SMALL)
    elif asked.folder is None:
        with cities.city(1) as city:
            grow(city)
            seen, peer, met = look(city.settings, FULL)
    else:
        with kept(asked.folder.resolve()) as settings:
            seen, peer, met = look(settings, FULL)
    worst = max(seen, key=lambda one: p95(one.asked_ms))
    detail: dict[str, object] = {"views": seen, "peer_ms": peer, "crowd": met}
    figure = p95(worst.asked_ms) / p95(peer)
    unit = f"times an empty page and select 1, {worst.view} with {p95(worst.asked_ms):.0f} ms"
    code = close("screens", figure, unit, TARGET, at_most=True, detail=detail, as_json=asked.json)
    return 1 if met.errors else code


@contextmanager
def one_day() -> Iterator[Settings]:
    """A small city of which only the last day is scored, and nothing searched: pages open, and some say that."""
    with TemporaryDirectory(prefix="cemaphore-screens-") as home:
        settings = load_settings(home=Path(home) / "home", database_url=None, time_zone=_TINY.zone, demo=True)
        try:
            dsn = privatedb.ensure(settings)
            write_world(Path(home) / "world", _TINY, 1)
            cities.load(dsn, settings, Path(home) / "world")
            with connect(dsn, autocommit=True) as connection:
                last_day = _TINY.moment(_TINY.hours - 24)
                connection.execute("DELETE FROM cem.dirty WHERE window_start < %s", [last_day])
            score(dsn, settings)
            yield settings
        finally:
            privatedb.remove(settings)


@contextmanager
def kept(folder: Path) -> Iterator[Settings]:
    """The large database of a folder, built there where it is not whole yet; it stays when this ends."""
    settings = load_settings(home=folder / "home", database_url=None, time_zone=FAST.zone, country_code="CN", demo=True)
    whole = folder / "whole"
    if not whole.exists():
        privatedb.remove(settings)
        privatedb.start(settings, extra=cities.SERVER)
        grow(cities.build(privatedb.database_url(settings), settings, FAST, 1))
        whole.touch()
    try:
        privatedb.ensure(settings)
        yield settings
    finally:
        privatedb.stop(settings)


def grow(city: cities.City) -> None:
    """Bring a city to the size of an operator."""
    prepare(city)
    large_city.grow(city.dsn, COPIES)


def prepare(city: cities.City) -> None:
    """Let the jobs that the city's building leaves out run over it, so that no screen is empty."""
    end = city.world.moment(city.world.hours)
    health = sourcehealth.assess(city.dsn, city.settings, now=end, start=end - timedelta(days=1), end=end)
    aggregation.assess(city.dsn, city.settings)
    told = alerting.alert(city.dsn, city.settings, now=end)
    tell(f"assessed {health.windows} windows of sources, {told.windows} windows for alerts")


def look(settings: Settings, plan: Plan) -> tuple[list[Seen], list[float], Crowd]:
    """Look at all views as the plan says: what each took, the empty page's milliseconds, and the crowd's."""
    views = views_of(privatedb.database_url(settings))
    cold = {view: _cold(settings, view) for view in views[: plan.cold]}
    with screen_servers.screens(settings) as served, screen_servers.empty_page(settings) as empty:
        worked = partial(_cpu_ms, served, privatedb.status(settings).pid)
        seen, peer, wrong = asyncio.run(_rounds(served.port, empty.port, views, plan, cold, worked))
        before_ms = served.cpu_ms
        met = asyncio.run(crowd(served.port, views, plan.sessions, plan.runs, plan.think_s))
        page_ms = (served.cpu_ms - before_ms) / max(len(met.runs_ms), 1)
    met = replace(met, errors=[*wrong, *met.errors])
    _report(seen, peer, met, plan)
    tell(f"processor time of the screens for a page that somebody opens: {page_ms:.0f} ms")
    return seen, peer, met


def views_of(dsn: str) -> list[View]:
    """Every screen as it opens, and those that show one thing with that thing which has the most to show."""
    views = [View(name="" if name == next(iter(SCREENS)) else name) for name in SCREENS]
    with connect(dsn) as connection:
        for name, query in _DETAILS.items():
            row = connection.execute(query.encode()).fetchone()
            if row is not None:
                views.append(View(name=name, query=row[0]))
    return views


def _cold(settings: Settings, view: View) -> float:
    screen_servers.forget(settings)
    with screen_servers.screens(settings) as served:
        milliseconds, errors = asyncio.run(first_run(served.port, view))
    tell(f"cold: {view.title} {milliseconds:.0f} ms {' '.join(errors)}")
    return milliseconds


async def _rounds(
    port: int, empty: int, views: Sequence[View], plan: Plan, cold: dict[View, float], worked: Callable[[], float]
) -> tuple[list[Seen], list[float], list[str]]:
    peer = await opened(empty, View(name=""))
    visits = [await opened(port, view) for view in views]
    for visit in (peer, *visits):
        await visit.run()
    peer_ms: list[float] = []
    asked: list[list[float]] = [[] for _ in visits]
    again: list[list[float]] = [[] for _ in visits]
    cpu_ms = [0.0 for _ in visits]
    for _ in range(plan.rounds):
        began = time.monotonic()
        await asyncio.sleep(plan.pause_s)
        for number, visit in enumerate(visits):
            peer_ms.append(await peer.run())
            before_ms = worked()
            asked[number].append(await visit.run())
            cpu_ms[number] += (worked() - before_ms) / plan.rounds
            again[number].append(await visit.run())
        tell(f"round of {len(visits)} views in {time.monotonic() - began - plan.pause_s:.1f} s")
    seen = [
        Seen(view=visit.view.title, cold_ms=cold.get(visit.view), asked_ms=asked[number], again_ms=again[number],
             cpu_ms=cpu_ms[number], bytes_sent=visit.bytes_sent)
        for number, visit in enumerate(visits)
    ]  # fmt: skip
    wrong: list[str] = []
    for visit in (peer, *visits):
        await visit.socket.close()
        wrong.extend(f"{visit.view.title}: {error}" for error in visit.errors)
    return seen, peer_ms, wrong


def _cpu_ms(served: screen_servers.Served, postmaster_pid: int | None) -> float:
    """Processor time of the screens and of the database's processes so far."""
    return served.cpu_ms + server_s(postmaster_pid) * 1e3


def p95(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return float(np.percentile(values, 95))


def _report(seen: Sequence[Seen], peer: Sequence[float], met: Crowd, plan: Plan) -> None:
    tell(f"empty page and select 1: p50 {np.median(peer):.1f} ms, p95 {p95(peer):.1f} ms")
    tell(
        f"{'view':24} {'cold':>7} {'p50':>7} {'p95':>7} {'x empty':>8} {'CPU':>6} {'again p50':>9} "
        f"{'p95':>7} {'KiB':>6}"
    )
    for one in seen:
        cold = "-" if one.cold_ms is None else f"{one.cold_ms:.0f}"
        tell(f"{one.view:24} {cold:>7} {np.median(one.asked_ms):7.0f} {p95(one.asked_ms):7.0f} "
             f"{p95(one.asked_ms) / p95(peer):8.1f} {one.cpu_ms:6.0f} "
             f"{np.median(one.again_ms):9.0f} {p95(one.again_ms):7.0f} {one.bytes_sent / 1024:6.0f}")  # fmt: skip
    tell(f"{plan.sessions} sessions at once: {len(met.runs_ms)} pages in {met.seconds:.0f} s, "
         f"p50 {np.median(met.runs_ms):.0f} ms, p95 {p95(met.runs_ms):.0f} ms, {len(met.errors)} errors"
         f"{': ' + met.errors[0] if met.errors else ''}")  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
