"""Narrowband E-model (ITU-T G.107) for voice sessions over G.711 and AMR."""

import numpy as np

from qoe.model import Block, FloatArray, Grounding, QoeModel, single
from qoe.models import speech_path
from qoe.models.delay_terms import RATING_LEFT
from qoe.models.e_model import equipment_impairment, mos_of_rating
from records.kinds import VOICE_CODECS

# (Ie, Bpl) by codec. G.711: the defaults of G.107, without loss concealment (the contract does not tell).
# AMR has no row in G.113: GSM-EFR, the same codec as its 12.2 kbit/s mode (5, 10), stands in as a proxy.
# Wideband codecs are not on this scale, nor is an unknown one (the last entry).
_IE = single([0.0, 5.0, np.nan, np.nan, np.nan])
_BPL = single([4.3, 10.0, np.nan, np.nan, np.nan])
_AMR = VOICE_CODECS.index("amr")


def _formula(block: Block) -> FloatArray:
    codec = block.code("voice_codec")
    block.assume(codec == _AMR)
    lost = speech_path.loss_percent(block)
    rating = RATING_LEFT.at(speech_path.delay_ms(block))
    rating -= equipment_impairment(_IE.take(codec), _BPL.take(codec), lost)
    return mos_of_rating(rating)


MODEL = QoeModel(
    name="e_model_nb",
    version="1.0.1",
    title="E-model, narrowband",
    services=("voice",),
    scale=(1.0, 4.5),
    grounding=Grounding.PUBLISHED,
    source="ITU-T G.107; (Ie, Bpl) of G.107 and G.113 Appendix I, which calls them provisional planning values",
    inputs=speech_path.INPUTS,
    required=speech_path.REQUIRED,
    formula=_formula,
    precision=np.float32,
    note="Loss is taken as random (BurstR 1). AMR by proxy of GSM-EFR. Packets later than a 120 ms buffer are lost.",
)
