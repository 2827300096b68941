"""The keys of a rule file: what each may hold, and what it holds where a rule says nothing."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from alerts.rules import CLUSTER_KINDS, GROUPS, HORIZONS, KINDS, SEVERITIES

Check = Callable[[Any], str | None]  # what would be right, None where the value is


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "a text"


def _choice(allowed: tuple[str, ...]) -> Check:
    return lambda value: None if value in allowed else f"one of {', '.join(allowed)}"


def _some(allowed: tuple[str, ...]) -> Check:
    def check(value: Any) -> str | None:
        right = isinstance(value, list) and value and all(each in allowed for each in value)
        return None if right else f"a list of some of {', '.join(allowed)}"

    return check


def _number(low: float, high: float = float("inf"), *, whole: bool = False) -> Check:
    def check(value: Any) -> str | None:
        kinds = (int,) if whole else (int, float)
        right = isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high
        bounds = f"from {low:g}" + (f" to {high:g}" if high < float("inf") else " on")
        return None if right else f"a {'whole ' if whole else ''}number {bounds}"

    return check


def _texts(value: Any) -> str | None:
    return None if isinstance(value, list) and all(isinstance(each, str) for each in value) else "a list of texts"


def _labels(value: Any) -> str | None:
    right = isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    return None if right else 'a table of texts, as { team = "north" }'


def _match(value: Any) -> str | None:
    allowed = (*GROUPS[1:], "source", "rule")
    if not isinstance(value, dict) or not set(value) <= set(allowed):
        return f'a table of some of {", ".join(allowed)}, as {{ region = ["north"] }}'
    right = all(isinstance(each, str) or _texts(each) is None for each in value.values())
    return None if right else "names or lists of names"


def _moment(value: Any) -> str | None:
    return None if isinstance(value, datetime) else "a time as 2026-03-10T22:00:00+08:00"


def _yes(value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _list(value: Any) -> str | None:
    return None if isinstance(value, list) else "a list"


def _any(value: Any) -> str | None:
    return None


RULE_KEYS: Mapping[str, Check] = {
    "name": _text,
    "kind": _choice(KINDS),
    "over": _some(("source", *GROUPS, *CLUSTER_KINDS)),
    "measure": _text,
    "severity": _choice(SEVERITIES),
    "horizon": _some(HORIZONS),
    "margin": _number(1e-6, 100),
    "slow_margin": _number(1e-6, 100),
    "recovery": _number(0, 100),
    "m": _number(1, 1000, whole=True),
    "n": _number(1, 16, whole=True),
    "users": _number(1, whole=True),
    "values": _texts,
    "escalate": _number(0, 100),
    "owner": _text,
    "labels": _labels,
    "quiet": _list,
    "enabled": _yes,
}
QUIET_KEYS: Mapping[str, Check] = {"from": _any, "to": _any, "days": _any, "below": _choice(SEVERITIES)}
MAINTENANCE_KEYS: Mapping[str, Check] = {
    "name": _text,
    "start": _moment,
    "end": _moment,
    "from": _any,
    "to": _any,
    "days": _any,
    "match": _match,
}
_SHARED: Mapping[str, Any] = {"severity": "warning", "enabled": True, "measure": "overall", "m": 2, "n": 4}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "drop": {**_SHARED, "kind": "drop", "margin": 5.0, "slow_margin": 3.0, "recovery": 2.5, "users": 50},
    "no_data": {**_SHARED, "kind": "no_data", "margin": 0.1, "slow_margin": 0.1, "recovery": 0.5, "users": 1, "n": 3},
    "cluster": {**_SHARED, "kind": "cluster", "margin": 0.2, "slow_margin": 0.2, "recovery": 0.1, "users": 20, "m": 1},
    "storm": {**_SHARED, "kind": "storm", "margin": 1.0, "slow_margin": 1.0, "recovery": 0.0, "users": 1, "m": 5},
}
