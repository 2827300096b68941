"""Web browsing after ITU-T G.1030: the time to load a page, against what the access lets a user expect."""

import numpy as np

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel
from qoe.models.log_anchors import time_mos
from records.kinds import ACCESSES

FAST_S = (0.67, 6.0)
SLOW_S = (2.16, 155.0)
_SLOW_ACCESSES = tuple(ACCESSES.index(name) for name in ("umts", "gsm"))


def _formula(block: Block) -> FloatArray:
    access = block.code("access")
    block.assume(access < 0)
    time_s = block.number("page_load_ms") / 1000
    mos = time_mos(time_s, *FAST_S)
    slow = np.isin(access, _SLOW_ACCESSES)
    if slow.any():
        mos[slow] = time_mos(time_s[slow], *SLOW_S)
    return mos


MODEL = QoeModel(
    name="g1030_web",
    version="1.0.0",
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
    note="Anchors by what the access promises: (0.67 s, 6 s) for nr, lte, wlan, fixed; (2.16 s, 155 s) for umts, gsm.",
)
