"""The fixed names and figures of the demo world: apps, servers, bands, phones, plans (all `own`, invented)."""

from dataclasses import dataclass

CAUSES = ("", "rrc_fail", "radio_drop", "dns_timeout", "server_5xx", "device_crash")
OK, RRC_FAIL, RADIO_DROP, DNS_TIMEOUT, SERVER_5XX, DEVICE_CRASH = range(6)
SERVICES = ("web", "video", "voice", "gaming", "messaging", "file", "payment")
WEB, VIDEO, VOICE, GAMING, MESSAGING, FILE, PAYMENT = range(7)


@dataclass(frozen=True, kw_only=True)
class App:
    """An application: its service, share of sessions, server pools with their shares, and think time of a server."""

    name: str
    service: int
    share: float
    servers: tuple[int, ...]
    split: tuple[float, ...]
    think_ms: float


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server pool and its distance from the probe."""

    name: str
    rtt_ms: float


@dataclass(frozen=True, kw_only=True)
class Band:
    """A carrier: radio access, centre frequency, bandwidth, power per cell, antenna gain, layers, first-hop delay.

    Powers and gains are in the range of TR 36.942 and TR 38.901 macro sites; downlink share is the TDD pattern's.
    """

    name: str
    rat: str
    ghz: float
    mhz: float
    power_dbm: float
    gain_db: float
    layers: float
    downlink: float
    subcarriers: int
    base_ms: float


SERVERS = (
    Server(name="cdn-east", rtt_ms=9.0),
    Server(name="cdn-west", rtt_ms=18.0),
    Server(name="cloud-1", rtt_ms=12.0),
    Server(name="cloud-2", rtt_ms=22.0),
    Server(name="cloud-3", rtt_ms=28.0),
    Server(name="ims-1", rtt_ms=6.0),
)

APPS = (
    App(name="wechat", service=MESSAGING, share=0.17, servers=(2, 3), split=(0.55, 0.45), think_ms=60),
    App(name="douyin", service=VIDEO, share=0.16, servers=(0, 1), split=(0.6, 0.4), think_ms=50),
    App(name="taobao", service=WEB, share=0.17, servers=(3, 2), split=(0.7, 0.3), think_ms=70),
    App(name="xiaohongshu", service=WEB, share=0.10, servers=(4, 2), split=(0.65, 0.35), think_ms=70),
    App(name="baidu", service=WEB, share=0.08, servers=(2, 4), split=(0.5, 0.5), think_ms=55),
    App(name="bilibili", service=VIDEO, share=0.07, servers=(1, 0), split=(0.6, 0.4), think_ms=60),
    App(name="alipay", service=PAYMENT, share=0.06, servers=(2, 3), split=(0.6, 0.4), think_ms=90),
    App(name="volte", service=VOICE, share=0.06, servers=(5,), split=(1.0,), think_ms=250),
    App(name="honor-of-kings", service=GAMING, share=0.05, servers=(3, 4), split=(0.6, 0.4), think_ms=15),
    App(name="qq", service=MESSAGING, share=0.03, servers=(3, 2), split=(0.5, 0.5), think_ms=60),
    App(name="tencent-meeting", service=VOICE, share=0.03, servers=(2, 4), split=(0.5, 0.5), think_ms=120),
    App(name="baidu-netdisk", service=FILE, share=0.02, servers=(0, 4), split=(0.5, 0.5), think_ms=80),
)

LTE_1800 = Band(name="B3", rat="lte", ghz=1.8, mhz=20, power_dbm=46, gain_db=17, layers=1.6, downlink=1,
                subcarriers=1200, base_ms=24)  # fmt: skip
LTE_2100 = Band(name="B1", rat="lte", ghz=2.1, mhz=20, power_dbm=46, gain_db=17, layers=1.6, downlink=1,
                subcarriers=1200, base_ms=24)  # fmt: skip
LTE_900 = Band(name="B8", rat="lte", ghz=0.9, mhz=10, power_dbm=46, gain_db=15, layers=1.2, downlink=1,
               subcarriers=600, base_ms=26)  # fmt: skip
NR_3500 = Band(name="n78", rat="nr", ghz=3.5, mhz=100, power_dbm=53, gain_db=24, layers=2.2, downlink=0.7,
               subcarriers=3276, base_ms=12)  # fmt: skip
NR_2600 = Band(name="n41", rat="nr", ghz=2.6, mhz=60, power_dbm=51, gain_db=22, layers=2.0, downlink=0.7,
               subcarriers=1944, base_ms=13)  # fmt: skip
BANDS = (LTE_1800, LTE_2100, LTE_900, NR_3500, NR_2600)
# Bands of twenty sites in a row (indices into BANDS): half of them carry B3, which a band fault needs.
BAND_PATTERN = (0, 3, 0, 4, 0, 1, 0, 3, 0, 0, 3, 0, 4, 0, 1, 0, 3, 0, 4, 0)
EDGE_BAND = 2

CORE_NODES = ("upf-1", "upf-2", "upf-3")
CORE_SHARES = (0.45, 0.33, 0.22)
PROBES = ("probe-1", "probe-1", "probe-2")  # the probe that sits at each core node

BRANDS = ("Huawei", "Xiaomi", "OPPO", "vivo", "Apple", "Honor", "Samsung", "realme")
SERIES = ("Nova", "Mi", "Reno", "X", "iPhone", "Magic", "Galaxy", "GT")

PLANS = ("basic-39", "standard-79", "5g-129", "5g-199", "family-239", "business-299")
PLAN_SHARES = (0.25, 0.30, 0.20, 0.08, 0.12, 0.05)
PLAN_FEES = (39.0, 79.0, 129.0, 199.0, 239.0, 299.0)
SEGMENTS = ("student", "worker", "family", "senior", "business")
SEGMENT_SHARES = (0.15, 0.40, 0.25, 0.12, 0.08)
REGIONS = ("north-east", "north-west", "south-west", "south-east")
VENDORS = ("vendor-a", "vendor-b")
CITY_NAME = "Demo City"

VIDEO_LADDER = ((300, 240), (700, 360), (1200, 480), (2500, 720), (4500, 1080))  # kbit/s, lines
