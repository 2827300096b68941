"""Degraded-experience clusters: found by search, followed through time, explained by what moved."""

from qoe.clusters.cluster import Cluster, Members, WindowCount
from qoe.clusters.findings import Finding, Search
from qoe.clusters.history import History, history_of
from qoe.clusters.localisation import Cause, localise
from qoe.clusters.policy import SESSION_ATTRIBUTES, TOUCHPOINT_ATTRIBUTES, Policy, level_for
from qoe.clusters.precedent import expected_by_precedent
from qoe.clusters.search import search
from qoe.clusters.selector import Selector
from qoe.clusters.tracking import Tracker
from qoe.clusters.units import Units

__all__ = [
    "SESSION_ATTRIBUTES",
    "TOUCHPOINT_ATTRIBUTES",
    "Cause",
    "Cluster",
    "Finding",
    "History",
    "Members",
    "Policy",
    "Search",
    "Selector",
    "Tracker",
    "Units",
    "WindowCount",
    "expected_by_precedent",
    "history_of",
    "level_for",
    "localise",
    "search",
]
