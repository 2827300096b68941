"""Video telephony after ITU-T G.1070: calls that carry a picture."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel, single
from qoe.models import e_model_fb, e_model_wb, g1070, speech_path
from qoe.models.delay_terms import RATING_LEFT
from qoe.models.e_model import mos_of_rating
from records.kinds import VOICE_CODECS

# Speech without its delay, which is rated for the call as a whole: (best rating, its scale, worst impairment, Ie, Bpl)
# of each codec at its usual mode, as the voice models have them (the first row: unknown codec). What carries speech in
# an app is not known: AMR-WB.
_NARROW = float(RATING_LEFT.at(np.zeros(1))[0])
_WIDE = (e_model_wb.MAX_RATING, 1.29, 95.0, 13.0, 4.3)  # 12.65 kbit/s
_FULL = (e_model_fb.MAX_RATING, 1.48, e_model_fb.WORST_IMPAIRMENT, 17.1, 11.7)  # EVS at 13.2 kbit/s
_SPEECH = {
    "": _WIDE,
    "g711": (_NARROW, 1.0, 95.0, 0.0, 4.3),
    "amr": (_NARROW, 1.0, 95.0, 5.0, 10.0),
    "amr-wb": _WIDE,
    "evs": _FULL,
}
_BEST, _SCALE, _WORST, _IE, _BPL = np.array([_SPEECH[name] for name in ("", *VOICE_CODECS)]).T
# The rating on the narrowband scale is what it is without loss, less a share of the most that loss can take.
_LOSSLESS, _MOST, _ROBUSTNESS = single((_BEST - _IE) / _SCALE), single((_WORST - _IE) / _SCALE), single(_BPL)

_HIGHEST = float(
    g1070.multimedia_quality(
        g1070.speech_video_quality(np.array([g1070.BEST_SPEECH]), np.array([g1070.BEST_VIDEO])), np.zeros(1)
    )[0]
)


def speech_quality(codec: NDArray[np.intp], loss_percent: FloatArray) -> FloatArray:
    """Sq: MOS of the speech alone by codec (index, -1 unknown) and loss, each on its codec's own scale."""
    row = codec + 1
    impairment: FloatArray = _MOST.take(row)
    impairment *= loss_percent
    robustness = _ROBUSTNESS.take(row)
    robustness += loss_percent
    impairment /= robustness
    rating: FloatArray = _LOSSLESS.take(row)
    rating -= impairment
    return mos_of_rating(rating)


def _formula(block: Block) -> FloatArray:
    codec = block.code("voice_codec")
    block.assume(block.missing("voice_codec"))
    lost = speech_path.loss_percent(block)
    video = g1070.video_quality(block.number("video_kbps"), np.maximum(block.number("video_fps"), 1.0), lost)
    both = g1070.speech_video_quality(speech_quality(codec, lost), video)
    return g1070.multimedia_quality(both, speech_path.delay_ms(block))


MODEL = QoeModel(
    name="video_call",
    version="1.0.0",
    title="Video telephony (G.1070)",
    services=("voice",),
    scale=(1.0, _HIGHEST),
    grounding=Grounding.PROVISIONAL,
    source="ITU-T G.1070 (06/2018), H.264 VGA on 6 inches, multimedia set of 4.2 inches; read in a secondary source",
    inputs=(
        Input(name="video_kbps", unit="kbit/s", valid=(100.0, 2000.0)),
        Input(name="video_fps", unit="1/s", possible=(0.0, 1000.0), valid=(1.0, 30.0)),
        *(replace(item, assumed="amr-wb") if item.name == "voice_codec" else item for item in speech_path.INPUTS),
    ),
    required=(("video_kbps",), ("video_fps",), *speech_path.REQUIRED[1:]),
    formula=_formula,
    precision=np.float32,
    note="Sound and picture are taken to lose and to delay alike; speech is in its codec's usual mode. The best call "
    "has a MOS of 3.3. Where picture or sound are bad, two printed terms have the wrong sign and are cut (own).",
)
