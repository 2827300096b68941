"""Gaming, G.1072-based in full, for sessions whose video stream was measured: cloud gaming."""

from dataclasses import replace

import numpy as np

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel
from qoe.models import g1072
from qoe.models.gaming_light import INPUTS
from qoe.models.p1203_blocks import coded_pixels


def _formula(block: Block) -> FloatArray:
    mbps, loss = block.number("video_kbps") / 1000, block.number("loss_dl")
    fps = np.maximum(block.number("video_fps"), 1.0)
    delay_ms = g1072.delay_ms(block)
    lost = g1072.frame_loss_percent(delay_ms, loss, fps, mbps)
    log_lost = np.log1p(lost, out=lost)
    coding = g1072.coding_impairment(mbps, fps, coded_pixels(np.maximum(block.number("video_height"), 2.0)))
    impairments = (
        (0.227, g1072.motion_impairment(log_lost, fps)),
        (0.625, g1072.frame_impairment(log_lost, fps)),
        (0.848, g1072.input_impairment(delay_ms)),
        (0.896, g1072.transmission_impairment(coding, loss)),
        (0.788, coding),
    )
    rating = np.full(block.rows, 100.0, dtype=coding.dtype)
    for weight, impairment in impairments:
        impairment *= weight
        rating -= impairment
    return g1072.mos_of_rating(rating)


MODEL = QoeModel(
    name="gaming_stream",
    version="1.0.0",
    title="Gaming, G.1072-based, with the video stream",
    services=("gaming",),
    scale=(1.3, 4.64),
    grounding=Grounding.PROVISIONAL,
    source="ITU-T G.1072 with its class High for interaction and video; coefficients of a secondary source",
    inputs=(
        *(replace(item, assumed="") if item.name == "loss_dl" else item for item in INPUTS),
        Input(name="video_kbps", unit="kbit/s", valid=(300.0, 50_000.0)),
        Input(name="video_fps", unit="1/s", valid=(10.0, 60.0)),
        Input(name="video_height", unit="pixel", possible=(1.0, np.inf)),
    ),
    required=(("rtt_client_ms",), ("loss_dl",), ("video_kbps",), ("video_fps",), ("video_height",)),
    formula=_formula,
    precision=np.float32,
    note="Class High is assumed for every game, jitter is added delay (own). A higher bit rate looks better and loses "
    "more frames, so under loss the score may fall with it, as the published terms do.",
)
