"""File transfer: the rate in the direction in which the file went."""

import numpy as np

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel
from qoe.models.log_anchors import rate_mos

# Mbit/s. Download and upload borders of the HTTP transfer scores, TR 103 559 style (secondary source).
DOWNLOAD_MBPS = (1.0, 100.0)
UPLOAD_MBPS = (0.5, 50.0)


def _formula(block: Block) -> FloatArray:
    down, up = block.number("throughput_dl_kbps"), block.number("throughput_ul_kbps")
    upload = block.number("bytes_ul") > block.number("bytes_dl")
    block.assume(~block.known("bytes_ul") | ~block.known("bytes_dl"))
    upload = (upload & ~np.isnan(up)) | np.isnan(down)
    return np.where(upload, rate_mos(up / 1000, *UPLOAD_MBPS), rate_mos(down / 1000, *DOWNLOAD_MBPS))


MODEL = QoeModel(
    name="file_rate",
    version="1.0.0",
    title="File transfer, rate",
    services=("file",),
    scale=(1.0, 5.0),
    grounding=Grounding.PROVISIONAL,
    source="Logarithm of the rate between anchors; anchors of HTTP transfer, TR 103 559 style",
    inputs=(
        Input(name="throughput_dl_kbps", unit="kbit/s", direction=1),
        Input(name="throughput_ul_kbps", unit="kbit/s", direction=1),
        Input(name="bytes_dl", unit="byte", assumed="a download, where its rate is known"),
        Input(name="bytes_ul", unit="byte", assumed="a download, where its rate is known"),
    ),
    required=(("throughput_dl_kbps", "throughput_ul_kbps"),),
    formula=_formula,
    note="Down 1 to 100 Mbit/s, up 0.5 to 50 Mbit/s; an upload is what sent more bytes than it received.",
)
