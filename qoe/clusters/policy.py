"""How strict the search is: the level, the smallest group and the smallest effect that are worth a cluster."""

from dataclasses import dataclass

WINDOWS_PER_DAY = 96

# From broad to fine: the order in which a person would look. Ties go to the earlier one.
SESSION_ATTRIBUTES = (
    *("region", "vendor", "band", "core_node", "access", "plan"),
    *("os", "app", "server", "model", "site", "cell"),
)
TOUCHPOINT_ATTRIBUTES = ("channel", "activity")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What a group must show to be a cluster; the defaults are `own`.

    `level` is the probability that a window without any fault yields a cluster; `scales` are how many trailing
    windows are pooled (a sharp fault shows in one, a mild one needs four: all within the hour); `depth` is how many
    conditions a finding may have. `drift`: whether what
    is common to all groups is taken out first; not where one group may be most of the whole.
    A cluster opens when `support` of the last `support_windows` show it at `support_p_value` each, or at once where
    `overwhelming_customers` or more are hurt at `overwhelming_p_value`: one window by itself is too often a burst.
    """

    level: float
    attributes: tuple[str, ...] = SESSION_ATTRIBUTES
    scales: tuple[int, ...] = (1, 2, 4)
    min_customers: int = 10
    min_bad_customers: int = 5
    min_bad: float = 6.0
    min_severity: float = 0.1
    sibling_p_value: float = 1e-4
    most: int = 20
    depth: int = 2
    support: int = 2
    support_windows: int = 4
    support_p_value: float = 0.05
    overwhelming_p_value: float = 1e-12
    overwhelming_customers: int = 30
    drift: bool = True


def level_for(false_clusters_per_day: float, families: int) -> float:
    """The level of one window when `families` searches share the false clusters that a day may have."""
    return min(0.05, false_clusters_per_day / (WINDOWS_PER_DAY * families))
