"""Counters under their vendor's names, read as the 3GPP counters that they stand for when KPIs are evaluated."""

import hashlib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field

from records.errors import ConfigError

_GROUNDING = ("published", "provisional", "proxy", "own")


@dataclass(frozen=True, kw_only=True)
class Standard:
    """What a vendor's counter is in 3GPP's terms: a name, and the factor into that counter's unit."""

    name: str
    factor: float = 1.0


@dataclass(frozen=True, kw_only=True)
class VendorNames:
    """Vendors' names to standard ones; `version` changes when any entry does."""

    names: Mapping[str, Standard] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """A digest of all entries; empty where there is none."""
        entries = sorted((name, known.name, known.factor) for name, known in self.names.items())
        return hashlib.sha256(repr(entries).encode()).hexdigest()[:8] if entries else ""

    def standard(self, name: str) -> Standard:
        """Return the standard counter of a name; sub-counters keep their suffix, what is unknown is itself.

        The longest entry that the name equals, or continues after a dot, decides.
        """
        parts = name.split(".")
        for count in range(len(parts), 0, -1):
            known = self.names.get(".".join(parts[:count]))
            if known is not None:
                return Standard(name=".".join([known.name, *parts[count:]]), factor=known.factor)
        return Standard(name=name)


def load(text: str, *, file: str, base: VendorNames | None = None) -> VendorNames:
    """Parse a file of one vendor's names; over a `base` its entries are added or replace those of the same name.

    Raises `ConfigError` with file, entry and what would be right.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not TOML: {error}") from None
    unknown = sorted(set(data) - {"vendor", "source", "grounding", "counters"})
    if unknown:
        raise ConfigError(f"{file}: unknown key {unknown[0]!r}; write vendor, source, grounding and [counters]")
    for name in ("vendor", "source"):
        if not isinstance(data.get(name), str) or not data[name].strip():
            raise ConfigError(f"{file}: {name} is missing; write a text")
    if data.get("grounding") not in _GROUNDING:
        raise ConfigError(f"{file}: grounding is {data.get('grounding')!r}; one of {', '.join(_GROUNDING)} is needed")
    counters = data.get("counters")
    if not isinstance(counters, dict) or not counters:
        raise ConfigError(
            f'{file}: [counters] is missing; write lines such as "L.RRC.ConnReq.Att" = "RRC.ConnEstabAtt"'
        )
    own = {name: _entry(f"{file}: counters.{name}", entry) for name, entry in counters.items()}
    return VendorNames(names={**(base.names if base else {}), **own})


def _entry(where: str, entry: object) -> Standard:
    if isinstance(entry, str) and entry.strip():
        return Standard(name=entry)
    if not isinstance(entry, dict) or set(entry) - {"name", "factor"} or not isinstance(entry.get("name"), str):
        raise ConfigError(f'{where} is {entry!r}; write a name, or {{ name = "...", factor = ... }}')
    factor = entry.get("factor", 1.0)
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not math.isfinite(factor) or factor == 0:
        raise ConfigError(f"{where}: factor is {factor!r}; a number other than 0 is needed")
    return Standard(name=entry["name"], factor=float(factor))
