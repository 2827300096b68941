"""What the way through the network does to speech: how late it arrives, and how much of it is lost."""

import numpy as np

from qoe.model import Block, FloatArray, Input
from records.kinds import VOICE_CODECS

JITTER_BUFFER_MS = 120.0  # own: the largest play-out delay of an adaptive buffer
PACKETISATION_MS = 20.0  # one speech frame of every codec of the contract

INPUTS = (
    Input(name="voice_codec", choices=VOICE_CODECS),
    Input(name="loss_dl", unit="ratio", possible=(0.0, 1.0), valid=(0.0, 0.2), direction=-1),
    Input(
        name="delay_ms",
        unit="ms",
        valid=(0.0, 500.0),
        direction=-1,
        assumed="(rtt_client + rtt_server) / 2 + min(2 jitter, 120) + 20",
    ),
    Input(name="rtt_client_ms", unit="ms", direction=-1),
    Input(name="rtt_server_ms", unit="ms", direction=-1, assumed="0"),
    Input(name="jitter_ms", unit="ms", direction=-1, assumed="0"),
)
REQUIRED = (("voice_codec",), ("loss_dl",), ("delay_ms", "rtt_client_ms"))


def mouth_to_ear_ms(rtt_ms: FloatArray, jitter_ms: FloatArray) -> FloatArray:
    """One-way delay where it was not measured: half the round trip, a buffer of twice the jitter, one frame (own)."""
    buffer_ms = np.minimum(2 * jitter_ms, JITTER_BUFFER_MS)
    buffer_ms += PACKETISATION_MS
    buffer_ms += rtt_ms / 2
    return buffer_ms


def late_loss_ratio(jitter_ms: FloatArray) -> FloatArray:
    """Share of packets too late for the largest buffer, if delays are Laplace distributed around their mean (own)."""
    share: FloatArray = np.divide(-JITTER_BUFFER_MS, np.maximum(jitter_ms, 1e-3))
    np.exp(share, out=share)
    share *= 0.5
    return share


def loss_percent(block: Block) -> FloatArray:
    """Packets that were lost or came too late, in percent."""
    lost = late_loss_ratio(block.or_zero("jitter_ms"))
    lost += block.number("loss_dl")
    np.minimum(lost, 1.0, out=lost)
    lost *= 100
    return lost


def delay_ms(block: Block) -> FloatArray:
    """Delay from mouth to ear, as measured or else estimated; NaN where nothing was measured."""
    missing = block.missing("delay_ms")
    if not missing.any():
        return block.number("delay_ms")
    block.assume(missing)
    estimate = mouth_to_ear_ms(
        block.number("rtt_client_ms") + block.or_zero("rtt_server_ms"), block.or_zero("jitter_ms")
    )
    estimate *= missing  # so that the greater of both is the measured one where there is one
    return np.fmax(block.number("delay_ms"), estimate, out=estimate)
