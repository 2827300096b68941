"""Whether a session or touchpoint of the demo world was bad, by the product's own definition and catalogue."""

from importlib.resources import files

import numpy as np

from cemaphore.demo import catalogue
from cemaphore.demo.arrays import Bools, Floats, Ints
from cemaphore.demo.drawing import APPS, Drawn
from cemaphore.demo.services import Columns
from qoe.catalogue import parse
from qoe.models import registry
from qoe.quality import Quality, session_quality, touchpoint_quality
from records.kinds import VOICE_CODECS


class Judge:
    """Applies the quality catalogue that is shipped with `qoe`."""

    def __init__(self) -> None:
        self._catalogue = parse(files("qoe").joinpath("catalogue.toml").read_text(encoding="utf-8"))
        self._models = registry()

    def sessions(self, drawn: Drawn, cause: Ints, columns: Columns) -> Bools:
        """Return which sessions were bad; `cause` indexes `catalogue.CAUSES`."""
        return self.quality(drawn, cause, columns).bad

    def quality(self, drawn: Drawn, cause: Ints, columns: Columns) -> Quality:
        """Return the quality of each session."""
        service = APPS.service[drawn.app]
        frame = {
            **columns,
            "service": service,
            "success": cause == catalogue.OK,
            "voice_codec": np.where(service == catalogue.VOICE, VOICE_CODECS.index("amr-wb"), -1),
            "video_codec": np.where(service == catalogue.VIDEO, 0, -1),
            "screen": np.zeros(drawn.count, dtype=np.int64),
        }
        return session_quality(frame, self._catalogue, self._models)

    def touchpoints(self, channel: Ints, columns: dict[str, Floats]) -> Bools:
        """Return which touchpoints were bad; `columns` holds what the quality of one reads."""
        quality = touchpoint_quality({"channel": channel, **columns}, self._catalogue)
        return np.asarray(quality < self._catalogue.touchpoints.bad_below, dtype=np.bool_)
