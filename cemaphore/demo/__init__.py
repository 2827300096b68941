"""The demo world: a seeded city, written as input files like any operator's, with the truth about its faults."""

from cemaphore.demo.size import DEFAULT, FAST, WorldSize
from cemaphore.demo.truth import Truth, TruthEntry
from cemaphore.demo.world import write_world

__all__ = ["DEFAULT", "FAST", "Truth", "TruthEntry", "WorldSize", "write_world"]
