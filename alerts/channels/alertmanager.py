"""Prometheus Alertmanager over its API v2: alerts are posted again and again, which is how it knows they still fire."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.channels import Letter
from alerts.outbound import Answer, Outbound
from alerts.receivers import Receiver
from records.errors import ConfigError, TransientError

AT_ONCE = 2000  # alerts in one request; Alertmanager takes 10,000 in half a second (own)
TEST_ENDS = timedelta(minutes=2)
CREATOR = "Cemaphore"
_NO_LABEL = re.compile(r"[^a-zA-Z0-9_]")


@dataclass(frozen=True, kw_only=True)
class Posted:
    """One alert as it is to be seen: firing until `ends_at`, or over since then."""

    letter: Letter
    labels: dict[str, str]
    ends_at: datetime


class Alertmanager:
    """One Alertmanager; every method raises `TransientError` or `ConfigError` where it is not taken."""

    def __init__(self, receiver: Receiver, outbound: Outbound) -> None:
        self._url = receiver.address.read().rstrip("/") + "/api/v2"
        self._headers = {name: value.read() for name, value in receiver.headers.items()}
        self._outbound = outbound

    def post(self, alerts: Sequence[Posted]) -> None:
        """Post alerts: an upsert by label set."""
        for start in range(0, len(alerts), AT_ONCE):
            self._ask("POST", "/alerts", [_shape(each) for each in alerts[start : start + AT_ONCE]])

    def silence(self, known: str | None, labels: dict[str, str], until: datetime, actor: str, comment: str) -> str:
        """Silence one alert until a moment; returns the silence's id, a new one where `known` is lost or differs."""
        if known is not None and self._stands(known, until):
            return known
        matcher = {"name": "alert_id", "value": labels["alert_id"], "isRegex": False, "isEqual": True}
        shape = {
            "matchers": [matcher],
            "startsAt": datetime.now(UTC).isoformat(),
            "endsAt": until.isoformat(),
            "createdBy": f"{CREATOR}: {actor}",
            "comment": comment or "-",
        }
        if known is not None:
            self.unsilence(known)
        found = json.loads(self._ask("POST", "/silences", shape).body)
        return str(found["silenceID"])

    def _stands(self, known: str, until: datetime) -> bool:
        answer = self._outbound.send("GET", f"{self._url}/silence/{known}", headers=self._headers)
        if answer.status != 200:
            return False
        found = json.loads(answer.body)
        ends = datetime.fromisoformat(found["endsAt"].replace("Z", "+00:00"))
        return bool(found["status"]["state"] == "active" and abs(ends - until) < timedelta(seconds=2))

    def unsilence(self, known: str) -> None:
        """End a silence; one that is lost or over already is ended."""
        self._outbound.send("DELETE", f"{self._url}/silence/{known}", headers=self._headers)

    def tell(self, letters: Sequence[Letter]) -> Iterator[str | None]:
        """Post letters as alerts that end by themselves: to try the way."""
        for letter in letters:
            ends = datetime.now(UTC) + TEST_ENDS
            try:
                self.post([Posted(letter=letter, labels=labels_of(letter), ends_at=ends)])
            except (ConfigError, TransientError) as error:
                yield str(error)
                return
            yield None

    def _ask(self, method: str, path: str, body: object) -> Answer:
        answer = self._outbound.send(
            method,
            self._url + path,
            headers={**self._headers, "Content-Type": "application/json"},
            content=json.dumps(body, ensure_ascii=False).encode(),
        )
        if not 200 <= answer.status < 300:
            raise TransientError(f"Alertmanager answered {answer.status}")
        return answer


def labels_of(letter: Letter) -> dict[str, str]:
    """Return the labels of an alert: what it is, not how it does."""
    facts = letter.facts
    attribute, _, value = facts.subject.partition("=")
    labels = {_label_name(name): text for name, text in facts.labels.items()}
    labels |= {
        "alertname": facts.rule,
        "alert_id": facts.alert_id,
        "kind": facts.kind,
        "attribute": attribute,
        "subject": value or attribute,
        "measure": facts.measure,
        "severity": facts.severity,
        "source": "cemaphore",
    }
    regions = facts.about.get("region", ())
    if len(regions) == 1:
        labels.setdefault("region", regions[0])
    if facts.owner:
        labels["owner"] = facts.owner
    return {name: text for name, text in labels.items() if text}


def _label_name(name: str) -> str:
    clean = _NO_LABEL.sub("_", name)
    return f"_{clean}" if clean[:1].isdigit() else clean


def _shape(alert: Posted) -> dict[str, Any]:
    facts, letter = alert.letter.facts, alert.letter
    annotations = {"summary": letter.title, "description": "\n".join(letter.lines), "key": letter.key}
    if facts.domain:
        annotations["domain"] = facts.domain
    if facts.acknowledged_by:
        annotations["acknowledged_by"] = facts.acknowledged_by
    shape = {
        "labels": alert.labels,
        "annotations": annotations,
        "startsAt": facts.started_at.isoformat(),
        "endsAt": max(alert.ends_at, facts.started_at).isoformat(),
    }
    return {**shape, "generatorURL": letter.url} if letter.url else shape


def open_channel(receiver: Receiver, outbound: Outbound) -> Alertmanager:
    """Open the way to the Alertmanager whose address, without `/api/v2`, the receiver names."""
    return Alertmanager(receiver, outbound)
