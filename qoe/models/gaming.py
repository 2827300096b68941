"""Gaming, G.1072-based: delay through the input-quality term, loss through the frame-loss term."""

import numpy as np

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel

# The user's stream is not known: a 60-frame, 10 Mbit/s stream of a fast game (class High) is assumed (own).
FPS = 60.0
MBPS = 10.0


def frame_loss_percent(delay_ms: FloatArray, loss: FloatArray) -> FloatArray:
    """FLR: frames lost in percent; loss as a ratio, nothing is lost below 16 ms of delay."""
    rate = 0.08526 + 0.00073 * FPS + 1.425e-4 * MBPS * FPS
    exponent = rate * np.maximum(0.09656 * delay_ms - 1.5, 0.0) * loss
    return np.where(delay_ms < 16, 0.0, 100 * -np.expm1(-exponent))


def input_impairment(delay_ms: FloatArray) -> FloatArray:
    """IINP of the classes Medium and High."""
    return np.clip(90 / (1 + np.exp(1.191 - 0.009775 * delay_ms)) - 18.73, 0.0, 68.98)


def frame_impairment(delay_ms: FloatArray, loss: FloatArray) -> FloatArray:
    """IFrame of the classes Medium and High."""
    steady = 54.71 + 0.02589 * FPS * FPS - 2.485 * FPS
    return np.clip(steady + 9.306 * np.log1p(frame_loss_percent(delay_ms, loss)), 0.0, 68.98)


def mos_of_rating(rating: FloatArray) -> FloatArray:
    """MOS (1.3..4.64) of a rating in 0..100."""
    r = np.clip(rating, 0.0, 100.0)
    return np.clip(1.3 + 3.34 / 100 * r + r * (r - 60) * (100 - r) * 7e-6, 1.3, 4.64)


def _formula(block: Block) -> FloatArray:
    rtt_ms = block.number("rtt_client_ms") + block.or_assumed("rtt_server_ms", 0.0)
    # G.1072 has no jitter: twice its mean stands for the 95th percentile of the added delay (own).
    delay_ms = rtt_ms + 2 * block.or_assumed("jitter_ms", 0.0)
    loss = block.or_assumed("loss_dl", 0.0)
    rating = 100 - 0.625 * frame_impairment(delay_ms, loss) - 0.848 * input_impairment(delay_ms)
    return mos_of_rating(rating)


MODEL = QoeModel(
    name="gaming_light",
    version="1.0.0",
    title="Gaming, G.1072-based, delay and loss",
    services=("gaming",),
    scale=(1.3, 4.64),
    grounding=Grounding.PROVISIONAL,
    source="Input-quality and frame-loss terms of ITU-T G.1072 with its class High; coefficients of a secondary source",
    inputs=(
        Input(name="rtt_client_ms", unit="ms", valid=(0.0, 400.0), direction=-1),
        Input(name="rtt_server_ms", unit="ms", valid=(0.0, 400.0), direction=-1, assumed="0"),
        Input(name="jitter_ms", unit="ms", direction=-1, assumed="0"),
        Input(name="loss_dl", unit="ratio", possible=(0.0, 1.0), valid=(0.0, 0.5), direction=-1, assumed="0"),
    ),
    required=(("rtt_client_ms",),),
    formula=_formula,
    note="Without the terms for coding and video, which a network cannot see; jitter is added delay (own).",
)
