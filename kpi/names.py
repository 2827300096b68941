"""Counter names as the standards build them: a base name, then sub-counter suffixes."""

import re
from collections.abc import Collection
from typing import Literal

Family = Literal["total", "5qi", "cause", "sst", "snssai", "plmn", "mixed"]

# Where a row lacks the total and several families of sub-counters split it, one is summed: this order decides.
PREFERENCE: tuple[Family, ...] = ("total", "5qi", "cause", "snssai", "sst", "plmn")

# The total may travel as a sub-counter called `sum` (TS 32.404); some vendors write `Tot`.
TOTALS = frozenset({"sum", "tot", "total"})

_PATTERNS: tuple[tuple[Family, re.Pattern[str]], ...] = (
    ("sst", re.compile(r"0[0-9A-Fa-f]|[1-9][A-Fa-f]|[A-Fa-f][0-9A-Fa-f]")),
    ("5qi", re.compile(r"[1-9][0-9]{0,2}|0")),
    ("snssai", re.compile(r"[0-9A-Fa-f]{8}|[0-9]{4}-[0-9]{4}")),
    ("plmn", re.compile(r"[0-9]{3}[0-9Ff][0-9]{2}|[0-9]{5}")),
)


def split(counter: str, known: Collection[str]) -> tuple[str, str]:
    """Split a counter into its base and its suffix tail (`""` where it is a base itself).

    The base is the longest member of `known` that the name equals or continues after a dot. Where none fits, 3GPP
    measurement names have two parts (family and measurement), so the base is the first two.
    """
    parts = counter.split(".")
    for n in range(len(parts), 0, -1):
        base = ".".join(parts[:n])
        if base in known:
            return base, ".".join(parts[n:])
    return ".".join(parts[:2]), ".".join(parts[2:])


def family(suffix: str) -> Family:
    """Say what a suffix tail counts by: 5QI or QCI (decimal), SST (2 hex), SST+SD (8 hex), PLMN (226F04) or a cause.

    Two digits without a leading zero are read as a 5QI (an SST of ten and more is operator-specific and rare).
    A tail of several parts is a finer split, `mixed`. Source: names seen in 3GPP, ONAP and O-RAN files.
    """
    if suffix == "" or suffix.casefold() in TOTALS:
        return "total"
    if "." in suffix:
        return "mixed"
    for found, pattern in _PATTERNS:
        if pattern.fullmatch(suffix):
            return found
    return "cause"


def cause_key(suffix: str) -> str:
    """Bring the spellings of one cause together: `mo-Signalling`, `moSignalling` and `MO_SIGNALLING` are the same."""
    return re.sub(r"[-_ ]", "", suffix).casefold()


def partition(suffix: str) -> tuple[int, ...]:
    """Return a sortable key of the way a suffix tail splits its counter: coarser ways and preferred families first."""
    places = [PREFERENCE.index(family(part)) for part in suffix.split(".")]
    return (len(places), *places)
