"""The demarcation of the sessions of a frame: what the cores need of it, put together."""

import numpy as np

from cemaphore.pipeline.frame import FrameContext, SessionFrame
from qoe.company import Company, Compared, compared
from qoe.demarcation import Demarcation, Evidence, demarcate
from qoe.indices import NETWORK
from qoe.peers import Setting
from qoe.segments import Excess, Usual, segment_excess


def session_demarcation(
    frame: SessionFrame, context: FrameContext, usual: Usual | None = None, beside: Compared | None = None
) -> Demarcation:
    """Points lost by segment for every session of a frame, against the catalogue's references or what is `usual`.

    Devices and core nodes are compared within the frame: give it all sessions of an hour, at least; or of a part of an
    hour, with what all parts together say in `beside`.
    """
    evidence = session_evidence(frame, context, usual, beside)
    return demarcate(frame.columns, evidence, context.catalogue, context.models, usual)


def session_evidence(
    frame: SessionFrame, context: FrameContext, usual: Usual | None = None, beside: Compared | None = None
) -> Evidence:
    """What the sessions of a frame say of each other: excess, failures, and devices and nodes against others."""
    excess = segment_excess(frame.columns, context.catalogue, usual)
    mine = _company(frame, excess)
    found = beside or compared(mine)
    return Evidence(
        q=frame.q,
        failed=mine.failed,
        cause=frame.cause_segment,
        excess=excess,
        terminal=found.terminal,
        core_part=found.core_part,
        core_fault=found.core_fault,
    )


def session_company(frame: SessionFrame, context: FrameContext) -> Company:
    """What the sessions of a part of an hour are compared by with those of all parts."""
    return _company(frame, segment_excess(frame.columns, context.catalogue))


def _company(frame: SessionFrame, excess: Excess) -> Company:
    place = {name: frame.attributes[name] for name in ("model", "app", "cell", "region", "service", "band")}
    return Company(
        subscriber_key=frame.subscriber_key,
        start_us=frame.start_us,
        setting=Setting(**place),
        core_node=frame.attributes["core_node"],
        q=frame.q,
        failed=np.asarray((frame.columns["success"] == 0) | (frame.columns["dropped"] == 1)),
        cause=frame.cause_segment,
        excess=excess.value[NETWORK].copy(),  # a view would keep all three rows
    )
