"""Small frames of sessions with what is known of them, for tests of whose fault they are."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

import numpy as np

from qoe.catalogue import parse
from qoe.demarcation import Demarcation, Evidence, demarcate
from qoe.indices import IndexRules
from qoe.models import registry
from qoe.peers import Terminal
from qoe.quality import session_quality
from qoe.segments import Usual, segment_excess
from records.kinds import SCREENS, SERVICES, VOICE_CODECS

CATALOGUE = parse(resources.files("qoe").joinpath("catalogue.toml").read_text(encoding="utf-8"))
MODELS = registry()
WEIGHTS = IndexRules.of(CATALOGUE).weights
CODES = {"service": SERVICES, "voice_codec": VOICE_CODECS, "screen": SCREENS}


def frame(service: str, **columns: Any) -> dict[str, np.ndarray]:
    """Sessions of one service that came to their end; a value alone stands for all rows."""
    rows = max([np.size(values) for values in columns.values()], default=1)
    made = {"service": np.full(rows, SERVICES.index(service)), "success": np.ones(rows, np.int8)}
    for name, values in columns.items():
        value = CODES[name].index(values) if name in CODES else values
        made[name] = np.array(np.broadcast_to(np.asarray(value, dtype=float), rows))
    return made


def evidence_of(columns: Mapping[str, np.ndarray], **known: Any) -> Evidence:
    """What is known of those sessions; by default their devices are as good as others and no cause is named."""
    rows = len(columns["service"])
    failed = known.get("failed", columns["success"] == 0)
    return Evidence(
        q=np.where(failed, 0.0, session_quality(columns, CATALOGUE, MODELS).q),
        failed=failed,
        cause=known.get("cause", np.full(rows, -1, np.int8)),
        excess=segment_excess(columns, CATALOGUE),
        terminal=known.get("terminal", Terminal(np.zeros(rows), np.zeros(rows), np.ones(rows, bool))),
        core_part=known.get("core_part", np.zeros(rows)),
        core_fault=known.get("core_fault", np.zeros(rows)),
    )


def demarcated(columns: Mapping[str, np.ndarray], usual: Usual | None = None, **known: Any) -> Demarcation:
    """Whose fault those sessions are."""
    evidence = evidence_of(columns, **known)
    if usual is not None:
        evidence = Evidence(**vars(evidence) | {"excess": segment_excess(columns, CATALOGUE, usual)})
    return demarcate(columns, evidence, CATALOGUE, MODELS, usual)
