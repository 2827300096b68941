"""Fullband E-model (ITU-T G.107.2) for voice sessions over EVS in its super-wideband modes."""

import numpy as np

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel, single
from qoe.models import speech_path
from qoe.models.codec_modes import Modes
from qoe.models.delay_terms import PURE_DELAY
from qoe.models.e_model import equipment_impairment, mos_of_rating

MAX_RATING = 148.0
WORST_IMPAIRMENT = 132.0
_TO_NARROWBAND = 1.48  # R / 1.48 goes into the narrowband polynomial, and the delay term of G.107 is stretched by it

# EVS super-wideband, both ears: Ie,fb and Bpl,fb (G.113 Appendix V, Erratum 1 of 01/2026; secondary source).
_MODES = Modes.of({"evs": (9.6, 13.2, 16.4, 24.4, 32.0, 48.0)})
_IE = single([22.7, 17.1, 10.8, 7.2, 8.7, 10.2, np.nan])
_BPL = single([13.0, 11.7, 10.3, 11.4, 9.3, 9.6, np.nan])
USUAL_KBPS = 13.2  # the lowest mode with channel awareness, which voice over LTE and NR is usually given


def fullband_rating(ie: FloatArray, bpl: FloatArray, loss_percent: FloatArray, delay_ms: FloatArray) -> FloatArray:
    """R on the scale of 148: 148 - 1.48 Idd - Ie,eff."""
    impairment = PURE_DELAY.at(delay_ms)
    impairment *= _TO_NARROWBAND
    impairment += equipment_impairment(ie, bpl, loss_percent, worst=WORST_IMPAIRMENT)
    return np.subtract(MAX_RATING, impairment, out=impairment)


def mos_of_fullband_rating(rating: FloatArray) -> FloatArray:
    """MOS (1..4.5, fullband context) of a rating on the scale of 148."""
    return mos_of_rating(rating / _TO_NARROWBAND)


def _formula(block: Block) -> FloatArray:
    mode = _MODES.at(block.code("voice_codec"), block.or_assumed("voice_kbps", USUAL_KBPS))
    lost, delay_ms = speech_path.loss_percent(block), speech_path.delay_ms(block)
    return mos_of_fullband_rating(fullband_rating(_IE.take(mode), _BPL.take(mode), lost, delay_ms))


MODEL = QoeModel(
    name="e_model_fb",
    version="1.0.0",
    title="E-model, fullband",
    services=("voice",),
    scale=(1.0, 4.5),
    grounding=Grounding.PROVISIONAL,
    source="ITU-T G.107.2, read in secondary sources; EVS of G.113 Appendix V (provisional planning values)",
    inputs=(
        *speech_path.INPUTS,
        Input(name="voice_kbps", unit="kbit/s", valid=(9.6, 48.0), assumed="13.2"),
    ),
    required=speech_path.REQUIRED,
    formula=_formula,
    precision=np.float32,
    note="Not comparable with a narrowband or wideband MOS. EVS super-wideband, by the nearest mode; below 9.6 kbit/s "
    "EVS has none, and the wideband model rates it.",
)
