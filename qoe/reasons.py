"""Why a session is as it is: codes with figures, from what each segment cost it; catalogues make sentences of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qoe.catalogue import SEGMENTS, QualityCatalogue, Reference
from qoe.demarcation import Demarcation, Evidence
from qoe.indices import NETWORK
from qoe.model import Columns
from qoe.segments import Usual, beyond_reference, numbers, target
from records.kinds import SERVICES

_DEVICE, _RADIO, _CORE, _SERVER = range(len(SEGMENTS))

# All own. Less is not worth a sentence; so little lost needs no reason.
LEAST_POINTS = 1.0
GOOD_BELOW = 5.0
# "Not the network" needs a loss worth asking about and at least so many network measurements, none beyond reference.
ASKED_FROM = 20.0
LEAST_MEASURED = 3
# Weak where LTE planning calls coverage poor (TS 38.133 reports down to -156); noisy although strong: interference.
WEAK_RSRP_DBM = -110.0
NOISY_SINR_DB = 0.0

_RESIDUAL = ("unexplained", "failed.unknown")  # what is left when all else was said

# Every code that can come out; `reason.CODE` is its message.
CODES = (
    *(f"radio.{name}" for name in ("rtt_client_ms", "loss_dl", "loss_ul", "jitter_ms")),
    *(f"radio.{name}" for name in ("throughput_dl_kbps", "throughput_ul_kbps", "weak_signal", "interference")),
    *(f"server_app.{name}" for name in ("rtt_server_ms", "dns_ms", "tls_ms", "ttfb_ms")),
    *("transport_core.node", "device.shortfall", "unexplained", "not_network", "not_enough_data", "good"),
    *(f"failed.{name}" for name in (*SEGMENTS, "unknown")),
    *(f"contribution.{name}" for name in ("network", "device", "app", "service", "prior")),
)


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One reason: its code, the points of quality that it cost, and the figures that its sentence names."""

    code: str
    points: float
    parameters: Mapping[str, float | str]


def session_reasons(
    columns: Columns,
    evidence: Evidence,
    found: Demarcation,
    catalogue: QualityCatalogue,
    usual: Usual | None = None,
) -> list[tuple[Reason, ...]]:
    """The reasons of each session, the costliest first, what nothing explains last; for few sessions, not an hour's.

    A segment's points are told apart by its measurements, in proportion to how far each is beyond its reference.
    """
    return [_of_row(row, columns, evidence, found, catalogue, usual) for row in range(len(evidence.q))]


def _of_row(
    row: int,
    columns: Columns,
    evidence: Evidence,
    found: Demarcation,
    catalogue: QualityCatalogue,
    usual: Usual | None,
) -> tuple[Reason, ...]:
    if np.isnan(evidence.q[row]):
        return (_reason("not_enough_data", 0.0),)
    lost = 100.0 - float(evidence.q[row])
    if lost < GOOD_BELOW:
        return (_reason("good", lost, lost=lost),)
    if evidence.failed[row]:
        return _failure(row, evidence, found)
    at = np.array([row])
    references = catalogue.services[SERVICES[int(columns["service"][row])]].references
    beyond = beyond_reference(columns, at, references, usual)
    made = [*_measured(at, columns, references, beyond, found, usual), *_rest(row, found)]
    made = _ordered(reason for reason in made if reason.points >= LEAST_POINTS)
    network = found.points[_RADIO, row] + found.points[_CORE, row]
    if network >= LEAST_POINTS:
        made += _signal(at, columns)
    if lost >= ASKED_FROM and not evidence.excess.value[NETWORK, row] and _seen(at, columns, references):
        made.append(_reason("not_network", 0.0))
    return tuple(made)


def _measured(
    at: np.ndarray,
    columns: Columns,
    references: Sequence[Reference],
    beyond: Mapping[str, np.ndarray],
    found: Demarcation,
    usual: Usual | None,
) -> Iterable[Reason]:
    """A reason for each measurement beyond its reference: radio's and the server's."""
    for place, segment in ((_RADIO, "radio"), (_SERVER, "server_app")):
        own = [item for item in references if item.segment == segment and beyond.get(item.column, 0.0) > 0]
        scales = {item.column: float(beyond[item.column][0]) / item.scale for item in own}
        for item in own:
            yield _reason(
                f"{segment}.{item.column}",
                float(found.points[place, at[0]]) * scales[item.column] / sum(scales.values()),
                value=float(numbers(columns, at, item.column)[0]),
                reference=float(np.ravel(target(item, at, usual))[0]),
            )


def _rest(row: int, found: Demarcation) -> Iterable[Reason]:
    yield _reason("transport_core.node", float(found.points[_CORE, row]))
    yield _reason("device.shortfall", float(found.points[_DEVICE, row]))
    yield _reason("unexplained", float(found.unexplained[row]))


def _failure(row: int, evidence: Evidence, found: Demarcation) -> tuple[Reason, ...]:
    made = [
        _reason(f"failed.{name}", float(points))
        for name, points in zip(SEGMENTS, found.points[:, row].tolist(), strict=True)
    ]
    made.append(_reason("failed.unknown", float(found.unexplained[row])))
    return tuple(_ordered(one for one in made if one.points >= LEAST_POINTS))


def _signal(at: np.ndarray, columns: Columns) -> list[Reason]:
    """What the signal says of a network that costs points; it has no points of its own."""
    rsrp, sinr = (float(numbers(columns, at, name)[0]) for name in ("rsrp_dbm", "sinr_db"))
    if rsrp < WEAK_RSRP_DBM:
        return [_reason("radio.weak_signal", 0.0, value=rsrp, reference=WEAK_RSRP_DBM)]
    if sinr < NOISY_SINR_DB:
        return [_reason("radio.interference", 0.0, value=sinr, reference=NOISY_SINR_DB)]
    return []


def _seen(at: np.ndarray, columns: Columns, references: Sequence[Reference]) -> bool:
    """Whether enough of the network was measured to clear it."""
    network = [item.column for item in references if item.segment == "radio"]
    return sum(not np.isnan(numbers(columns, at, name)[0]) for name in network) >= LEAST_MEASURED


def top_reasons(sessions: Iterable[Sequence[Reason]], most: int = 5) -> list[Reason]:
    """The codes that cost most over many sessions: points summed, `sessions` counted, figures of the costliest one."""
    by_code: dict[str, list[Reason]] = {}
    for reasons in sessions:
        for reason in reasons:
            by_code.setdefault(reason.code, []).append(reason)
    made = [
        _reason(
            code,
            sum(one.points for one in ones),
            **dict(max(ones, key=lambda one: one.points).parameters),
            sessions=float(len(ones)),
        )
        for code, ones in by_code.items()
        if code not in ("good", "not_network")
    ]
    return _ordered(made)[:most]


def _ordered(reasons: Iterable[Reason]) -> list[Reason]:
    return sorted(reasons, key=lambda reason: (reason.code in _RESIDUAL, -reason.points))


def _reason(code: str, points: float, **parameters: float | str) -> Reason:
    return Reason(code=code, points=points, parameters=parameters)
