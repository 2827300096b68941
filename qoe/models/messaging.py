"""Messaging: did the message arrive, and how long after it was sent."""

import numpy as np

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel
from qoe.models.log_anchors import time_mos

BEST_S = 1.0  # own: a conversation flows when the message is there within a second
WORST_S = 15.0  # TR 103 559 style: a social-media action of 15 s scores nothing (secondary source)


def _formula(block: Block) -> FloatArray:
    success = block.number("success")
    mos = time_mos(block.number("deliver_ms") / 1000, BEST_S, WORST_S)
    return np.where(success == 0, 1.0, mos)


MODEL = QoeModel(
    name="messaging_time",
    version="1.0.0",
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
    note="A message that failed scores 1, whatever its time; one that arrived without a known time has no score.",
)
