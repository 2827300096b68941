"""Alerts in the shapes of TM Forum: TMF642 Alarm Management and TMF656 Service Problem Management, both v4.0.0.

The mapping is ours; names and obligatory fields are those of the published definitions (TMF642-Alarm-v4.0.0 and
TMF656-ServiceProblem-v4.0.0, release 18.5).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from alerts.channels import Letter
from alerts.facts import Facts

SYSTEM = "cemaphore"
GRANULARITY = "15 min"
# ITU-T X.733 8.1.2.3: major where a service suffers and urgent action is wanted, minor where it does not yet.
_SEVERITIES = {"critical": "critical", "warning": "major", "info": "minor"}
# ITU-T X.733 8.1.2.2 (own choice of the nearest): what is not here is performanceDegraded.
_CAUSES = {
    "ran_coverage": "degradedSignal",
    "ran_interference": "degradedSignal",
    "ran_capacity": "congestion",
    "app": "applicationSubsystemFailure",
    "server": "responseTimeExcessive",
}
_PRIORITIES = {"critical": 1, "warning": 4, "info": 7}  # of 1 (highest) to 10 (own)
MOST_NAMED = 50  # cells or other things that an alert names (own)
_PLACES = ("all", "region")
_RESOURCES = ("site", "cell", "server", "core_node", "model")
_SERVICES = ("service", "app", "plan")


def alarm(letter: Letter) -> dict[str, Any]:
    """Return a TMF642 Alarm."""
    facts = letter.facts
    kind, subject = _subject(facts)
    resolved = facts.state == "resolved"
    shape = {
        "id": facts.alert_id,
        "externalAlarmId": facts.alert_id,
        "alarmType": "Communications Alarm" if facts.kind == "no_data" else "Quality of Service Alarm",
        "perceivedSeverity": "cleared" if resolved else _SEVERITIES.get(facts.severity, "indeterminate"),
        "probableCause": _cause(facts),
        "specificProblem": letter.title,
        "alarmDetails": "\n".join(letter.lines),
        "alarmedObject": {"id": subject, "@type": kind},
        "alarmedObjectType": kind,
        "sourceSystemId": SYSTEM,
        "reportingSystemId": SYSTEM,
        "state": "cleared" if resolved else "raised" if letter.first else "updated",
        "ackState": "unacknowledged" if facts.acknowledged_by is None else "acknowledged",
        "ackUserId": facts.acknowledged_by,
        "ackSystemId": None if facts.acknowledged_by is None else SYSTEM,
        "alarmRaisedTime": facts.started_at.isoformat(),
        "alarmReportingTime": _moment(facts.fired_at),
        "alarmChangedTime": facts.at.isoformat(),
        "alarmClearedTime": _moment(facts.resolved_at),
        "serviceAffecting": facts.kind != "no_data",
        "affectedService": _named(facts, _SERVICES),
        "place": [{"role": "affected", **one} for one in _named(facts, _PLACES) or []] or None,
        "correlatedAlarm": [{"id": child.alert_id, "@referredType": "Alarm"} for child in facts.children] or None,
        "comment": _comments(facts),
        "crossedThresholdInformation": _threshold(letter),
        "@type": "Alarm",
    }
    return {name: value for name, value in shape.items() if value is not None}


def alarm_event(letter: Letter) -> dict[str, Any]:
    """Return the TMF642 event that tells of this change of an alarm."""
    kind = "AlarmCreateEvent" if letter.first else "AlarmStateChangeEvent"
    return _event(letter, kind, {"alarm": alarm(letter)})


def problem(letter: Letter) -> dict[str, Any]:
    """Return a TMF656 ServiceProblem."""
    facts = letter.facts
    shape = {
        "id": facts.alert_id,
        "category": "system.originated",
        "priority": _PRIORITIES.get(facts.severity, 5),
        "description": letter.title,
        "reason": facts.domain or "Unknown",
        "originatorParty": {"id": SYSTEM, "name": "Cemaphore", "role": "system", "@referredType": "Organization"},
        "originatingSystem": SYSTEM,
        "status": _status(facts),
        "statusChangeDate": facts.at.isoformat(),
        "timeRaised": _moment(facts.fired_at or facts.started_at),
        "timeChanged": facts.at.isoformat(),
        "resolutionDate": _moment(facts.resolved_at),
        "affectedLocation": _named(facts, _PLACES),
        "affectedResource": _named(facts, _RESOURCES),
        "affectedService": _named(facts, _SERVICES) or _other(facts),
        "firstAlert": {"id": facts.alert_id, "name": facts.rule, "@referredType": "Alarm"},
        "underlyingAlarm": [{"id": one, "@referredType": "Alarm"} for one in _alarms(facts)],
        "relatedObject": _cluster(facts),
        "impactPatterns": {"description": "\n".join(letter.lines), "extensionInfo": _impact(facts)},
        "comment": [
            {"author": one["userId"], "date": one["time"], "text": one["comment"]} for one in _comments(facts) or []
        ]
        or None,
        "@type": "ServiceProblem",
    }
    return {name: value for name, value in shape.items() if value is not None}


def problem_event(letter: Letter) -> dict[str, Any]:
    """Return the TMF656 event that tells of this change of a service problem."""
    kind = "ServiceProblemCreateEvent" if letter.first else "ServiceProblemStateChangeEvent"
    return _event(letter, kind, {"serviceProblem": problem(letter)})


def _event(letter: Letter, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    moment = letter.facts.at.isoformat()
    return {
        "eventId": letter.key,
        "eventTime": moment,
        "timeOcurred": moment,  # spelt so in the specification
        "eventType": kind,
        "correlationId": letter.facts.alert_id,
        "domain": "Service" if kind.startswith("ServiceProblem") else "Common",
        "title": letter.title,
        "description": "\n".join(letter.lines),
        "priority": str(_PRIORITIES.get(letter.facts.severity, 5)),
        "event": payload,
    }


def _subject(facts: Facts) -> tuple[str, str]:
    kind, _, value = facts.subject.partition("=")
    return kind, value or kind


def _cause(facts: Facts) -> str:
    if facts.domain is None:
        return "thresholdCrossed"
    return _CAUSES.get(facts.domain, "performanceDegraded")


def _status(facts: Facts) -> str:
    if facts.state == "resolved":
        return "Resolved"
    return "Submitted" if facts.acknowledged_by is None else "Acknowledged"


def _moment(moment: Any) -> str | None:
    return None if moment is None else str(moment.isoformat())


def _comments(facts: Facts) -> list[dict[str, Any]] | None:
    if not facts.acknowledged_comment:
        return None
    moment = _moment(facts.acknowledged_at) or facts.at.isoformat()
    return [
        {"comment": facts.acknowledged_comment, "userId": facts.acknowledged_by, "systemId": SYSTEM, "time": moment}
    ]


def _threshold(letter: Letter) -> dict[str, Any] | None:
    facts = letter.facts
    if facts.value is None:
        return None
    below = facts.expected is None or facts.value <= facts.expected
    return {
        "direction": "down" if below else "up",
        "granularity": GRANULARITY,
        "indicatorName": facts.measure,
        "indicatorUnit": facts.unit,
        "observedValue": f"{facts.value:.6g}",
        "thresholdCrossingDescription": letter.title,
        "threshold": {"id": facts.rule, "name": facts.rule, "@referredType": "AlertRule"},
    }


def _named(facts: Facts, attributes: Sequence[str]) -> list[dict[str, str]] | None:
    """What the alert is about, of these attributes; None where nothing is."""
    names = [name for attribute in attributes for name in _about(facts).get(attribute, ())]
    return [{"id": name, "name": name} for name in names[:MOST_NAMED]] or None


def _other(facts: Facts) -> list[dict[str, str]] | None:
    """At least one of location, resource and service has to be there: whatever else the subject is."""
    if _named(facts, (*_PLACES, *_RESOURCES)):
        return None
    _, subject = _subject(facts)
    return [{"id": subject, "name": subject}]


def _about(facts: Facts) -> Mapping[str, Sequence[str]]:
    kind, subject = _subject(facts)
    return {kind: (subject,), **facts.about}


def _alarms(facts: Facts) -> list[str]:
    return [facts.alert_id, *(child.alert_id for child in facts.children)]


def _cluster(facts: Facts) -> list[dict[str, str]] | None:
    if facts.cluster_id is None:
        return None
    return [{"id": facts.cluster_id, "name": facts.domain or "", "@referredType": "DegradedExperienceCluster"}]


def _impact(facts: Facts) -> list[dict[str, Any]]:
    shown: dict[str, Any] = {
        "users": facts.users,
        "complaints": facts.complaints,
        "value": facts.value,
        "expected": facts.expected,
    }
    shown |= {f"users.{tier.tier or 'unknown'}": tier.users for tier in facts.tiers}
    return [{"name": name, "value": value} for name, value in shown.items() if value is not None]
