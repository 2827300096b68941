"""Alerts in the shapes of TMF642 and TMF656 v4.0.0: what the definitions oblige to is there, and nothing they lack."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts import tmf
from alerts.facts import Facts
from cemaphore.alert_words import writer
from cemaphore.settings import load_settings
from tests.receiving import NOON, facts, storm

# TMF642-Alarm-v4.0.0, definitions Alarm and Alarm_Create.
ALARM = {
    "id", "href", "ackState", "ackSystemId", "ackUserId", "alarmChangedTime", "alarmClearedTime",
    "alarmDetails", "alarmEscalation", "alarmRaisedTime", "alarmReportingTime", "alarmType",
    "alarmedObjectType", "clearSystemId", "clearUserId", "externalAlarmId", "isRootCause",
    "perceivedSeverity", "plannedOutageIndicator", "probableCause", "proposedRepairedActions",
    "reportingSystemId", "serviceAffecting", "sourceSystemId", "specificProblem", "state", "affectedService",
    "alarmedObject", "comment", "correlatedAlarm", "crossedThresholdInformation", "parentAlarm", "place",
    "@baseType", "@schemaLocation", "@type",
}  # fmt: skip
ALARM_OBLIGED = {
    "alarmType", "perceivedSeverity", "probableCause", "alarmedObject", "sourceSystemId", "state",
    "alarmRaisedTime",
}  # fmt: skip
# TMF656-ServiceProblem-v4.0.0, definition ServiceProblem and the rules of its creation (release 18.5).
PROBLEM = {
    "id", "href", "affectedLocation", "affectedNumberOfServices", "affectedResource", "affectedService",
    "associatedSLAViolation", "associatedTroubleTicket", "category", "comment", "correlationId",
    "description", "extensionInfo", "firstAlert", "impactImportanceFactor", "impactPatterns",
    "originatingSystem", "originatorParty", "parentProblem", "priority", "problemEscalation", "reason",
    "relatedEvent", "relatedObject", "relatedParty", "resolutionDate", "responsibleParty",
    "rootCauseResource", "rootCauseService", "status", "statusChangeDate", "statusChangeReason",
    "timeChanged", "timeRaised", "trackingRecord", "underlyingAlarm", "underlyingProblem", "@type",
}  # fmt: skip
PROBLEM_OBLIGED = {
    "category", "priority", "description", "reason", "originatorParty",
}  # fmt: skip
EVENT = {
    "eventId", "eventTime", "eventType", "correlationId", "domain", "title", "description", "priority",
    "timeOcurred", "event",
}  # fmt: skip
OVER = {"state": "resolved", "change": 2, "resolved_at": NOON + timedelta(hours=3)}
NO_DATA = {"kind": "no_data", "subject": "site=W-1", "value": None, "expected": None, "drop": None, "domain": None}
TAKEN = {
    "state": "acknowledged", "change": 2, "acknowledged_by": "Li Lei", "acknowledged_comment": "on site",
    "acknowledged_at": NOON,
}  # fmt: skip


def letter(tmp_path: Path, told: Facts, first: bool = False) -> Any:
    return replace(writer(load_settings(home=tmp_path))(told, "en"), first=first)


@pytest.mark.parametrize(
    "told",
    [
        facts(),
        facts(**OVER),
        facts(**NO_DATA),
        facts(**TAKEN),
        facts(subject="all"),
        facts(subject="app=video"),
        storm(),
    ],
)
def test_what_is_obliged_is_there_and_no_field_is_made_up(tmp_path: Path, told: Facts) -> None:
    alarm, problem = tmf.alarm(letter(tmp_path, told)), tmf.problem(letter(tmp_path, told))
    assert ALARM_OBLIGED <= alarm.keys() <= ALARM
    assert PROBLEM_OBLIGED <= problem.keys() <= PROBLEM
    assert {"affectedLocation", "affectedResource", "affectedService"} & problem.keys()
    for event in (tmf.alarm_event(letter(tmp_path, told)), tmf.problem_event(letter(tmp_path, told))):
        assert event.keys() == EVENT


def test_an_alarm_says_what_was_crossed(tmp_path: Path) -> None:
    alarm = tmf.alarm(letter(tmp_path, facts(), first=True))
    assert alarm["alarmType"] == "Quality of Service Alarm"
    assert (alarm["perceivedSeverity"], alarm["state"], alarm["ackState"]) == ("critical", "raised", "unacknowledged")
    assert alarm["alarmedObject"] == {"id": "west", "@type": "region"}
    assert alarm["crossedThresholdInformation"] == {
        "direction": "down",
        "granularity": "15 min",
        "indicatorName": "overall",
        "indicatorUnit": "points",
        "observedValue": "70.2",
        "thresholdCrossingDescription": alarm["specificProblem"],
        "threshold": {"id": "region_drop", "name": "region_drop", "@referredType": "AlertRule"},
    }


def test_a_cleared_alarm_and_a_resolved_problem(tmp_path: Path) -> None:
    alarm, problem = tmf.alarm(letter(tmp_path, facts(**OVER))), tmf.problem(letter(tmp_path, facts(**OVER)))
    assert (alarm["perceivedSeverity"], alarm["state"]) == ("cleared", "cleared")
    assert alarm["alarmClearedTime"] == problem["resolutionDate"] == "2026-03-10T07:00:00+00:00"
    assert problem["status"] == "Resolved"


def test_an_acknowledgement_is_shown_with_its_comment(tmp_path: Path) -> None:
    alarm, problem = tmf.alarm(letter(tmp_path, facts(**TAKEN))), tmf.problem(letter(tmp_path, facts(**TAKEN)))
    assert (alarm["ackState"], alarm["ackUserId"], alarm["state"]) == ("acknowledged", "Li Lei", "updated")
    assert alarm["comment"][0]["comment"] == "on site"
    assert (problem["status"], problem["comment"][0]["author"]) == ("Acknowledged", "Li Lei")


def test_a_problem_says_whom_it_hurts(tmp_path: Path) -> None:
    impact = {
        one["name"]: one["value"] for one in tmf.problem(letter(tmp_path, facts()))["impactPatterns"]["extensionInfo"]
    }
    assert impact == {
        "users": 1234, "complaints": 7, "value": 70.2, "expected": 81.4, "users.gold": 42, "users.unknown": 1192,
    }  # fmt: skip
    assert len(tmf.problem(letter(tmp_path, storm()))["underlyingAlarm"]) == 51
