"""Payment: did it go through, and how long the user looked at a waiting screen."""

import numpy as np

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel
from qoe.models.log_anchors import curve, on_curve

# own: the limits of an uninterrupted flow of thought and of kept attention (Nielsen 1993: 1 s and 10 s).
BEST_S = 1.0
WORST_S = 10.0
_CURVE = curve(1000 * BEST_S, 1000 * WORST_S)  # of milliseconds


def _formula(block: Block) -> FloatArray:
    time_ms, failed = block.number("page_load_ms"), block.number("success") == 0
    unseen = block.missing("page_load_ms") & ~failed
    if unseen.any():
        block.assume(unseen)
        time_ms = time_ms.copy()
        time_ms[unseen] = _steps_ms(block)[unseen]
    mos = on_curve(time_ms, *_CURVE)
    mos[failed] = 1.0
    return mos


def _steps_ms(block: Block) -> FloatArray:
    """Look-up, connection, handshake and first byte, one after the other."""
    steps = block.or_zero("dns_ms")
    steps += block.or_zero("connect_ms")
    steps += block.or_zero("tls_ms")
    steps += block.number("ttfb_ms")
    return steps


MODEL = QoeModel(
    name="payment_time",
    version="1.0.1",
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
    precision=np.float32,
    note="A payment that failed scores 1, whatever its time; one that went through without a known time has no score.",
)
