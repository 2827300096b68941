"""What a probe measures of each session: link, delays, loss, rate, and whether and why it failed."""

from dataclasses import dataclass

import numpy as np

from cemaphore.demo import catalogue
from cemaphore.demo.arrays import Floats, Ints, sigmoid
from cemaphore.demo.city import City
from cemaphore.demo.drawing import APPS, Drawn
from cemaphore.demo.faults import Impairment
from cemaphore.demo.radio import link

_MATHIS_KBIT = 11.68 * 1.22  # segment of 1,460 byte times the constant of Mathis et al. 1997
_FLOWS = 6.0  # parallel connections of a browser or player (own)
_CORE_MS = (1.0, 2.0, 3.0)  # one way and back from the site to each core node (own)
# Columns of `Drawn.normals`, one per quantity so that a fault moves only what it touches.
_Z_RATE, _Z_RTT, _Z_SERVER, _Z_LOSS, _Z_JITTER, _Z_UPLINK = range(6)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Segment measurements of each session; `cause` indexes `catalogue.CAUSES`, 0 is success."""

    rsrp_dbm: Floats
    sinr_db: Floats
    rate_kbps: Floats
    uplink_kbps: Floats
    rtt_client_ms: Floats
    rtt_server_ms: Floats
    loss_dl: Floats
    loss_ul: Floats
    jitter_ms: Floats
    think_ms: Floats
    render: Floats
    decode_stalls: Floats
    cause: Ints


def measure(city: City, drawn: Drawn, harm: Impairment) -> Measured:
    """Return what the probe sees of those sessions under those impairments."""
    z = drawn.normals
    radio = link(
        city.cells,
        drawn.cell,
        drawn.distance_m,
        drawn.angle_deg,
        drawn.loss_db,
        drawn.offered + harm.load,
        harm.noise_db,
    )
    retransmitting = sigmoid(-(radio.sinr_db + 1.0) / 2.5)
    queue_ms = radio.queue_ms + 30.0 * retransmitting
    rtt_client = (city.cells.base_ms[drawn.cell] + np.array(_CORE_MS)[drawn.core] + queue_ms) * np.exp(
        0.18 * z[:, _Z_RTT]
    ) + harm.rtt_ms * np.exp(0.15 * z[:, _Z_RTT])
    rtt_server = (APPS.server_rtt_ms[drawn.server] + harm.server_rtt_ms) * np.exp(0.2 * z[:, _Z_SERVER])
    loss = (0.0004 + 0.012 * retransmitting + 0.015 * radio.overload + harm.loss) * np.exp(0.5 * z[:, _Z_LOSS])
    loss = np.minimum(loss, 0.5)
    jitter = (2.0 + 0.12 * queue_ms + harm.jitter_ms) * np.exp(0.4 * z[:, _Z_JITTER])
    congestion = _FLOWS * _MATHIS_KBIT / (rtt_client / 1_000.0) / np.sqrt(loss)
    share = radio.capacity_kbps * np.exp(0.45 * z[:, _Z_RATE] - harm.squeeze)
    rate = np.minimum(np.minimum(share, congestion), city.models.cap_kbps[drawn.model])
    return Measured(
        rsrp_dbm=radio.rsrp_dbm,
        sinr_db=radio.sinr_db,
        rate_kbps=np.maximum(rate, 16.0),
        uplink_kbps=np.maximum(0.2 * rate * np.exp(0.3 * z[:, _Z_UPLINK]), 8.0),
        rtt_client_ms=rtt_client,
        rtt_server_ms=rtt_server,
        loss_dl=loss,
        loss_ul=np.minimum(0.7 * loss, 0.5),
        jitter_ms=jitter,
        think_ms=APPS.think_ms[drawn.app] * np.exp(0.35 * z[:, _Z_SERVER] + harm.think),
        render=city.models.render[drawn.model] * np.exp(harm.render),
        decode_stalls=harm.decode_stalls,
        cause=_cause(
            drawn,
            radio.access_failure + harm.access_failure,
            radio.drop,
            harm,
            city.models.crash[drawn.model],
        ),
    )


def _cause(drawn: Drawn, access: Floats, drop: Floats, harm: Impairment, crash: Floats) -> Ints:
    """Return the first thing that went wrong; each has its own number, so that a fault adds only its own kind."""
    u = drawn.uniforms
    count = drawn.count
    trials = (
        (catalogue.RRC_FAIL, u[:, 0] < access),
        (catalogue.DNS_TIMEOUT, u[:, 1] < 0.001 + harm.dns_failure),
        (catalogue.SERVER_5XX, u[:, 2] < 0.004 + harm.server_failure),
        (catalogue.RADIO_DROP, u[:, 3] < drop),
        (catalogue.DEVICE_CRASH, u[:, 4] < crash + harm.crash),
    )
    return np.select([hit for _, hit in trials], [np.full(count, code) for code, _ in trials], catalogue.OK)
