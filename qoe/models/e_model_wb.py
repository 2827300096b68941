"""Wideband E-model (ITU-T G.107.1) for voice sessions over AMR-WB, and the low modes of EVS by proxy."""

import numpy as np

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel, single
from qoe.models import speech_path
from qoe.models.codec_modes import Modes
from qoe.models.delay_terms import PURE_DELAY
from qoe.models.e_model import equipment_impairment, mos_of_rating
from records.kinds import VOICE_CODECS

MAX_RATING = 129.0
_TO_NARROWBAND = 1.29  # Rx = R / 1.29 goes into the narrowband polynomial

# AMR-WB modes (kbit/s), their Ie,WB for one ear (G.113 Table IV.1) and Bpl,WB (Table IV.4, printed for 12.65, 23.05
# and 23.85 only: the other modes take the nearest printed one, a proxy). The last entry is of no mode.
_RATES_KBPS = (6.6, 8.85, 12.65, 14.25, 15.85, 18.25, 19.85, 23.05, 23.85)
_IE = single([41.0, 26.0, 13.0, 10.0, 7.0, 5.0, 3.0, 1.0, 8.0, np.nan])
_BPL = single([4.3, 4.3, 4.3, 4.3, 4.3, 4.6, 4.6, 4.6, 4.9, np.nan])
_PRINTED = np.array([False, False, True, False, False, False, False, True, True, True])
USUAL_KBPS = 12.65  # the mode that voice over LTE starts with
# Proxy: G.113 has no row for EVS below 9.6 kbit/s (narrowband and wideband modes only); AMR-WB at 12.65 kbit/s is the
# wideband codec that these modes were made to equal at less.
_MODES = Modes.of({"amr-wb": _RATES_KBPS, "evs": _RATES_KBPS.index(12.65)})
_EVS = VOICE_CODECS.index("evs")


def wideband_rating(ie: FloatArray, bpl: FloatArray, loss_percent: FloatArray, delay_ms: FloatArray) -> FloatArray:
    """R on the scale of 129: equipment impairment, and the delay impairment of G.107 stretched to it (proxy)."""
    delay = PURE_DELAY.at(delay_ms)
    delay *= _TO_NARROWBAND
    delay += equipment_impairment(ie, bpl, loss_percent)
    return np.subtract(MAX_RATING, delay, out=delay)


def mos_of_wideband_rating(rating: FloatArray) -> FloatArray:
    """MOS (1..4.5, wideband context) of a rating on the scale of 129."""
    return mos_of_rating(rating / _TO_NARROWBAND)


def _formula(block: Block) -> FloatArray:
    codec = block.code("voice_codec")
    mode = _MODES.at(codec, block.or_assumed("voice_kbps", USUAL_KBPS))
    lost, delay_ms = speech_path.loss_percent(block), speech_path.delay_ms(block)
    block.assume((codec == _EVS) | (delay_ms > 100) | (~_PRINTED.take(mode) & (lost > 0)))
    return mos_of_wideband_rating(wideband_rating(_IE.take(mode), _BPL.take(mode), lost, delay_ms))


MODEL = QoeModel(
    name="e_model_wb",
    version="1.1.0",
    title="E-model, wideband",
    services=("voice",),
    scale=(1.0, 4.5),
    grounding=Grounding.PROVISIONAL,
    source="ITU-T G.107.1 (06/2019); G.113 Appendix IV, which calls its numbers provisional planning values",
    inputs=(
        *speech_path.INPUTS,
        Input(name="voice_kbps", unit="kbit/s", valid=(6.6, 23.85), assumed="12.65"),
    ),
    required=speech_path.REQUIRED,
    formula=_formula,
    precision=np.float32,
    note="Not comparable with a narrowband MOS. EVS below 9.6 kbit/s by proxy of AMR-WB 12.65. The delay term is a "
    "proxy after G.107.2.",
)
