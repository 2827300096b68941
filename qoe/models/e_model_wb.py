"""Wideband E-model (ITU-T G.107.1) for voice sessions over AMR-WB, and EVS by proxy."""

import numpy as np
from numpy.typing import NDArray

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel
from qoe.models.e_model import (
    equipment_impairment,
    late_loss_ratio,
    mos_of_rating,
    mouth_to_ear_ms,
    pure_delay_impairment,
)
from records.kinds import VOICE_CODECS

MAX_RATING = 129.0
_TO_NARROWBAND = 1.29  # Rx = R / 1.29 goes into the narrowband polynomial

# AMR-WB modes (kbit/s), their Ie,WB for one ear (G.113 Table IV.1) and Bpl,WB (Table IV.4, printed for 12.65, 23.05
# and 23.85 only: the other modes take the nearest printed one, a proxy).
_MODES_KBPS = np.array([6.6, 8.85, 12.65, 14.25, 15.85, 18.25, 19.85, 23.05, 23.85])
_IE = np.array([41.0, 26.0, 13.0, 10.0, 7.0, 5.0, 3.0, 1.0, 8.0])
_BPL = np.array([4.3, 4.3, 4.3, 4.3, 4.3, 4.6, 4.6, 4.6, 4.9])
_PRINTED = np.array([False, False, True, False, False, False, False, True, True])
_BORDERS_KBPS = (_MODES_KBPS[1:] + _MODES_KBPS[:-1]) / 2
_USUAL_MODE = 2  # 12.65 kbit/s, the mode that voice over LTE starts with
_EVS_MODE = 7  # proxy: G.113 has no wideband EVS row; AMR-WB at 23.05 kbit/s is the nearest transparent wideband codec
_AMR_WB, _EVS = VOICE_CODECS.index("amr-wb"), VOICE_CODECS.index("evs")


def wideband_rating(ie: FloatArray, bpl: FloatArray, loss_percent: FloatArray, delay_ms: FloatArray) -> FloatArray:
    """R on the scale of 129: equipment impairment, and the delay impairment of G.107 stretched to it (proxy)."""
    delay = _TO_NARROWBAND * pure_delay_impairment(delay_ms)
    return MAX_RATING - equipment_impairment(ie, bpl, loss_percent) - delay


def mos_of_wideband_rating(rating: FloatArray) -> FloatArray:
    """MOS (1..4.5, wideband context) of a rating on the scale of 129."""
    return mos_of_rating(rating / _TO_NARROWBAND)


def _mode(block: Block, codec: NDArray[np.intp]) -> NDArray[np.intp]:
    kbps = block.number("voice_kbps")
    block.assume((codec == _EVS) | np.isnan(kbps))
    mode = np.where(np.isnan(kbps), _USUAL_MODE, np.searchsorted(_BORDERS_KBPS, kbps))
    return np.where(codec == _EVS, _EVS_MODE, mode)


def _formula(block: Block) -> FloatArray:
    codec = block.code("voice_codec")
    mode = _mode(block, codec)
    jitter = np.nan_to_num(block.number("jitter_ms"), nan=0.0)
    delay_ms = block.number("delay_ms")
    rtt_ms = block.number("rtt_client_ms") + np.nan_to_num(block.number("rtt_server_ms"), nan=0.0)
    block.assume(np.isnan(delay_ms))
    delay_ms = mouth_to_ear_ms(delay_ms, rtt_ms, jitter)
    loss_percent = 100 * np.minimum(block.number("loss_dl") + late_loss_ratio(jitter), 1.0)
    block.assume((delay_ms > 100) | (~_PRINTED[mode] & (loss_percent > 0)))
    mos = mos_of_wideband_rating(wideband_rating(_IE[mode], _BPL[mode], loss_percent, delay_ms))
    return np.where((codec == _AMR_WB) | (codec == _EVS), mos, np.nan)


MODEL = QoeModel(
    name="e_model_wb",
    version="1.0.0",
    title="E-model, wideband",
    services=("voice",),
    scale=(1.0, 4.5),
    grounding=Grounding.PROVISIONAL,
    source="ITU-T G.107.1 (06/2019); G.113 Appendix IV, which calls its numbers provisional planning values",
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
        Input(name="voice_kbps", unit="kbit/s", valid=(6.6, 23.85), assumed="12.65"),
    ),
    required=(("voice_codec",), ("loss_dl",), ("delay_ms", "rtt_client_ms")),
    formula=_formula,
    note="Not comparable with a narrowband MOS. EVS by proxy of AMR-WB 23.05. The delay term is a proxy after G.107.2.",
)
