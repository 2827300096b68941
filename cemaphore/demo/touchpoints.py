"""Touchpoints: hotline, store, online hall, installation and the rest, their waiting, outcome and rating."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cemaphore.demo import catalogue
from cemaphore.demo.arrays import Bools, Floats, Ints, Stream, pick, stream
from cemaphore.demo.drawing import HOUR_S
from cemaphore.demo.faults import Fault
from cemaphore.demo.judging import Judge
from cemaphore.demo.load import Clock
from cemaphore.demo.people import People
from cemaphore.demo.size import WorldSize
from cemaphore.demo.story import ACTIVITIES
from cemaphore.demo.truth import Tally
from records.kinds import CHANNELS, STAGES

# Per channel: share, median wait and handling in seconds, failure ratio (own), and what people do there.
_CHANNELS = {
    "hotline": (0.22, 32.0, 240.0, 0.05, {"query": 6, "repair": 2, "cancel": 1, "pay": 1}),
    "ivr": (0.10, 12.0, 80.0, 0.08, {"query": 7, "pay": 3}),
    "store": (0.07, 500.0, 900.0, 0.03, {"order": 5, "query": 3, "cancel": 1, "pay": 1}),
    "web": (0.12, 3.0, 120.0, 0.05, {"browse": 6, "pay": 2, "order": 1, "query": 1}),
    "app": (0.24, 2.5, 90.0, 0.04, {"browse": 5, "pay": 3, "query": 1, "order": 1}),
    "sms": (0.05, 90.0, 70.0, 0.03, {"query": 8, "cancel": 2}),
    "wechat": (0.06, 60.0, 240.0, 0.05, {"query": 8, "pay": 2}),
    "field": (0.14, 130_000.0, 5_000.0, 0.05, {"install": 6, "repair": 4}),
}
_HOURS = np.array([0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 0.8, 2, 5, 8, 9, 9, 7, 7, 8, 8, 8, 7, 5, 5, 4, 3, 2, 0.6])
_STAGE = {"browse": 0, "order": 1, "install": 1, "pay": 2, "query": 2, "repair": 3, "cancel": 3}
_RATED = 0.5
_STAGE_OF = np.array([_STAGE[activity] for activity in ACTIVITIES])
_SHARE = np.array([_CHANNELS[name][0] for name in CHANNELS])
_WAIT_S = np.array([_CHANNELS[name][1] for name in CHANNELS])
_HANDLE_S = np.array([_CHANNELS[name][2] for name in CHANNELS])
_FAILURE = np.array([_CHANNELS[name][3] for name in CHANNELS])
_ACTIVITY = np.array([[_CHANNELS[name][4].get(activity, 0) for activity in ACTIVITIES] for name in CHANNELS], float)
SCHEMA = pa.schema(
    [
        ("event_id", pa.string()), ("time", pa.timestamp("ms", tz="UTC")), ("subscriber_id", pa.string()),
        ("channel", pa.string()), ("activity", pa.string()), ("stage", pa.string()), ("wait_s", pa.float64()),
        ("handle_s", pa.float64()), ("success", pa.bool_()), ("transfers", pa.int64()), ("rating", pa.int64()),
        ("product", pa.string()), ("campaign", pa.string()),
    ]
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Touches:
    """The touchpoints of one hour in order of time."""

    person: Ints
    at_h: Floats
    channel: Ints
    activity: Ints
    normals: Floats
    uniforms: Floats

    def columns(self, wait: Floats, failure: Floats) -> dict[str, Floats]:
        """Return what they were like under a longer wait (ln of the factor) and further failures; NaN: not rated."""
        z, u = self.normals, self.uniforms
        wait_s = _WAIT_S[self.channel] * np.exp(0.5 * z[:, 0] + wait)
        success = u[:, 0] >= _FAILURE[self.channel] + failure
        mood = 4.3 - 0.35 * wait - 2.2 * ~success + 0.7 * z[:, 2]
        return {
            "wait_s": np.round(wait_s, 1),
            "handle_s": np.round(_HANDLE_S[self.channel] * np.exp(0.4 * z[:, 1]), 1),
            "success": success.astype(np.float64),
            "transfers": np.floor(u[:, 2] ** 4 * 3.0) * (self.channel == CHANNELS.index("hotline")),
            "rating": np.where(u[:, 1] < _RATED, np.clip(np.round(mood), 1, 5), np.nan),
        }


class Desk:
    """Draws the touchpoints of each hour, lets faults act on them and judges both worlds."""

    def __init__(self, world: WorldSize, people: People, faults: tuple[Fault, ...], judge: Judge, seed: int) -> None:
        self._world, self._people, self._judge, self._seed = world, people, judge, seed
        self._faults = [fault for fault in faults if fault.hurts and fault.over == "touchpoints"]
        self._begins_ms = round(world.begins.timestamp() * 1_000)

    def hour(self, now: Clock, tally: Tally) -> tuple[pa.Table, list[tuple[Fault, Ints]]]:
        """Return the hour's rows, and for each fault the people whom it gave a bad touchpoint (with repeats)."""
        active = [fault for fault in self._faults if fault.active(now.index)]
        touches = self._draw(now, active)
        count = len(touches.person)
        nothing = np.zeros(count)
        wait, failure = nothing.copy(), nothing.copy()
        hits: list[tuple[Fault, Bools]] = []
        for fault in active:
            mask = fault.hits({"channel": touches.channel, "activity": touches.activity}, touches.at_h)
            wait[mask] += fault.effect.wait
            failure[mask] += fault.effect.touch_failure
            hits.append((fault, mask))
        columns = touches.columns(wait, failure)
        hurt: list[tuple[Fault, Ints]] = []
        if hits:
            bad = self._judge.touchpoints(touches.channel, columns)
            spared = self._judge.touchpoints(touches.channel, touches.columns(nothing, nothing))
            for fault, mask in hits:
                tally.add(fault, bad[mask], spared[mask])
                hurt.append((fault, touches.person[mask & bad & ~spared]))
        return self._table(now, touches, columns), hurt

    def _draw(self, now: Clock, active: list[Fault]) -> Touches:
        rng = stream(self._seed, Stream.TOUCHPOINTS, now.index)
        usual = self._people.count * self._world.touchpoints_per_user_day * _HOURS[now.hour] / _HOURS.sum()
        first = int(rng.poisson(usual))
        channel = pick(rng.random(first), _SHARE)
        activity = _activity(channel, rng.random(first))
        person, at_h = rng.integers(0, self._people.count, first), now.index + rng.random(first)
        for fault in active:
            # A surge repeats people's normal wishes: it copies the hour's matching draws to other people and times.
            flags = fault.hits({"channel": channel, "activity": activity}, np.maximum(at_h, fault.begins_h))
            extra = np.repeat(np.flatnonzero(flags), int(fault.effect.surge))
            channel, activity = np.append(channel, channel[extra]), np.append(activity, activity[extra])
            person = np.append(person, rng.integers(0, self._people.count, len(extra)))
            begins = max(float(now.index), fault.begins_h)
            at_h = np.append(at_h, begins + rng.random(len(extra)) * (min(now.index + 1.0, fault.ends_h) - begins))
        order = np.argsort(at_h, kind="stable")
        return Touches(
            person=person[order],
            at_h=at_h[order],
            channel=channel[order],
            activity=activity[order],
            normals=rng.standard_normal((len(order), 3)),
            uniforms=rng.random((len(order), 3)),
        )

    def _table(self, now: Clock, touches: Touches, columns: dict[str, Floats]) -> pa.Table:
        count = len(touches.person)
        ordered = touches.activity == ACTIVITIES.index("order")
        start_ms = self._begins_ms + np.round(touches.at_h * HOUR_S * 1_000.0).astype(np.int64)
        plan = pa.array(catalogue.PLANS).take(pa.array(self._people.plan[touches.person]))
        arrays = [
            pa.array([f"E{now.index:06d}-{number:07d}" for number in range(count)], pa.string()),
            pa.array(start_ms).cast(pa.timestamp("ms", tz="UTC")),
            self._people.msisdn.take(pa.array(touches.person)),
            pa.array(CHANNELS).take(pa.array(touches.channel)),
            pa.array(ACTIVITIES).take(pa.array(touches.activity)),
            pa.array(STAGES).take(pa.array(_STAGE_OF[touches.activity])),
            pa.array(columns["wait_s"]),
            pa.array(columns["handle_s"]),
            pa.array(columns["success"] > 0),
            pa.array(columns["transfers"].astype(np.int64)),
            pa.array(columns["rating"], from_pandas=True).cast(pa.int64()),
            plan,
            pc.if_else(pa.array(ordered), pa.scalar("spring-offer"), pa.scalar(None, pa.string())),
        ]
        return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _activity(channel: Ints, uniforms: Floats) -> Ints:
    edges = np.cumsum(_ACTIVITY, axis=1)
    edges /= edges[:, -1:]
    found: Ints = np.minimum((uniforms[:, None] >= edges[channel]).sum(axis=1), len(ACTIVITIES) - 1)
    return found
