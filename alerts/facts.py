"""What a message about an alert says, in no language: the contract between state and delivery, stored as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

MOST_CHILDREN = 50  # subjects that a message lists; the count says how many there are (own)
MOST_EVIDENCE = 5  # pieces of a cluster's evidence in a message, weightiest first (own)
_TIMES = (*("at", "started_at", "fired_at", "resolved_at", "acknowledged_at", "acknowledged_until", "silenced_until"),)


@dataclass(frozen=True, kw_only=True)
class TierUsers:
    """Users of one value tier; `tier` None where it is not known. None below the k-anonymity, nor the next one then."""

    tier: str | None
    users: int


@dataclass(frozen=True, kw_only=True)
class Child:
    """An alert inside another one."""

    alert_id: str
    rule: str
    subject: str
    severity: str
    state: str
    value: float | None
    expected: float | None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One alert as of one change.

    `kind`: drop, no_data, cluster, storm (many series of one region at once). `state`: firing, acknowledged, silenced,
    resolved. `change` numbers the changes of state or severity of an alert; `key` is what a receiver acts on once.
    `subject` is "attribute=value", or "all". `measure`: an index (overall, network, device, app, service),
    "kqi:NAME", "kpi:NAME", "volume" (records against expected ones) or "bad_ratio" (of a cluster's sessions). `value`
    and `expected` are in `unit` ("points" of an index, "ratio", else the indicator's own), `lo` to `hi` the 95 %
    interval of `value`, `drop` how much worse than expected. `horizon`: fast or slow. `at` is the end of the window
    judged last. `users` None below the k-anonymity. `domain` with `certainty` 0..1 is the likely cause, of the cluster
    `cluster_id` with its weightiest `evidence` (as in `cem clusters --json`). Until `silenced_until` people are not
    told of it, nor of its end. `path` leads into the screens.
    """

    alert_id: str
    change: int
    rule: str
    kind: str
    subject: str
    measure: str
    unit: str
    severity: str
    state: str
    at: datetime
    started_at: datetime
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    value: float | None = None
    expected: float | None = None
    lo: float | None = None
    hi: float | None = None
    drop: float | None = None
    horizon: str | None = None
    about: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    excess: float | None = None
    users: int | None = None
    tiers: tuple[TierUsers, ...] = ()
    domain: str | None = None
    certainty: float | None = None
    cluster_id: str | None = None
    evidence: tuple[Mapping[str, Any], ...] = ()
    complaints: int = 0
    children_count: int = 0
    children: tuple[Child, ...] = ()
    owner: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    acknowledged_until: datetime | None = None
    acknowledged_comment: str | None = None
    silence_id: int | None = None
    silenced_by: str | None = None
    silenced_until: datetime | None = None

    @property
    def key(self) -> str:
        """The idempotency key of this change."""
        return f"{self.alert_id}:{self.state}:{self.change}"

    @property
    def path(self) -> str:
        """The link into the screens, below their own address."""
        return f"alerts?alert={self.alert_id}"

    def to_json(self) -> dict[str, Any]:
        """As stored and sent: times in ISO 8601, with `key` and `path`."""
        shape = asdict(self)
        for name in _TIMES:
            shape[name] = None if shape[name] is None else shape[name].isoformat()
        for name in ("tiers", "children", "evidence"):
            shape[name] = list(shape[name])
        shape["about"] = {name: list(values) for name, values in self.about.items()}
        return {"key": self.key, "path": self.path, **shape}

    @classmethod
    def from_json(cls, shape: Mapping[str, Any]) -> "Facts":
        """Read what `to_json` made."""
        values = {name: shape[name] for name in cls.__dataclass_fields__ if name in shape}
        for name in _TIMES:
            values[name] = None if values.get(name) is None else datetime.fromisoformat(values[name])
        values["tiers"] = tuple(TierUsers(**each) for each in values.get("tiers", ()))
        values["children"] = tuple(Child(**each) for each in values.get("children", ()))
        values["evidence"] = tuple(values.get("evidence", ()))
        values["about"] = {name: tuple(each) for name, each in values.get("about", {}).items()}
        return cls(**values)
