"""Web browsing after ITU-T G.1030: the time to load a page, against what the access lets a user expect."""

from math import exp, log

import numpy as np

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel, single
from qoe.models.log_anchors import curve, on_curve
from records.kinds import ACCESSES

FAST_S = (0.67, 6.0)
SLOW_S = (2.16, 155.0)
_SLOW_ACCESSES = ("umts", "gsm")


def _crossing_ms() -> tuple[float, float]:
    """Time and MOS at which the lines of both anchor sets cross, in ln t: only their slope then differs."""
    (scale, slope), (slow_scale, slow_slope) = (curve(1000 * best, 1000 * worst) for best, worst in (FAST_S, SLOW_S))
    ln_ms = (slow_slope * log(slow_scale) - slope * log(scale)) / (slope - slow_slope)
    return exp(ln_ms), 3 + slope * (ln_ms + log(scale))


_CROSSING_MS, _CROSSING_MOS = _crossing_ms()
# Slope by access; the last one is of an unknown one.
_SLOPES = single([curve(*(SLOW_S if name in _SLOW_ACCESSES else FAST_S))[1] for name in (*ACCESSES, "")])


def _formula(block: Block) -> FloatArray:
    access = block.code("access")
    block.assume(block.missing("access"))
    return on_curve(block.number("page_load_ms"), 1 / _CROSSING_MS, _SLOPES.take(access), _CROSSING_MOS)


MODEL = QoeModel(
    name="g1030_web",
    version="1.0.1",
    title="Web browsing (G.1030)",
    services=("web",),
    scale=(1.0, 5.0),
    grounding=Grounding.PROVISIONAL,
    source="ITU-T G.1030 (02/2014), eq. II-2 and its anchor sets, read in secondary sources",
    inputs=(
        Input(name="page_load_ms", unit="ms", direction=-1),
        Input(name="access", choices=ACCESSES, assumed="the fast anchors"),
    ),
    required=(("page_load_ms",),),
    formula=_formula,
    precision=np.float32,
    note="Anchors by what the access promises: (0.67 s, 6 s) for nr, lte, wlan, fixed; (2.16 s, 155 s) for umts, gsm.",
)
