"""File transfer: the rate in the direction in which the file went."""

import numpy as np

from qoe.model import Block, FloatArray, Grounding, Input, QoeModel, single
from qoe.models.log_anchors import curve, on_curve

# Mbit/s. Download and upload borders of the HTTP transfer scores, TR 103 559 style (secondary source).
DOWNLOAD_MBPS = (1.0, 100.0)
UPLOAD_MBPS = (0.5, 50.0)


# Scale and slope of both curves in kbit/s: of a download, of an upload.
_SCALE, _SLOPE = single([curve(1000 * best, 1000 * worst) for worst, best in (DOWNLOAD_MBPS, UPLOAD_MBPS)]).T.copy()


def _formula(block: Block) -> FloatArray:
    block.assume(block.missing("bytes_ul") | block.missing("bytes_dl"))
    upload = block.number("bytes_ul") > block.number("bytes_dl")
    upload &= ~block.missing("throughput_ul_kbps")
    upload |= block.missing("throughput_dl_kbps")
    way = upload.astype(np.intp)
    rate = block.number("throughput_dl_kbps").copy()
    np.copyto(rate, block.number("throughput_ul_kbps"), where=upload)
    return on_curve(rate, _SCALE.take(way), _SLOPE.take(way))


MODEL = QoeModel(
    name="file_rate",
    version="1.0.1",
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
    precision=np.float32,
    note="Down 1 to 100 Mbit/s, up 0.5 to 50 Mbit/s; an upload is what sent more bytes than it received.",
)
