"""The story of days 8 to 10: ten faults, and six things that look like one and must not be flagged."""

import numpy as np

from cemaphore.demo import catalogue
from cemaphore.demo.arrays import Bools, Ints, Stream, stream
from cemaphore.demo.city import ALWAYS_POOR, FAULTY_BAND, FAULTY_UPDATE, City
from cemaphore.demo.faults import Effect, Fault, lookup
from cemaphore.demo.load import Clock, Traffic
from cemaphore.demo.size import WorldSize
from records.kinds import CHANNELS

ACTIVITIES = ("browse", "order", "install", "pay", "query", "repair", "cancel")
BILLING_DAY, BILLING_HOURS = 9, (9.0, 21.0)
_CROWD = 600  # people at the event where the city has them


def at(day: int, hour: float) -> float:
    """Return the hours from the world's beginning to that hour of that day (the first day is 1)."""
    return (day - 1) * 24.0 + hour


def tell(world: WorldSize, city: City, traffic: Traffic, seed: int) -> tuple[Fault, ...]:
    """Return all faults, and the entries without effect that must not be flagged, in the order of their ids."""
    interference, transport, event = _places(world, city, traffic, seed)
    return (
        _interference(city, interference),
        _transport(city, transport),
        _event(world, city, event),
        *_core_and_servers(),
        *_devices(city),
        *_touchpoints(),
        *_decoys(world, city),
    )


def _places(world: WorldSize, city: City, traffic: Traffic, seed: int) -> tuple[Ints, Ints, Ints]:
    """Choose busy, disjoint places, so that a fault is felt by enough people at once."""
    rng = stream(seed, Stream.FAULTS)
    sites = city.sites
    busy = np.bincount(city.cells.site, traffic.expected(Clock(index=0, hour=11, weekend=False)))
    busy[sites.edge] = 0.0
    taken = np.zeros(world.sites, dtype=np.bool_)
    chosen: list[Ints] = []
    for count in (min(max(4, world.sites // 12), 8), min(max(5, world.sites // 9), 10), 1):
        groups = [sites.neighbours(centre, count) for centre in range(world.sites)]
        lte = np.array([catalogue.BANDS[band].rat == "lte" for band in sites.band])
        score = np.array([0.0 if taken[group].any() else busy[group].sum() for group in groups])
        if count == 1:
            score = np.where(lte, score, 0.0)
        best = np.argsort(-score, kind="stable")[: 1 if world.sites < 30 else 3]
        group = groups[int(rng.choice(best[score[best] > 0]))]
        taken[group] = True
        chosen.append(group)
    return chosen[0], chosen[1], chosen[2]


def _site_names(city: City, sites: Ints) -> tuple[str, ...]:
    return tuple(city.sites.name[site] for site in sites)


def _cells_of(city: City, sites: Ints) -> Bools:
    return np.isin(city.cells.site, sites)


def _interference(city: City, sites: Ints) -> Fault:
    cells = _cells_of(city, sites)
    return Fault(
        id="F01-interference", domain="ran_interference", dimension="network", over="sessions", topic="network",
        selector={"cell_id": tuple(city.cells.name[cell] for cell in np.flatnonzero(cells))},
        lookups={"cell": cells}, begins_h=at(8, 10), ends_h=at(8, 13), effect=Effect(noise_db=25.0),
    )  # fmt: skip


def _transport(city: City, sites: Ints) -> Fault:
    return Fault(
        id="F02-transport", domain="transport", dimension="network", over="sessions", topic="network",
        selector={"site_id": _site_names(city, sites)}, lookups={"cell": _cells_of(city, sites)},
        begins_h=at(8, 14.25), ends_h=at(8, 17.25),
        effect=Effect(rtt_ms=210.0, jitter_ms=45.0, loss=0.035, squeeze=1.6, access_failure=0.08),
    )  # fmt: skip


def _event(world: WorldSize, city: City, sites: Ints) -> Fault:
    return Fault(
        id="F03-event", domain="ran_capacity", dimension="network", over="sessions", topic="network",
        selector={"site_id": _site_names(city, sites)}, lookups={"cell": _cells_of(city, sites)},
        begins_h=at(8, 19), ends_h=at(8, 22),
        effect=Effect(load=1.6, crowd_share=min(0.12, _CROWD / world.users)),
    )  # fmt: skip


def _core_and_servers() -> tuple[Fault, ...]:
    app = next(index for index, app in enumerate(catalogue.APPS) if app.name == "taobao")
    servers = [server.name for server in catalogue.SERVERS]
    slow, down = servers.index("cloud-2"), servers.index("cdn-east")
    return (
        Fault(
            id="F04-core", domain="core", dimension="network", over="sessions", topic="network",
            selector={"core_node": (catalogue.CORE_NODES[1],)},
            lookups={"core": lookup(len(catalogue.CORE_NODES), [1])}, begins_h=at(9, 9.5), ends_h=at(9, 12),
            effect=Effect(rtt_ms=170.0, jitter_ms=35.0, loss=0.03, squeeze=1.4, access_failure=0.18),
        ),
        Fault(
            id="F05-app-server", domain="app", dimension="app", over="sessions", topic="app",
            selector={"app": ("taobao",), "server": (servers[slow],)},
            lookups={"app": lookup(len(catalogue.APPS), [app]), "server": lookup(len(servers), [slow])},
            begins_h=at(9, 19.5), ends_h=at(9, 22),
            effect=Effect(server_rtt_ms=120.0, think=2.3, server_failure=0.20),
        ),
        Fault(
            id="F06-server", domain="server", dimension="app", over="sessions", topic="app",
            selector={"server": (servers[down],)}, lookups={"server": lookup(len(servers), [down])},
            begins_h=at(10, 9), ends_h=at(10, 11.5),
            effect=Effect(server_rtt_ms=90.0, think=2.0, server_failure=0.38, dns_failure=0.05),
        ),
    )  # fmt: skip


def _devices(city: City) -> tuple[Fault, ...]:
    models = len(city.models.name)
    band = catalogue.LTE_1800.name
    return (
        Fault(
            id="F07-device-update", domain="device", dimension="device", over="sessions", topic="device",
            selector={"model": (city.models.name[FAULTY_UPDATE],)}, lookups={"model": lookup(models, [FAULTY_UPDATE])},
            begins_h=at(9, 13), ends_h=at(9, 18), effect=Effect(crash=0.36, render=1.1, decode_stalls=2.0),
        ),
        Fault(
            id="F08-device-band", domain="device", dimension="device", over="sessions", topic="device",
            selector={"model": (city.models.name[FAULTY_BAND],), "band": (band,)},
            lookups={"model": lookup(models, [FAULTY_BAND]), "band": lookup(len(catalogue.BANDS), [0])},
            begins_h=at(10, 17), ends_h=at(10, 20), effect=Effect(crash=0.42, render=0.4, squeeze=0.3),
        ),
    )  # fmt: skip


def _touchpoints() -> tuple[Fault, ...]:
    return (
        Fault(
            id="F09-hotline", domain="service_touchpoint", dimension="service", over="touchpoints", topic="service",
            selector={"channel": ("hotline",)}, lookups={"channel": _channel("hotline")},
            begins_h=at(9, 10), ends_h=at(9, 14), effect=Effect(wait=3.2, touch_failure=0.45, surge=3.0),
        ),
        Fault(
            id="F10-installation", domain="service_touchpoint", dimension="service", over="touchpoints",
            topic="installation", selector={"channel": ("field",), "activity": ("install",)},
            lookups={"channel": _channel("field"), "activity": _activity("install")},
            begins_h=at(10, 9), ends_h=at(10, 17), effect=Effect(wait=1.7, touch_failure=0.45, surge=3.0),
        ),
    )  # fmt: skip


def _decoys(world: WorldSize, city: City) -> tuple[Fault, ...]:
    end = float(world.hours)
    edge = np.flatnonzero(city.sites.edge)
    poor = city.models.name[ALWAYS_POOR]

    def decoy(name: str, domain: str, over: str, selector: dict[str, tuple[str, ...]], span: tuple[float, float],
              lookups: dict[str, Bools] | None = None) -> Fault:  # fmt: skip
        dimension = {"device": "device", "service_touchpoint": "service"}.get(domain, "network")
        return Fault(id=name, domain=domain, dimension=dimension, over=over, selector=selector, lookups=lookups or {},
                     begins_h=span[0], ends_h=span[1])  # fmt: skip

    return (
        decoy("N01-poor-model", "device", "sessions", {"model": (poor,)}, (0.0, end),
              {"model": lookup(len(city.models.name), [ALWAYS_POOR])}),
        decoy("N02-edge-cells", "ran_coverage", "sessions", {"site_id": _site_names(city, edge)}, (0.0, end),
              {"cell": _cells_of(city, edge)}),
        decoy("N03-weekend", "ran_capacity", "sessions", {}, (at(6, 0), at(8, 0))),
        decoy("N04-busy-hour", "ran_capacity", "sessions", {}, (at(10, 20), at(10, 22))),
        decoy("N05-billing-wave", "service_touchpoint", "complaints", {"category": ("billing",)},
              (at(BILLING_DAY, BILLING_HOURS[0]), at(BILLING_DAY, BILLING_HOURS[1]))),
        decoy("N06-probe-outage", "unknown", "sessions", {"source": (OUTAGE_PROBE,)}, OUTAGE_H),
    )  # fmt: skip


OUTAGE_PROBE = "probe-2"
OUTAGE_H = (at(10, 13), at(10, 15))


def _channel(name: str) -> Bools:
    return lookup(len(CHANNELS), [CHANNELS.index(name)])


def _activity(name: str) -> Bools:
    return lookup(len(ACTIVITIES), [ACTIVITIES.index(name)])
