"""Which QoE model rates which session of a service: rules of the catalogue, the first that fits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qoe.model import BoolArray, Columns
from records.errors import ConfigError
from records.kinds import SESSIONS, VOICE_CODECS

Rows = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A model and the sessions that it is for: every condition must hold, and one on an unknown value does not.

    `voice_codec` names codecs (none: any), `known` columns that were measured, `above` and `below` borders of values
    by column, themselves excluded.
    """

    model: str
    voice_codec: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    above: Mapping[str, float] = field(default_factory=dict)
    below: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: Mapping[str, Any], where: str) -> "Choice":
        """Read a choice of the catalogue; ConfigError where it names what does not exist."""
        columns = {column.name for column in SESSIONS.columns}
        found = cls(
            model=str(raw["model"]),
            voice_codec=tuple(raw.get("voice_codec", ())),
            known=tuple(raw.get("known", ())),
            above={name: float(value) for name, value in raw.get("above", {}).items()},
            below={name: float(value) for name, value in raw.get("below", {}).items()},
        )
        strange = [name for name in (*found.known, *found.above, *found.below) if name not in columns]
        strange += [name for name in found.voice_codec if name not in VOICE_CODECS]
        strange += sorted(raw.keys() - set(cls.__dataclass_fields__))
        if strange:
            raise ConfigError(f"{where} names {strange[0]!r}: there is no such column, codec or condition")
        return found

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns that the conditions read."""
        return frozenset({*self.known, *self.above, *self.below, *(("voice_codec",) if self.voice_codec else ())})

    def fits(self, columns: Columns, rows: Rows) -> BoolArray:
        """Which of these rows the model is for."""
        fits = np.ones(len(rows), dtype=np.bool_)
        if self.voice_codec:
            codes = [VOICE_CODECS.index(name) for name in self.voice_codec]
            fits &= np.isin(_column(columns, "voice_codec", rows), codes)
        for name in self.known:
            fits &= _column(columns, name, rows) >= 0
        for name, border in self.above.items():
            fits &= _column(columns, name, rows) > border
        for name, border in self.below.items():
            value = _column(columns, name, rows)
            fits &= (value >= 0) & (value < border)
        return fits

    def __str__(self) -> str:
        conditions = [f"voice_codec {' or '.join(self.voice_codec)}"] if self.voice_codec else []
        conditions += [f"{name} known" for name in self.known]
        conditions += [f"{name} > {border:g}" for name, border in self.above.items()]
        conditions += [f"{name} < {border:g}" for name, border in self.below.items()]
        return ", ".join(conditions)


def chosen(columns: Columns, rows: Rows, choices: Sequence[Choice], default: str) -> Iterator[tuple[Rows, str]]:
    """Split rows by the name of their model, the first choice that fits or else the default one; no part is empty."""
    rest = rows
    for choice in choices:
        fits = choice.fits(columns, rest)
        if fits.any():
            yield rest[fits], choice.model
            rest = rest[~fits]
    if len(rest):
        yield rest, default


def _column(columns: Columns, name: str, rows: Rows) -> NDArray[Any]:
    if name not in columns:
        return np.full(len(rows), np.nan)
    return np.asarray(columns[name])[rows]
