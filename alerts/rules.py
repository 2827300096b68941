"""Alert rules: what they watch, how far it must fall, whose they are, and when they keep quiet."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerts.hours import Maintenance, Quiet
from qoe.drops import DropRule

GROUPS = (
    *("all", "region", "site", "cell", "model", "app", "plan", "segment", "vip_level", "service", "access"),
    *("server", "core_node"),
)
KQI_GROUPS = ("all", "region", "app", "cell")
KPI_GROUPS = ("region", "site", "cell")
INDICES = ("overall", "network", "device", "app", "service")
SEVERITIES = ("info", "warning", "critical")
KINDS = ("drop", "no_data", "cluster", "storm")
HORIZONS = ("fast", "slow")
CLUSTER_KINDS = ("sessions", "touchpoints", "complaints")
KQI, KPI = "kqi:", "kpi:"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule.

    `kind` drop: `measure` (an index, "kqi:NAME" or "kpi:NAME") of the groups of each attribute in `over` lies `margin`
    (`slow_margin` over hours) below what is usual, in index points, or for indicators as share of what is usual.
    no_data: the records of `over` (source, or attributes) fell to the share `margin` of the usual ones. cluster: a
    degraded-experience cluster over `over` has a severity of `margin`. storm: `m` series of one region begin to fire
    at once, and are told as one alert. It ends below `recovery`. `m` of the last `n`
    windows must show it; `users` is the evidence needed. `values` keeps drop and no_data to some groups or
    sources. From a drop of `escalate` on it is critical.
    """

    name: str
    kind: str
    over: tuple[str, ...]
    severity: str
    margin: float
    slow_margin: float
    recovery: float
    m: int
    n: int
    users: int
    measure: str = "overall"
    horizon: tuple[str, ...] = HORIZONS
    values: tuple[str, ...] = ()
    escalate: float | None = None
    owner: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    quiet: tuple[Quiet, ...] = ()

    @property
    def drop(self) -> DropRule:
        """What the core judges by."""
        return DropRule(
            margin=self.margin,
            slow_margin=self.slow_margin,
            recovery=self.recovery,
            m=self.m,
            n=self.n,
            users=self.users,
            relative=self.measure.startswith((KQI, KPI)),
            fast="fast" in self.horizon,
            slow="slow" in self.horizon,
        )

    def severity_of(self, drop: float | None) -> str:
        """The severity of a drop so large."""
        grave = self.escalate is not None and drop is not None and drop >= self.escalate
        return "critical" if grave else self.severity


@dataclass(frozen=True, kw_only=True)
class RuleBook:
    """All rules, and the planned work during which they keep quiet."""

    rules: tuple[Rule, ...]
    maintenance: tuple[Maintenance, ...] = ()

    def of_kind(self, kind: str) -> tuple[Rule, ...]:
        """The rules of a kind."""
        return tuple(rule for rule in self.rules if rule.kind == kind)

    def named(self, name: str) -> Rule | None:
        """The rule of a name."""
        return next((rule for rule in self.rules if rule.name == name), None)
