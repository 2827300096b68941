"""The record kinds of the input contract: their columns, units, limits, identity and what a second delivery means."""

from dataclasses import dataclass
from enum import StrEnum

SERVICES = ("web", "video", "voice", "gaming", "messaging", "file", "payment")
ACCESSES = ("nr", "lte", "umts", "gsm", "wlan", "fixed")
SCREENS = ("handheld", "pc")
VIDEO_CODECS = ("h264", "hevc", "vp9", "av1")
VOICE_CODECS = ("g711", "amr", "amr-wb", "evs")
SUBSCRIBER_KINDS = ("imsi", "msisdn", "account")
CHANNELS = ("hotline", "ivr", "store", "web", "app", "sms", "wechat", "field")
STAGES = ("consider", "order", "use", "after_sales")
SURVEY_KINDS = ("nps", "csat", "ces")

_MAX_INT4 = 2**31 - 1
_MAX_INT8 = 2**63 - 1


class ColumnType(StrEnum):
    """How a column is read and stored."""

    TEXT = "text"  # stored as it is
    SUBSCRIBER = "subscriber"  # an identifier: replaced by its random token before anything is written
    LABEL = "label"  # a name out of a bounded set: stored as its number in the label dictionary
    DIGITS8 = "digits8"  # a type allocation code: eight digits, stored as an integer
    INTEGER = "integer"
    REAL = "real"
    TIMESTAMP = "timestamp"  # ISO 8601 with an offset, stored as UTC
    BOOLEAN = "boolean"
    INTEGERS = "integers"  # a list; in CSV with ';' between


class Redelivery(StrEnum):
    """What a second delivery of the same identity means."""

    IGNORE = "ignore"  # the first one stands
    SUPERSEDE = "supersede"  # all versions are kept, the current one has the greatest (version time, arrival)


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a record kind; `lo` and `hi` are inclusive limits in `unit`."""

    name: str
    type: ColumnType
    required: bool = False
    unit: str = ""
    lo: float | None = None
    hi: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of record: its columns, what identifies a record, and what its second delivery means."""

    name: str
    table: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    redelivery: Redelivery
    event_time: str | None
    version_time: str | None = None

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns without which a record is quarantined."""
        return tuple(column.name for column in self.columns if column.required)


def _text(name: str, required: bool = False) -> Column:
    return Column(name=name, type=ColumnType.TEXT, required=required)


def _label(name: str, *choices: str, required: bool = False) -> Column:
    return Column(name=name, type=ColumnType.LABEL, required=required, choices=choices)


def _time(name: str, required: bool = False) -> Column:
    return Column(name=name, type=ColumnType.TIMESTAMP, required=required)


def _whole(
    name: str, unit: str = "", lo: float | None = 0, hi: float | None = _MAX_INT4, required: bool = False
) -> Column:
    return Column(name=name, type=ColumnType.INTEGER, unit=unit, lo=lo, hi=hi, required=required)


def _real(name: str, unit: str = "", lo: float | None = 0, hi: float | None = None, required: bool = False) -> Column:
    return Column(name=name, type=ColumnType.REAL, unit=unit, lo=lo, hi=hi, required=required)


def _flag(name: str, required: bool = False) -> Column:
    return Column(name=name, type=ColumnType.BOOLEAN, required=required)


def _subscriber() -> Column:
    return Column(name="subscriber_id", type=ColumnType.SUBSCRIBER, required=True)


def _position() -> tuple[Column, Column]:
    return _real("lat", "degree", -90, 90), _real("lon", "degree", -180, 180)


SESSIONS = Kind(
    name="sessions",
    table="session",
    identity=("subscriber_id", "start_time", "source", "session_id"),
    redelivery=Redelivery.IGNORE,
    event_time="start_time",
    columns=(
        _text("session_id", required=True),
        _text("source"),
        _time("start_time", required=True),
        _whole("duration_ms", "ms"),
        _subscriber(),
        _label("subscriber_kind", *SUBSCRIBER_KINDS),
        Column(name="tac", type=ColumnType.DIGITS8),
        _label("cell_id"),
        _label("access", *ACCESSES),
        _label("access_node"),
        _label("screen", *SCREENS),
        _label("service", *SERVICES, required=True),
        _label("app"),
        _label("server"),
        _label("core_node"),
        _label("plan"),
        _flag("success", required=True),
        _label("failure_cause"),
        _whole("bytes_dl", "byte", hi=_MAX_INT8),
        _whole("bytes_ul", "byte", hi=_MAX_INT8),
        _real("throughput_dl_kbps", "kbit/s"),
        _real("throughput_ul_kbps", "kbit/s"),
        _real("rtt_client_ms", "ms"),
        _real("rtt_server_ms", "ms"),
        _real("loss_dl", "ratio", 0, 1),
        _real("loss_ul", "ratio", 0, 1),
        _real("jitter_ms", "ms"),
        _real("dns_ms", "ms"),
        _real("connect_ms", "ms"),
        _real("tls_ms", "ms"),
        _real("ttfb_ms", "ms"),
        _real("page_load_ms", "ms"),
        _real("startup_ms", "ms"),
        _real("stall_count", "1"),
        _real("stall_ms", "ms"),
        _real("play_ms", "ms"),
        Column(name="stall_at_ms", type=ColumnType.INTEGERS, unit="ms", lo=0, hi=_MAX_INT4),
        _real("video_kbps", "kbit/s"),
        _real("video_fps", "1/s"),
        _real("video_height", "pixel"),
        _label("video_codec", *VIDEO_CODECS),
        _real("audio_kbps", "kbit/s"),
        _label("voice_codec", *VOICE_CODECS),
        _real("voice_kbps", "kbit/s"),
        _real("setup_ms", "ms"),
        _real("delay_ms", "ms"),
        _flag("dropped"),
        _real("deliver_ms", "ms"),
        _real("rsrp_dbm", "dBm", -200, 0),
        _real("sinr_db", "dB", -50, 80),
    ),
)

COUNTERS = Kind(
    name="counters",
    table="counter",
    identity=("source", "object_id", "counter", "time", "period_s"),
    redelivery=Redelivery.SUPERSEDE,
    event_time="time",
    columns=(
        _time("time", required=True),
        _whole("period_s", "s", lo=1, required=True),
        _label("object_id", required=True),
        _label("counter", required=True),
        _real("value", lo=None),
        _flag("suspect"),
    ),
)

CELLS = Kind(
    name="cells",
    table="cell",
    identity=("cell_id", "valid_from"),
    redelivery=Redelivery.SUPERSEDE,
    event_time=None,
    columns=(
        _label("cell_id", required=True),
        _label("site_id"),
        _label("rat", *ACCESSES),
        _label("band"),
        *_position(),
        _real("azimuth_deg", "degree", 0, 360),
        _label("vendor"),
        _label("region"),
        _label("city"),
        _label("object_id"),
        _time("valid_from"),
    ),
)

DEVICES = Kind(
    name="devices",
    table="device",
    identity=("tac", "valid_from"),
    redelivery=Redelivery.SUPERSEDE,
    event_time=None,
    columns=(
        Column(name="tac", type=ColumnType.DIGITS8, required=True),
        _label("brand"),
        _label("model"),
        _label("os"),
        _label("max_rat", *ACCESSES),
        _whole("release_year", "year", 1980, 2100),
        _time("valid_from"),
    ),
)

SUBSCRIBERS = Kind(
    name="subscribers",
    table="subscriber",
    identity=("subscriber_id", "valid_from"),
    redelivery=Redelivery.SUPERSEDE,
    event_time=None,
    columns=(
        _subscriber(),
        _label("plan"),
        _label("segment"),
        _label("status"),
        _whole("tenure_months", "month"),
        _real("arpu", "currency/month", lo=None),
        _label("vip_level"),
        _whole("birth_year", "year", 1880, 2100),
        _label("gender"),
        _label("home_cell"),
        _flag("consent"),
        _time("valid_from"),
    ),
)

ACCESS_NODES = Kind(
    name="access_nodes",
    table="access_node",
    identity=("access_node", "valid_from"),
    redelivery=Redelivery.SUPERSEDE,
    event_time=None,
    columns=(
        _label("access_node", required=True),
        _label("kind"),
        _label("site_id"),
        *_position(),
        _label("region"),
        _time("valid_from"),
    ),
)

IDENTITIES = Kind(
    name="identities",
    table="identity",
    identity=("subscriber_id", "kind", "value", "valid_from"),
    redelivery=Redelivery.SUPERSEDE,
    event_time=None,
    columns=(
        _subscriber(),
        _label("kind", required=True),
        Column(name="value", type=ColumnType.SUBSCRIBER, required=True),
        _time("valid_from"),
    ),
)

COMPLAINTS = Kind(
    name="complaints",
    table="complaint",
    identity=("source", "complaint_id"),
    redelivery=Redelivery.SUPERSEDE,
    event_time="created_at",
    version_time="updated_at",
    columns=(
        _text("complaint_id", required=True),
        _time("created_at", required=True),
        _subscriber(),
        _label("channel"),
        _label("category"),
        _text("text"),
        _label("cell_id"),
        *_position(),
        _label("app"),
        _label("status"),
        _time("resolved_at"),
        _time("updated_at"),
        _whole("satisfaction", lo=1, hi=5),
    ),
)

TOUCHPOINTS = Kind(
    name="touchpoints",
    table="touchpoint",
    identity=("subscriber_id", "time", "source", "event_id"),
    redelivery=Redelivery.IGNORE,
    event_time="time",
    columns=(
        _text("event_id", required=True),
        _time("time", required=True),
        _subscriber(),
        _label("channel", *CHANNELS),
        _label("activity"),
        _label("stage", *STAGES),
        _real("wait_s", "s"),
        _real("handle_s", "s"),
        _flag("success"),
        _whole("transfers"),
        _whole("rating", lo=1, hi=5),
        _label("product"),
        _label("campaign"),
    ),
)

SURVEYS = Kind(
    name="surveys",
    table="survey",
    identity=("subscriber_id", "time", "source", "survey_id"),
    redelivery=Redelivery.IGNORE,
    event_time="time",
    columns=(
        _text("survey_id", required=True),
        _time("time", required=True),
        _subscriber(),
        _label("kind", *SURVEY_KINDS, required=True),
        _real("score", lo=0, hi=10, required=True),
        _text("text"),
    ),
)

KINDS = {
    kind.name: kind
    for kind in (
        SESSIONS,
        COUNTERS,
        CELLS,
        DEVICES,
        SUBSCRIBERS,
        ACCESS_NODES,
        IDENTITIES,
        COMPLAINTS,
        TOUCHPOINTS,
        SURVEYS,
    )
}
