"""One span of sessions with everything that scoring and detection need: customers, attributes, quality."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cemaphore import catalogues
from qoe.catalogue import UNKNOWN_CAUSE, QualityCatalogue
from qoe.codes import dense
from qoe.model import QoeModel
from qoe.quality import Quality, session_quality, touchpoint_quality
from records.kinds import ACCESSES, CHANNELS, SCREENS, SERVICES, STAGES, VIDEO_CODECS, VOICE_CODECS
from store.connection import Connection
from store.frames import Part, label_values, read_sessions, read_touchpoints
from store.inventory import Inventory

Array = NDArray[Any]

ATTRIBUTES = (
    *("app", "cell", "site", "region", "band", "vendor", "model", "os", "server", "core_node", "plan", "access"),
    *("segment", "vip_level", "service"),
)
_CATEGORIES = {
    "service": SERVICES,
    "access": ACCESSES,
    "screen": SCREENS,
    "video_codec": VIDEO_CODECS,
    "voice_codec": VOICE_CODECS,
}
_TOUCH_CATEGORIES = {"channel": CHANNELS, "stage": STAGES}
SESSION_LABELS = (*_CATEGORIES, "failure_cause")  # the kinds of labels whose names a frame is made with
TOUCHPOINT_LABELS = tuple(_TOUCH_CATEGORIES)


@dataclass(frozen=True, eq=False)
class FrameContext:
    """What frames are made with: catalogue, models and inventory; load it once for many frames."""

    catalogue: QualityCatalogue
    models: Mapping[str, QoeModel]
    inventory: Inventory

    @classmethod
    def load(cls, connection: Connection, catalogue: QualityCatalogue | None = None) -> "FrameContext":
        """Read the inventory as it is now; without a `catalogue` the shipped one is used."""
        return cls(catalogue or catalogues.quality(), catalogues.models(), Inventory.load(connection))


@dataclass(frozen=True, eq=False)
class SessionFrame:
    """The sessions of [start, end), one array per column, all of one length, ordered by subscriber and time.

    `columns` as in the input contract: numbers NaN (integers -1) where missing, categories as codes of
    `records.kinds` (-1), `success` and `dropped`. `attributes`: each name of `ATTRIBUTES` as label numbers (0: not
    known). `cause_segment` indexes `qoe.catalogue.SEGMENTS`, -1 where a failure names no known cause.
    """

    start: datetime
    end: datetime
    subscriber_key: NDArray[np.int64]
    customer_key: NDArray[np.int64]
    start_us: NDArray[np.int64]
    source_id: NDArray[np.int16]
    columns: Mapping[str, Array]
    attributes: Mapping[str, NDArray[np.int32]]
    cause_segment: NDArray[np.int8]
    quality: Quality

    @property
    def rows(self) -> int:
        """Number of sessions."""
        return len(self.start_us)

    @property
    def service(self) -> Array:
        """Index into `records.kinds.SERVICES`, -1 where unknown."""
        return self.columns["service"]

    @property
    def q(self) -> NDArray[np.float64]:
        """Quality 0..100, NaN where there is not enough data."""
        return self.quality.q

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Whether each session was bad; count only those with `quality.known`."""
        return self.quality.bad


@dataclass(frozen=True, eq=False)
class TouchpointFrame:
    """The touchpoints of [start, end): as `SessionFrame`, with attributes `channel`, `activity`, `product`, `campaign`,
    `plan`, `segment`, `vip_level`.
    """

    start: datetime
    end: datetime
    subscriber_key: NDArray[np.int64]
    customer_key: NDArray[np.int64]
    time_us: NDArray[np.int64]
    source_id: NDArray[np.int16]
    columns: Mapping[str, Array]
    attributes: Mapping[str, NDArray[np.int32]]
    q: NDArray[np.float64]
    bad: NDArray[np.bool_]

    @property
    def rows(self) -> int:
        """Number of touchpoints."""
        return len(self.time_us)


def session_frame(
    connection: Connection,
    start: datetime,
    end: datetime,
    *,
    context: FrameContext | None = None,
    part: Part | None = None,
) -> SessionFrame:
    """Read and rate the sessions that start in [start, end); `part` = (index, count) takes only those customers."""
    raw = read_sessions(connection, start, end, part)
    names = label_values(connection, SESSION_LABELS)
    return sessions_of(raw, names, start, end, context or FrameContext.load(connection))


def sessions_of(
    raw: dict[str, Array], names: Mapping[str, Mapping[int, str]], start: datetime, end: datetime, context: FrameContext
) -> SessionFrame:
    """Rate sessions that are given as the arrays of `store.frames.read_sessions`, in any order.

    `names` are the labels of the kinds `SESSION_LABELS`.
    """
    raw = _in_order(raw, "start_time")
    keys, start_us, source_id = raw.pop("subscriber_key"), raw.pop("start_time"), raw.pop("source_id")
    customers = context.inventory.customer_keys(keys, start_us)
    attributes = _session_attributes(raw, keys, customers, start_us, context.inventory)
    cause = _causes(raw.pop("failure_cause"), names["failure_cause"], context.catalogue)
    for name, choices in _CATEGORIES.items():
        raw[name] = _codes(raw[name], names[name], choices)
    return SessionFrame(
        start=start,
        end=end,
        subscriber_key=keys,
        customer_key=customers,
        start_us=start_us,
        source_id=source_id,
        columns=raw,
        attributes=attributes,
        cause_segment=cause,
        quality=session_quality(raw, context.catalogue, context.models),
    )


def touchpoint_frame(
    connection: Connection,
    start: datetime,
    end: datetime,
    *,
    context: FrameContext | None = None,
    part: Part | None = None,
) -> TouchpointFrame:
    """Read and rate the touchpoints of [start, end); `part` = (index, count) takes only those customers."""
    raw = read_touchpoints(connection, start, end, part)
    names = label_values(connection, TOUCHPOINT_LABELS)
    return touchpoints_of(raw, names, start, end, context or FrameContext.load(connection))


def touchpoints_of(
    raw: dict[str, Array], names: Mapping[str, Mapping[int, str]], start: datetime, end: datetime, context: FrameContext
) -> TouchpointFrame:
    """Rate touchpoints that are given as the arrays of `store.frames.read_touchpoints`, in any order.

    `names` are the labels of the kinds `TOUCHPOINT_LABELS`.
    """
    raw = _in_order(raw, "time")
    keys, time_us, source_id = raw.pop("subscriber_key"), raw.pop("time"), raw.pop("source_id")
    attributes = {name: raw[name] for name in ("channel", "activity", "product", "campaign")}
    customers = context.inventory.customer_keys(keys, time_us)
    attributes |= context.inventory.people(keys, customers, time_us)
    for name, choices in _TOUCH_CATEGORIES.items():
        raw[name] = _codes(raw[name], names[name], choices)
    q = touchpoint_quality(raw, context.catalogue)
    return TouchpointFrame(
        start=start,
        end=end,
        subscriber_key=keys,
        customer_key=customers,
        time_us=time_us,
        source_id=source_id,
        columns=raw,
        attributes=attributes,
        q=q,
        bad=q < context.catalogue.touchpoints.bad_below,
    )


def _in_order(raw: Mapping[str, Array], time: str) -> dict[str, Array]:
    """The rows by subscriber and time: sums in single precision then do not depend on how a table lies on the disk."""
    if not len(raw[time]):
        return dict(raw)
    code, time_us = dense(raw["subscriber_key"])[1], raw[time] - raw[time].min()
    order = np.argsort(code * (int(time_us.max()) + 1) + time_us, kind="stable")
    return {name: column[order] for name, column in raw.items()}


def _session_attributes(
    raw: dict[str, Array], keys: Array, customers: Array, start_us: Array, inventory: Inventory
) -> dict[str, Array]:
    found = {name: raw[name] for name in ("app", "server", "core_node", "access", "service")}
    found["cell"] = raw.pop("cell_id")
    place = inventory.cells.at(found["cell"], start_us)
    node = inventory.access_nodes.at(raw["access_node"], start_us)
    for name in ("site", "region"):
        found[name] = np.where(place[name] > 0, place[name], node[name])
    found |= {name: place[name] for name in ("band", "vendor")}
    found |= inventory.devices.at(raw["tac"], start_us)
    person = inventory.people(keys, customers, start_us)
    found |= {name: person[name] for name in ("segment", "vip_level")}
    found["plan"] = np.where(raw["plan"] > 0, raw["plan"], person["plan"])
    return {name: found[name].astype(np.int32, copy=False) for name in ATTRIBUTES}


def _codes(label_ids: Array, names: Mapping[int, str], choices: Sequence[str]) -> NDArray[np.int8]:
    """Code of each label within `choices`, -1 where it is none of them."""
    return _translate(label_ids, {number: choices.index(name) for number, name in names.items() if name in choices})


def _causes(label_ids: Array, names: Mapping[int, str], catalogue: QualityCatalogue) -> NDArray[np.int8]:
    """Segment of each failure cause; only the causes that occur are matched."""
    present = [int(number) for number in np.unique(label_ids) if number in names]
    segments = catalogue.cause_segments([names[number] for number in present])
    return _translate(label_ids, dict(zip(present, segments.tolist(), strict=True)), UNKNOWN_CAUSE)


def _translate(label_ids: Array, table: Mapping[int, int], missing: int = -1) -> NDArray[np.int8]:
    known = np.array([0, *sorted(table)], dtype=label_ids.dtype)
    codes = np.array([missing, *(table[number] for number in sorted(table))], dtype=np.int8)
    place = np.minimum(np.searchsorted(known, label_ids), len(known) - 1)
    return np.where(known[place] == label_ids, codes[place], np.int8(missing)).astype(np.int8)
