"""Narrowband E-model (ITU-T G.107) for voice sessions over G.711 and AMR."""

import numpy as np

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel
from qoe.models.e_model import (
    delay_rating,
    equipment_impairment,
    late_loss_ratio,
    mos_of_rating,
    mouth_to_ear_ms,
)
from records.kinds import VOICE_CODECS

# (Ie, Bpl) by codec. G.711: the defaults of G.107, without loss concealment (the contract does not tell).
# AMR has no row in G.113: GSM-EFR, the same codec as its 12.2 kbit/s mode (5, 10), stands in as a proxy.
# Wideband codecs are not on this scale.
_IE = np.array([0.0, 5.0, np.nan, np.nan, np.nan])
_BPL = np.array([4.3, 10.0, np.nan, np.nan, np.nan])
_AMR = VOICE_CODECS.index("amr")

# Ro - Is - Id depends on the delay alone. Linear between these points it is within 1e-5 MOS.
_GRID_MS = np.concatenate([np.arange(0.0, 20.0, 0.02), np.arange(20.0, 2000.25, 0.25)])
_RATING = delay_rating(_GRID_MS)


def _formula(block: Block) -> FloatArray:
    codec = block.code("voice_codec")
    block.assume(codec == _AMR)
    jitter = np.nan_to_num(block.number("jitter_ms"), nan=0.0)
    delay_ms = block.number("delay_ms")
    block.assume(np.isnan(delay_ms))
    rtt_ms = block.number("rtt_client_ms") + np.nan_to_num(block.number("rtt_server_ms"), nan=0.0)
    delay_ms = mouth_to_ear_ms(delay_ms, rtt_ms, jitter)
    loss_percent = 100 * np.minimum(block.number("loss_dl") + late_loss_ratio(jitter), 1.0)
    rating = np.interp(delay_ms, _GRID_MS, _RATING)
    return mos_of_rating(rating - equipment_impairment(_IE[codec], _BPL[codec], loss_percent))


MODEL = QoeModel(
    name="e_model_nb",
    version="1.0.0",
    title="E-model, narrowband",
    services=("voice",),
    scale=(1.0, 4.5),
    grounding=Grounding.PUBLISHED,
    source="ITU-T G.107; (Ie, Bpl) of G.107 and G.113 Appendix I, which calls them provisional planning values",
    inputs=(
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
    ),
    required=(("voice_codec",), ("loss_dl",), ("delay_ms", "rtt_client_ms")),
    formula=_formula,
    note="Loss is taken as random (BurstR 1). AMR by proxy of GSM-EFR. Packets later than a 120 ms buffer are lost.",
)
