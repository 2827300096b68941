"""Engines: they bring a window's records to the functions that rate them, and the results to the tables."""

from enum import StrEnum


class Engine(StrEnum):
    """What hours are rated with: processes of this machine, or Apache Spark."""

    LOCAL = "local"
    SPARK = "spark"
