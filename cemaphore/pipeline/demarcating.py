"""The demarcation of the sessions of a frame: what the cores need of it, put together."""

import numpy as np

from cemaphore.pipeline.frame import FrameContext, SessionFrame
from qoe.catalogue import SEGMENTS
from qoe.demarcation import Demarcation, Evidence, demarcate
from qoe.indices import NETWORK
from qoe.peers import Setting, compare, shared_fault, shared_part
from qoe.segments import Usual, segment_excess


def session_demarcation(frame: SessionFrame, context: FrameContext, usual: Usual | None = None) -> Demarcation:
    """Points lost by segment for every session of a frame, against the catalogue's references or what is `usual`.

    Devices and core nodes are compared within the frame: give it all sessions of an hour, at least.
    """
    evidence = session_evidence(frame, context, usual)
    return demarcate(frame.columns, evidence, context.catalogue, context.models, usual)


def session_evidence(frame: SessionFrame, context: FrameContext, usual: Usual | None = None) -> Evidence:
    """What the sessions of a frame say of each other: excess, failures, and devices and nodes against others."""
    place = {name: frame.attributes[name] for name in ("model", "app", "cell", "region", "service", "band")}
    failed = np.asarray((frame.columns["success"] == 0) | (frame.columns["dropped"] == 1))
    excess = segment_excess(frame.columns, context.catalogue, usual)
    node = (frame.attributes["core_node"], place["cell"], place["region"])
    return Evidence(
        q=frame.q,
        failed=failed,
        cause=frame.cause_segment,
        excess=excess,
        terminal=compare(Setting(**place), frame.q, failed),
        core_part=shared_part(*node, excess.value[NETWORK]),
        core_fault=shared_fault(*node, failed & (frame.cause_segment == SEGMENTS.index("radio"))),
    )
