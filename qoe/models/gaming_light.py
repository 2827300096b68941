"""Gaming, G.1072-based: delay through the input-quality term, loss through the frame-loss term."""

import numpy as np

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel
from qoe.models import g1072

# The user's stream is not known: a 60-frame, 10 Mbit/s stream of a fast game (class High) is assumed (own).
FPS = 60.0
MBPS = 10.0

INPUTS = (
    Input(name="rtt_client_ms", unit="ms", valid=(0.0, 400.0), direction=-1),
    Input(name="rtt_server_ms", unit="ms", valid=(0.0, 400.0), direction=-1, assumed="0"),
    Input(name="jitter_ms", unit="ms", direction=-1, assumed="0"),
    Input(name="loss_dl", unit="ratio", possible=(0.0, 1.0), valid=(0.0, 0.5), direction=-1, assumed="0"),
)


def _formula(block: Block) -> FloatArray:
    delay_ms = g1072.delay_ms(block)
    lost = g1072.frame_loss_percent(delay_ms, block.or_assumed("loss_dl", 0.0), FPS, MBPS)
    rating = g1072.frame_impairment(np.log1p(lost, out=lost), FPS)
    rating *= -0.625
    rating -= 0.848 * g1072.input_impairment(delay_ms)
    rating += 100
    return g1072.mos_of_rating(rating)


MODEL = QoeModel(
    name="gaming_light",
    version="1.0.1",
    title="Gaming, G.1072-based, delay and loss",
    services=("gaming",),
    scale=(1.3, 4.64),
    grounding=Grounding.PROVISIONAL,
    source="Input-quality and frame-loss terms of ITU-T G.1072 with its class High; coefficients of a secondary source",
    inputs=INPUTS,
    required=(("rtt_client_ms",),),
    formula=_formula,
    precision=np.float32,
    note="Without the terms for coding and video, which a network cannot see; jitter is added delay (own).",
)
