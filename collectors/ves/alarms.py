"""Faults of VES and notifications of 3GPP fault supervision as alarms.

Severities are those of ITU-T X.733: NORMAL of VES is `cleared`. An alarm's time is when it was raised
(`startEpochMicrosec`), of a clearing when it ended (`lastEpochMicrosec`). Free text is masked.
"""

from dataclasses import dataclass
from typing import Protocol

from collectors.problems import shown
from collectors.ves.fields import Fields, mapping, optional, string, wrong
from records.errors import DataError
from store.masking import mask

_SEVERITIES = {
    "CRITICAL": "critical",
    "MAJOR": "major",
    "MINOR": "minor",
    "WARNING": "warning",
    "INDETERMINATE": "indeterminate",
    "CLEARED": "cleared",
    "NORMAL": "cleared",
}
# Notifications of TS 28.532 that raise, change or clear an alarm; the others are about lists and comments.
_NOTIFICATIONS = ("notifyNewAlarm", "notifyNewSecAlarm", "notifyChangedAlarm", "notifyChangedAlarmGeneral")
_CLEARING = "notifyClearedAlarm"


class Header(Protocol):
    """What is needed of the header."""

    @property
    def event_id(self) -> str: ...  # noqa: D102 - named by its type
    @property
    def source_name(self) -> str: ...  # noqa: D102 - named by its type
    @property
    def sequence(self) -> str: ...  # noqa: D102 - named by its type
    @property
    def start_us(self) -> int: ...  # noqa: D102 - named by its type
    @property
    def last_us(self) -> int: ...  # noqa: D102 - named by its type


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One row of `alarms`, its time in microseconds since 1970 UTC."""

    event_id: str
    time_us: int
    object_id: str
    alarm_id: str
    severity: str
    alarm_condition: str | None
    specific_problem: str | None
    alarm_type: str | None
    object_type: str | None

    @property
    def cleared(self) -> bool:
        """Whether this ends the alarm."""
        return self.severity == "cleared"


def fault(header: Header, fields: Fields, where: str) -> Alarm:
    """The alarm of a `fault` event: its object is the source and, where given, the interface."""
    condition = string(fields, "alarmCondition", where)
    problem = string(fields, "specificProblem", where)
    severity = _severity(fields, "eventSeverity", where)
    return Alarm(
        event_id=f"{header.event_id}/{header.sequence}",
        time_us=header.last_us if severity == "cleared" else header.start_us,
        object_id=_object(header, optional(fields, "alarmInterfaceA")),
        alarm_id=header.event_id,
        severity=severity,
        alarm_condition=mask(condition),
        specific_problem=mask(problem),
        alarm_type=optional(fields, "eventCategory"),
        object_type=optional(fields, "eventSourceType"),
    )


def fault_supervision(header: Header, fields: Fields, where: str) -> Alarm | DataError:
    """The alarm of a `stndDefined` event of 3GPP fault supervision (TS 28.532), or why it holds none."""
    data = mapping(fields, "data", where)
    where = f"{where}.data"
    notification = string(data, "notificationType", where)
    if notification not in (*_NOTIFICATIONS, _CLEARING):
        why = f"is a {notification[:60]!r}, which neither raises nor changes nor clears an alarm."
        return DataError(why, code="notification", column="notificationType")
    if notification == _CLEARING and "perceivedSeverity" not in data:
        severity = "cleared"
    else:
        severity = _severity(data, "perceivedSeverity", where)
    alarm_id = optional(data, "alarmId")
    if alarm_id is None:
        raise wrong(f"{where}.alarmId", "is missing; a text is needed")
    problem = optional(data, "specificProblem")
    condition = optional(data, "probableCause")
    return Alarm(
        event_id=f"{header.event_id}/{header.sequence}",
        time_us=header.last_us if severity == "cleared" else header.start_us,
        object_id=_object(header, optional(data, "objectInstance")),
        alarm_id=alarm_id,
        severity=severity,
        alarm_condition=mask(condition) if condition else None,
        specific_problem=mask(problem) if problem else None,
        alarm_type=optional(data, "alarmType"),
        object_type=optional(data, "objectClass"),
    )


def _object(header: Header, part: str | None) -> str:
    return f"{header.source_name},{part}" if part else header.source_name


def _severity(fields: Fields, name: str, where: str) -> str:
    value = fields.get(name)
    found = _SEVERITIES.get(value.strip().upper()) if isinstance(value, str) else None
    if found is None:
        lack = "is missing" if value is None else f"is {shown(value)}"
        raise wrong(f"{where}.{name}", f"{lack}; one of {', '.join(_SEVERITIES)} is needed")
    return found
