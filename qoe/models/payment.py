"""Payment: did it go through, and how long the user looked at a waiting screen."""

import numpy as np

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel
from qoe.models.log_anchors import time_mos

# own: the limits of an uninterrupted flow of thought and of kept attention (Nielsen 1993: 1 s and 10 s).
BEST_S = 1.0
WORST_S = 10.0


def _formula(block: Block) -> FloatArray:
    page_ms, first_byte_ms = block.number("page_load_ms"), block.number("ttfb_ms")
    before_ms = sum((np.nan_to_num(block.number(name)) for name in ("dns_ms", "connect_ms", "tls_ms")), np.zeros(1))
    success = block.number("success")
    block.assume(np.isnan(page_ms) & (success == 1))
    mos = time_mos(np.where(np.isnan(page_ms), before_ms + first_byte_ms, page_ms) / 1000, BEST_S, WORST_S)
    return np.where(success == 0, 1.0, mos)


MODEL = QoeModel(
    name="payment_time",
    version="1.0.0",
    title="Payment, success and time",
    services=("payment",),
    scale=(1.0, 5.0),
    grounding=Grounding.OWN,
    source="No ITU model exists. Curve of G.1030; anchors 1 s and 10 s are the response-time limits of Nielsen (1993)",
    inputs=(
        Input(name="success", possible=(0.0, 1.0), direction=1),
        Input(name="page_load_ms", unit="ms", direction=-1, assumed="dns + connect + tls + ttfb"),
        Input(name="ttfb_ms", unit="ms", direction=-1),
        Input(name="dns_ms", unit="ms", direction=-1, assumed="0"),
        Input(name="connect_ms", unit="ms", direction=-1, assumed="0"),
        Input(name="tls_ms", unit="ms", direction=-1, assumed="0"),
    ),
    required=(("success",),),
    formula=_formula,
    note="A payment that failed scores 1, whatever its time; one that went through without a known time has no score.",
)
