"""One event of VES: its header checked, its measurements and alarm taken out, and its digest.

Only the fields that are used are checked: a sender that adds fields of its own, or leaves out what nobody reads, loses
nothing. Domains that hold neither counters nor alarms are passed over; what is an event but cannot be used is refused.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field

from collectors.ves.alarms import Alarm, fault, fault_supervision
from collectors.ves.fields import Fields, moment_us, optional, string, wrong
from collectors.ves.measurements import Measured, measurement, perf3gpp
from records.errors import DataError

VERSIONS = ("5", "6", "7")
COUNTER_DOMAINS = ("perf3gpp", "measurement", "measurementsForVfScaling")
ALARM_DOMAINS = ("fault", "stndDefined")
_FAULT_SUPERVISION = "3GPP-FaultSupervision"
_DIGEST_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class Event:
    """What an event holds; `refused` says why it is `kept` but not used, `digest` tells it from all others."""

    domain: str
    digest: bytes
    time_us: int
    measured: tuple[Measured, ...] = ()
    alarm: Alarm | None = None
    refused: DataError | None = None
    kept: bytes = field(default=b"", repr=False)
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> str | None:
        """The kind of record that it becomes; None for domains that are passed over."""
        if self.domain in COUNTER_DOMAINS:
            return "counters"
        return "alarms" if self.domain in ALARM_DOMAINS else None


@dataclass(frozen=True, kw_only=True)
class Header:
    """What is used of a `commonEventHeader`; times in microseconds since 1970 UTC."""

    domain: str
    event_id: str
    source_name: str
    sequence: str
    start_us: int
    last_us: int


def read(event: object, where: str, *, major: str | None = None) -> Event:
    """Check one event and take out what it holds; `major` is the version that its sender addressed.

    Raises `DataError` with the path of the field that is wrong.
    """
    try:
        return _read(event, where, major)
    except RecursionError:
        raise wrong(where, "is nested too deep", code="json") from None
    except UnicodeEncodeError:
        raise wrong(where, "holds half of a surrogate pair; text is Unicode", code="encoding") from None


def _read(event: object, where: str, major: str | None) -> Event:
    if not isinstance(event, dict):
        raise wrong(where, "is no object")
    fields = event.get("commonEventHeader")
    if not isinstance(fields, dict):
        raise wrong(f"{where}.commonEventHeader", "is missing")
    place = f"{where}.commonEventHeader"
    _check_version(fields, place, major)
    header, notes = _header(fields, place)
    text = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).digest()[:_DIGEST_BYTES]
    holds: dict[str, object] = {}
    if header.domain in (*COUNTER_DOMAINS, *ALARM_DOMAINS):
        name = f"{header.domain}Fields"
        body = event.get(name)
        if not isinstance(body, dict):
            raise wrong(f"{where}.{name}", "is missing")
        holds = _contents(header, fields, body, f"{where}.{name}", notes)
        holds["kept"] = text.encode() if "refused" in holds else b""
    # Types of a dict's values are not known one by one.
    return Event(
        domain=header.domain, digest=digest, time_us=header.start_us, notes=tuple(notes), **holds,  # type: ignore[arg-type]
    )  # fmt: skip


def listed(document: Fields, *, bare: bool = False) -> list[tuple[object, str]]:
    """The events of a document, each with its path; `bare` also takes an event without its wrapper."""
    if "eventList" in document:
        events = document["eventList"]
        if not isinstance(events, list) or not events:
            raise wrong("eventList", "is no list of events")
        return [(_unwrapped(event), f"eventList[{index}]") for index, event in enumerate(events)]
    if bare and "commonEventHeader" in document:
        return [(document, "event")]
    if "event" not in document:
        raise wrong("event", "is missing; a document holds event or eventList")
    return [(document["event"], "event")]


def _unwrapped(event: object) -> object:
    """Some senders wrap each event of a list once more."""
    return event["event"] if isinstance(event, dict) and list(event) == ["event"] else event


def _contents(header: Header, fields: Fields, body: Fields, where: str, notes: list[str]) -> dict[str, object]:
    if header.domain == "perf3gpp":
        return {"measured": perf3gpp(body, where, header.start_us, header.last_us, notes)}
    if header.domain in COUNTER_DOMAINS:
        times = (header.start_us, header.last_us)
        return {"measured": measurement(body, where, header.source_name, *times, notes)}
    if header.domain == "fault":
        return {"alarm": fault(header, body, where)}
    namespace = string(fields, "stndDefinedNamespace", f"{where.rpartition('.')[0]}.commonEventHeader")
    if namespace != _FAULT_SUPERVISION:
        why = f"has the namespace {namespace[:60]!r}; of stndDefined events {_FAULT_SUPERVISION} is read."
        return {"refused": DataError(why, code="namespace", column="stndDefinedNamespace")}
    found = fault_supervision(header, body, where)
    return {"refused" if isinstance(found, DataError) else "alarm": found}


def _header(fields: Fields, where: str) -> tuple[Header, list[str]]:
    start_us, first_note = moment_us(fields, "startEpochMicrosec", where)
    last_us, second_note = moment_us(fields, "lastEpochMicrosec", where)
    header = Header(
        domain=string(fields, "domain", where),
        event_id=string(fields, "eventId", where),
        source_name=string(fields, "sourceName", where),
        sequence=optional(fields, "sequence") or "0",
        start_us=start_us,
        last_us=last_us,
    )
    return header, [note for note in (first_note, second_note) if note]


def _check_version(fields: Fields, where: str, major: str | None) -> None:
    """`vesEventListenerVersion` from version 7 on; before, the header's version: 1 in VES 1 to 4, 3 in VES 5."""
    if "vesEventListenerVersion" in fields:
        text = string(fields, "vesEventListenerVersion", where)
        found = re.match(r"(\d{1,3})(\.|$)", text)
        if found is None or found[1] not in VERSIONS or (major is not None and found[1] != major):
            needed = f"{major}.x" if major else "5.x to 7.x"
            raise wrong(f"{where}.vesEventListenerVersion", f"is {text[:20]!r}; {needed} is needed", code="version")
        return
    text = optional(fields, "version") or ""
    found = re.match(r"(\d{1,3})(\.|$)", text)
    if found is None:
        raise wrong(f"{where}.version", "is missing; the version of the header is needed", code="version")
    if int(found[1]) < 2:
        raise wrong(f"{where}.version", f"is {text[:20]!r}, of VES 4 or older; VES 5 to 7 is needed", code="version")
