"""The KQI catalogue: what each indicator is, parsed from text; an operator adds indicators in a file of its own."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kqi.expressions import Expression
from kqi.expressions import parse as parse_expression
from kqi.histogram import BINS, Bins
from records.errors import ConfigError
from records.kinds import KINDS, SERVICES

_DIRECTIONS = {"higher": 1, "lower": -1}
_FILE_KEYS = ("version", "kqi")
_ENTRY_KEYS = ("over", "service", "title", "unit", "factor", "direction", "where", "numerator", "denominator",
               "percentiles", "clause", "grounding")  # fmt: skip
_GROUNDINGS = ("published", "provisional", "proxy", "own")


@dataclass(frozen=True, kw_only=True)
class Indicator:
    """One KQI: sum of `numerator` over sum of `denominator`, over the rows where `where` holds and both are known.

    `over` is sessions or touchpoints, `service` the service it is of ("" for every one), `factor` what the ratio is
    multiplied with for `unit`, `direction` +1 where more is better. `bins` is set where percentiles are wanted.
    """

    name: str
    over: str
    service: str
    title: Mapping[str, str]
    unit: str
    factor: float
    direction: int
    where: Expression
    numerator: Expression
    denominator: Expression
    clause: str
    grounding: str
    bins: Bins | None


@dataclass(frozen=True, kw_only=True)
class KqiCatalogue:
    """One version of all indicators."""

    version: str
    indicators: Mapping[str, Indicator]

    def of(self, over: str) -> tuple[Indicator, ...]:
        """The indicators over sessions or over touchpoints, in the order of the catalogue."""
        return tuple(item for item in self.indicators.values() if item.over == over)


def parse(text: str, *more: str) -> KqiCatalogue:
    """Read a catalogue from TOML, and further files with an operator's own indicators; ConfigError says what is wrong.

    The version of a catalogue with further files is the versions joined by `+`.
    """
    versions: list[str] = []
    indicators: dict[str, Indicator] = {}
    for part in (text, *more):
        raw = _read(part)
        versions.append(str(raw.get("version", "unversioned")))
        for name, entry in raw.get("kqi", {}).items():
            if name in indicators:
                raise ConfigError(f"KQI {name!r} is defined twice: give one of them another name")
            indicators[name] = _indicator(name, entry)
    return KqiCatalogue(version="+".join(versions), indicators=indicators)


def _read(text: str) -> dict[str, Any]:
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"a KQI catalogue is not TOML: {error}") from error
    for key in raw:
        _one_of("a part of a KQI catalogue", key, _FILE_KEYS)
    return raw


def _indicator(name: str, raw: Mapping[str, Any]) -> Indicator:
    try:
        return _checked(name, raw)
    except KeyError as error:
        raise ConfigError(f"KQI {name!r} has no {error.args[0]!r}") from error
    except ConfigError as error:
        raise ConfigError(f"KQI {name!r}: {error}") from error


def _checked(name: str, raw: Mapping[str, Any]) -> Indicator:
    for key in raw:
        _one_of("a part of a KQI", key, _ENTRY_KEYS)
    over, service = raw["over"], raw.get("service", "")
    _one_of("over", over, ("sessions", "touchpoints"))
    _one_of("service", service, (*SERVICES, ""))
    _one_of("direction", raw["direction"], tuple(_DIRECTIONS))
    _one_of("grounding", raw["grounding"], _GROUNDINGS)
    if raw.get("percentiles", False):
        _one_of("unit of a KQI with percentiles", raw["unit"], tuple(BINS))
    columns = {column.name for column in KINDS[over].columns}
    return Indicator(
        name=name,
        over=over,
        service=service,
        title={language: str(raw["title"][language]) for language in ("en", "zh")},
        unit=str(raw["unit"]),
        factor=float(raw.get("factor", 100 if raw["unit"] == "%" else 1)),
        direction=_DIRECTIONS[raw["direction"]],
        where=parse_expression(str(raw.get("where", "1")), columns),
        numerator=parse_expression(str(raw["numerator"]), columns),
        denominator=parse_expression(str(raw.get("denominator", "1")), columns),
        clause=str(raw["clause"]),
        grounding=str(raw["grounding"]),
        bins=BINS[raw["unit"]] if raw.get("percentiles", False) else None,
    )


def _one_of(what: str, value: Any, allowed: tuple[Any, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{what} is {value!r}: it should be one of {', '.join(repr(item) for item in allowed)}")
