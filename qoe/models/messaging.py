"""Messaging: did the message arrive, and how long after it was sent."""

import numpy as np

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel
from qoe.models.log_anchors import curve, on_curve

BEST_S = 1.0  # own: a conversation flows when the message is there within a second
WORST_S = 15.0  # TR 103 559 style: a social-media action of 15 s scores nothing (secondary source)
_CURVE = curve(1000 * BEST_S, 1000 * WORST_S)  # of milliseconds


def _formula(block: Block) -> FloatArray:
    mos = on_curve(block.number("deliver_ms"), *_CURVE)
    mos[block.number("success") == 0] = 1.0
    return mos


MODEL = QoeModel(
    name="messaging_time",
    version="1.0.1",
    title="Messaging, success and time",
    services=("messaging",),
    scale=(1.0, 5.0),
    grounding=Grounding.PROVISIONAL,
    source="No ITU model exists. Curve of G.1030; anchors 1 s (own) and 15 s (TR 103 559 style)",
    inputs=(
        Input(name="success", possible=(0.0, 1.0), direction=1),
        Input(name="deliver_ms", unit="ms", direction=-1),
    ),
    required=(("success",),),
    formula=_formula,
    precision=np.float32,
    note="A message that failed scores 1, whatever its time; one that arrived without a known time has no score.",
)
