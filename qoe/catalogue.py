"""The quality catalogue: per service the model, the prior, the border of bad and the references; parsed from text."""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qoe.caps import Caps
from qoe.choices import Choice
from qoe.means import Mean
from qoe.persistence import PersistenceRules
from records.errors import ConfigError
from records.kinds import CHANNELS, SERVICES

SEGMENTS = ("device", "radio", "transport_core", "server_app")
DIMENSIONS = ("network", "device", "app", "service")
UNKNOWN_CAUSE = -1


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What one measurement is compared with in one service; excess is counted in `scale`s beyond `reference`."""

    column: str
    segment: str
    unit: str
    direction: int
    reference: float
    scale: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class ServiceRules:
    """What quality means for one service: its models, prior mean mu and border of bad on 0..100, references.

    The first of `choices` that fits a session names its model, else it is `model`.
    """

    name: str
    model: str
    choices: tuple[Choice, ...]
    prior_mean: float
    bad_below: float
    references: tuple[Reference, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """Names of all models of the service."""
        return tuple(dict.fromkeys((self.model, *(choice.model for choice in self.choices))))


@dataclass(frozen=True, kw_only=True)
class ChannelRules:
    """Anchors (best, worst) of waiting and handling time at one kind of touchpoint, in seconds."""

    wait_s: tuple[float, float]
    handle_s: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class TouchpointRules:
    """How a touchpoint's quality is composed."""

    bad_below: float
    prior_mean: float
    weights: Mapping[str, float]
    worst_transfers: float
    channels: Mapping[str, ChannelRules]


@dataclass(frozen=True, kw_only=True)
class QualityCatalogue:
    """One version of everything that turns measurements into quality and qualities into indices."""

    version: str
    prior_weight: float
    least_coverage: float
    dimension_weights: Mapping[str, float]
    mean: Mean
    caps: Caps
    persistence: PersistenceRules
    services: Mapping[str, ServiceRules]
    failure_causes: tuple[tuple[str, re.Pattern[str]], ...]
    touchpoints: TouchpointRules

    def cause_segments(self, causes: Sequence[str | None]) -> NDArray[np.int8]:
        """Index into SEGMENTS of each failure cause, -1 where unknown; call it once per distinct cause."""
        return np.array([self._segment(cause) for cause in causes], dtype=np.int8)

    def _segment(self, cause: str | None) -> int:
        text = (cause or "").strip()
        for segment, pattern in self.failure_causes:
            if pattern.match(text):
                return SEGMENTS.index(segment)
        return UNKNOWN_CAUSE


def parse(text: str) -> QualityCatalogue:
    """Read a catalogue from TOML; ConfigError names what is wrong."""
    try:
        return _catalogue(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the quality catalogue is not TOML: {error}") from error
    except KeyError as error:
        raise ConfigError(f"the quality catalogue has no {error.args[0]!r}") from error
    except (TypeError, ValueError, re.error) as error:
        raise ConfigError(f"the quality catalogue has a wrong value: {error}") from error


def _catalogue(raw: Mapping[str, Any]) -> QualityCatalogue:
    index = raw["index"]
    weights = {name: float(index["weights"][name]) for name in DIMENSIONS}
    services = {name: _service(name, raw["services"][name], raw["measurements"]) for name in SERVICES}
    return QualityCatalogue(
        version=f"{raw['version']}-{_digest(raw)}",
        prior_weight=_positive("index.prior_weight", index["prior_weight"]),
        least_coverage=float(index["least_coverage"]),
        dimension_weights=weights,
        mean=Mean.of(str(index["mean"]), float(index["power"])),
        caps=Caps.of(index["caps"]),
        persistence=PersistenceRules.of(index["persistence"]),
        services=services,
        failure_causes=tuple(_cause(entry) for entry in raw["failure_causes"]),
        touchpoints=_touchpoints(raw["touchpoints"]),
    )


def _digest(raw: Mapping[str, Any]) -> str:
    """Of all entries: equal versions compute equal numbers, and an edited setting is another version."""
    return hashlib.sha256(json.dumps(raw, sort_keys=True, default=str).encode()).hexdigest()[:8]


def _service(name: str, raw: Mapping[str, Any], measurements: Mapping[str, Any]) -> ServiceRules:
    own = raw.get("references", {})
    _known(own, raw["uses"], f"services.{name}.references")
    return ServiceRules(
        name=name,
        model=str(raw["model"]),
        choices=tuple(Choice.of(each, f"services.{name}.choices") for each in raw.get("choices", ())),
        prior_mean=float(raw["prior_mean"]),
        bad_below=float(raw["bad_below"]),
        references=tuple(_reference(column, measurements[column], own.get(column)) for column in raw["uses"]),
    )


def _reference(column: str, raw: Mapping[str, Any], own: Sequence[float] | None) -> Reference:
    reference, scale = own if own is not None else (raw["reference"], raw["scale"])
    _known([raw["segment"]], SEGMENTS, f"measurements.{column}.segment")
    _known([raw["direction"]], (-1, 1), f"measurements.{column}.direction")
    return Reference(
        column=column,
        segment=raw["segment"],
        unit=str(raw["unit"]),
        direction=int(raw["direction"]),
        reference=float(reference),
        scale=_positive(f"measurements.{column}.scale", scale),
        reason=str(raw["reason"]),
    )


def _cause(raw: Mapping[str, Any]) -> tuple[str, re.Pattern[str]]:
    _known([raw["segment"]], SEGMENTS, "failure_causes.segment")
    return raw["segment"], re.compile("|".join(f"(?:{pattern})" for pattern in raw["patterns"]), re.IGNORECASE)


def _touchpoints(raw: Mapping[str, Any]) -> TouchpointRules:
    channels = {
        name: ChannelRules(
            wait_s=_anchors(name, raw["channels"][name]["wait_s"]),
            handle_s=_anchors(name, raw["channels"][name]["handle_s"]),
        )
        for name in CHANNELS
    }
    weights = {part: float(raw["weights"][part]) for part in ("success", "wait", "handle", "transfers", "rating")}
    return TouchpointRules(
        bad_below=float(raw["bad_below"]),
        prior_mean=float(raw["prior_mean"]),
        weights=weights,
        worst_transfers=_positive("touchpoints.worst_transfers", raw["worst_transfers"]),
        channels=channels,
    )


def _anchors(channel: str, raw: Sequence[float]) -> tuple[float, float]:
    best, worst = (float(value) for value in raw)
    if not 0 < best < worst:
        raise ConfigError(f"touchpoints.channels.{channel}: {raw} should be 0 < best < worst")
    return best, worst


def _positive(name: str, value: float) -> float:
    if not value > 0:
        raise ConfigError(f"{name} is {value}: it should be above 0")
    return float(value)


def _known(names: Any, allowed: Sequence[Any], where: str) -> None:
    for name in names:
        if name not in allowed:
            raise ConfigError(f"{where} is {name!r}: it should be one of {', '.join(map(str, allowed))}")
