"""Degraded-experience clusters: found by search, followed through time, explained by what moved."""

from qoe.clusters.cluster import Cluster, Members, WindowCount
from qoe.clusters.history import History, history_of
from qoe.clusters.localisation import localise
from qoe.clusters.policy import SESSION_ATTRIBUTES, TOUCHPOINT_ATTRIBUTES, Policy, level_for
from qoe.clusters.search import Finding, Search, search
from qoe.clusters.selector import Selector
from qoe.clusters.tracking import Tracker
from qoe.clusters.units import Units

__all__ = [
    "SESSION_ATTRIBUTES",
    "TOUCHPOINT_ATTRIBUTES",
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
    "history_of",
    "level_for",
    "localise",
    "search",
]
