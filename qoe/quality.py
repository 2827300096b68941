"""Session and touchpoint quality on one scale of 0..100, where a failed session scores 0."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qoe.catalogue import QualityCatalogue, ServiceRules
from qoe.choices import chosen
from qoe.model import BoolArray, Columns, FloatArray, QoeModel, flags, row_count
from records.errors import ConfigError
from records.kinds import CHANNELS, SERVICES

NO_MODEL = -1


@dataclass(frozen=True, eq=False)
class Quality:
    """Quality per session.

    `q` 0..100 and `mos` on the scale of `models[model]`, NaN where there is not enough data; `model` is -1 for an
    unknown service. `bad` is true for failed sessions and for q below the border of the service.
    """

    q: FloatArray
    mos: FloatArray
    provisional: BoolArray
    model: NDArray[np.int16]
    models: tuple[str, ...]
    bad: BoolArray

    @property
    def known(self) -> BoolArray:
        """Sessions with enough data for a quality; only these count in shares of bad sessions."""
        return ~np.isnan(self.q)


def session_quality(columns: Columns, catalogue: QualityCatalogue, models: Mapping[str, QoeModel]) -> Quality:
    """Quality of every row of a session frame, by the model that the catalogue chooses for it.

    `columns` are named as in the input contract, categories as codes. A failed or dropped session has q = 0; one that
    neither failed nor has what its model needs has NaN. ConfigError where the catalogue names an unknown model.
    """
    rows = row_count(columns)
    names = tuple(models)
    mos, border = np.full(rows, np.nan), np.full(rows, np.nan)
    q = np.full(rows, np.nan)
    provisional, model_index = np.zeros(rows, dtype=np.bool_), np.full(rows, NO_MODEL, dtype=np.int16)
    service = _codes(columns, "service", rows)
    for code, name in enumerate(SERVICES):
        mine = np.flatnonzero(service == code)
        if not len(mine):
            continue
        rules = catalogue.services[name]
        border[mine] = rules.bad_below
        for part, model_name in chosen(columns, mine, rules.choices, rules.model):
            model = _model(model_name, rules, models)
            score = model.score(_part(columns, part, model))
            lo, hi = model.scale
            mos[part], provisional[part] = score.mos, score.provisional
            q[part] = (score.mos - lo) * (100 / (hi - lo))
            model_index[part] = names.index(model.name)
    success = flags(columns, "success", rows)
    failed = ((success == 0) | (flags(columns, "dropped", rows) == 1)) & (model_index != NO_MODEL)
    q[success < 0] = np.nan
    q[failed] = 0.0
    provisional &= ~failed & ~np.isnan(q)
    return Quality(q, mos, provisional, model_index, names, q < border)


def inputs_read(rules: ServiceRules, models: Mapping[str, QoeModel]) -> frozenset[str]:
    """Names of all columns that choosing a model for sessions of a service and rating them may read."""
    read = {item.name for name in rules.models for item in _model(name, rules, models).inputs}
    asked = {name for choice in rules.choices for name in choice.columns}
    return frozenset(read | asked | {"service", "success", "dropped"})


def _model(name: str, rules: ServiceRules, models: Mapping[str, QoeModel]) -> QoeModel:
    if name not in models:
        raise ConfigError(f"service {rules.name!r} asks for QoE model {name!r}: there are {', '.join(models)}")
    return models[name]


def _part(columns: Columns, rows: NDArray[np.intp], model: QoeModel) -> Columns:
    """The rows of the columns that the model reads; `service` is there so that the row count is always known."""
    names = ["service", *(item.name for item in model.inputs)]
    whole = len(rows) == row_count(columns)
    return {name: columns[name] if whole else columns[name][rows] for name in names if name in columns}


def _codes(columns: Columns, name: str, rows: int) -> NDArray[np.intp]:
    if name not in columns:
        return np.full(rows, -1, dtype=np.intp)
    raw = np.asarray(columns[name])
    codes: NDArray[np.intp] = np.where(np.isfinite(raw), raw, -1).astype(np.intp)
    return codes


def touchpoint_quality(columns: Columns, catalogue: QualityCatalogue) -> FloatArray:
    """Quality 0..100 of every touchpoint event, for the service dimension (own).

    The weighted mean, over what was measured, of success, waiting and handling time (logarithmic between the channel's
    anchors), transfers (linear) and rating (1..5). A failed event is 0; one where nothing was measured is NaN.
    """
    rows, rules = row_count(columns), catalogue.touchpoints
    channel = _codes(columns, "channel", rows)
    success = flags(columns, "success", rows)
    anchors = [rules.channels[name] for name in CHANNELS]
    parts = {
        "success": np.where(success < 0, np.nan, success * 100.0),
        "wait": _time_part(columns, "wait_s", channel, [item.wait_s for item in anchors]),
        "handle": _time_part(columns, "handle_s", channel, [item.handle_s for item in anchors]),
        "transfers": 100 * (1 - np.minimum(_numbers(columns, "transfers", rows) / rules.worst_transfers, 1.0)),
        "rating": np.clip(25 * (_numbers(columns, "rating", rows) - 1), 0.0, 100.0),
    }
    total, weight = np.zeros(rows), np.zeros(rows)
    for name, part in parts.items():
        known = ~np.isnan(part)
        total += np.where(known, rules.weights[name] * part, 0.0)
        weight += rules.weights[name] * known
    quality: FloatArray = np.divide(total, weight, out=np.full(rows, np.nan), where=weight > 0)
    quality[success == 0] = 0.0
    return quality


def _numbers(columns: Columns, name: str, rows: int) -> FloatArray:
    if name not in columns:
        return np.full(rows, np.nan)
    values = np.asarray(columns[name], dtype=np.float64)
    return np.where(values >= 0, values, np.nan)


def _time_part(
    columns: Columns, name: str, channel: NDArray[np.intp], anchors: list[tuple[float, float]]
) -> FloatArray:
    """100 at the channel's best time and below, 0 at its worst and above, linear in ln t; NaN without a channel."""
    best, worst = np.array([*anchors, (np.nan, np.nan)]).T  # the last row is the one of code -1
    seconds = np.maximum(_numbers(columns, name, len(channel)), 1e-3)
    share: FloatArray = np.log(worst[channel] / seconds) / np.log(worst[channel] / best[channel])
    return 100 * np.clip(share, 0.0, 1.0)
