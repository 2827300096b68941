"""The record kinds of the input contract: their columns, units, limits, identity and what a second delivery means."""

from records.columns import MAX_INT4, MAX_INT8, flag, label, position, real, subscriber, text, time, whole
from records.columns import Column as Column
from records.columns import ColumnType as ColumnType
from records.columns import Kind as Kind
from records.columns import Redelivery as Redelivery

SERVICES = ("web", "video", "voice", "gaming", "messaging", "file", "payment")
ACCESSES = ("nr", "lte", "umts", "gsm", "wlan", "fixed")
SCREENS = ("handheld", "pc")
VIDEO_CODECS = ("h264", "hevc", "vp9", "av1")
VOICE_CODECS = ("g711", "amr", "amr-wb", "evs")
SUBSCRIBER_KINDS = ("imsi", "msisdn", "account")
CHANNELS = ("hotline", "ivr", "store", "web", "app", "sms", "wechat", "field")
STAGES = ("consider", "order", "use", "after_sales")
SURVEY_KINDS = ("nps", "csat", "ces")
SEVERITIES = ("critical", "major", "minor", "warning", "indeterminate", "cleared")  # ITU-T X.733 8.1.2.3


SESSIONS = Kind(
    name="sessions",
    table="session",
    identity=("subscriber_id", "start_time", "source", "session_id"),
    redelivery=Redelivery.IGNORE,
    event_time="start_time",
    columns=(
        text("session_id", required=True),
        text("source"),
        time("start_time", required=True),
        whole("duration_ms", "ms"),
        subscriber(),
        label("subscriber_kind", *SUBSCRIBER_KINDS),
        Column(name="tac", type=ColumnType.DIGITS8),
        label("cell_id"),
        label("access", *ACCESSES),
        label("access_node"),
        label("screen", *SCREENS),
        label("service", *SERVICES, required=True),
        label("app"),
        label("server"),
        label("core_node"),
        label("plan"),
        flag("success", required=True),
        label("failure_cause"),
        whole("bytes_dl", "byte", hi=MAX_INT8),
        whole("bytes_ul", "byte", hi=MAX_INT8),
        real("throughput_dl_kbps", "kbit/s"),
        real("throughput_ul_kbps", "kbit/s"),
        real("rtt_client_ms", "ms"),
        real("rtt_server_ms", "ms"),
        real("loss_dl", "ratio", 0, 1),
        real("loss_ul", "ratio", 0, 1),
        real("jitter_ms", "ms"),
        real("dns_ms", "ms"),
        real("connect_ms", "ms"),
        real("tls_ms", "ms"),
        real("ttfb_ms", "ms"),
        real("page_load_ms", "ms"),
        real("startup_ms", "ms"),
        real("stall_count", "1"),
        real("stall_ms", "ms"),
        real("play_ms", "ms"),
        Column(name="stall_at_ms", type=ColumnType.INTEGERS, unit="ms", lo=0, hi=MAX_INT4),
        real("video_kbps", "kbit/s"),
        real("video_fps", "1/s"),
        real("video_height", "pixel"),
        label("video_codec", *VIDEO_CODECS),
        real("audio_kbps", "kbit/s"),
        label("voice_codec", *VOICE_CODECS),
        real("voice_kbps", "kbit/s"),
        real("setup_ms", "ms"),
        real("delay_ms", "ms"),
        flag("dropped"),
        real("deliver_ms", "ms"),
        real("rsrp_dbm", "dBm", -200, 0),
        real("sinr_db", "dB", -50, 80),
    ),
)

COUNTERS = Kind(
    name="counters",
    table="counter",
    identity=("source", "object_id", "counter", "time", "period_s"),
    redelivery=Redelivery.SUPERSEDE,
    event_time="time",
    columns=(
        time("time", required=True),
        whole("period_s", "s", lo=1, required=True),
        label("object_id", required=True),
        label("counter", required=True),
        real("value", lo=None),
        flag("suspect"),
    ),
)

CELLS = Kind(
    name="cells",
    table="cell",
    identity=("cell_id", "valid_from"),
    redelivery=Redelivery.SUPERSEDE,
    event_time=None,
    columns=(
        label("cell_id", required=True),
        label("site_id"),
        label("rat", *ACCESSES),
        label("band"),
        *position(),
        real("azimuth_deg", "degree", 0, 360),
        real("beamwidth_deg", "degree", 1, 360),
        label("vendor"),
        label("region"),
        label("city"),
        label("object_id"),
        time("valid_from"),
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
        label("brand"),
        label("model"),
        label("os"),
        label("max_rat", *ACCESSES),
        whole("release_year", "year", 1980, 2100),
        time("valid_from"),
    ),
)

SUBSCRIBERS = Kind(
    name="subscribers",
    table="subscriber",
    identity=("subscriber_id", "valid_from"),
    redelivery=Redelivery.SUPERSEDE,
    event_time=None,
    columns=(
        subscriber(),
        label("plan"),
        label("segment"),
        label("status"),
        whole("tenure_months", "month"),
        real("arpu", "currency/month", lo=None),
        label("vip_level"),
        whole("birth_year", "year", 1880, 2100),
        label("gender"),
        label("home_cell"),
        flag("consent"),
        time("valid_from"),
    ),
)

ACCESS_NODES = Kind(
    name="access_nodes",
    table="access_node",
    identity=("access_node", "valid_from"),
    redelivery=Redelivery.SUPERSEDE,
    event_time=None,
    columns=(
        label("access_node", required=True),
        label("kind"),
        label("site_id"),
        *position(),
        label("region"),
        time("valid_from"),
    ),
)

IDENTITIES = Kind(
    name="identities",
    table="identity",
    identity=("subscriber_id", "kind", "value", "valid_from"),
    redelivery=Redelivery.SUPERSEDE,
    event_time=None,
    columns=(
        subscriber(),
        label("kind", required=True),
        Column(name="value", type=ColumnType.SUBSCRIBER, required=True),
        time("valid_from"),
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
        text("complaint_id", required=True),
        time("created_at", required=True),
        subscriber(),
        label("channel"),
        label("category"),
        text("text"),
        label("cell_id"),
        *position(),
        label("app"),
        label("status"),
        time("resolved_at"),
        time("updated_at"),
        whole("satisfaction", lo=1, hi=5),
    ),
)

TOUCHPOINTS = Kind(
    name="touchpoints",
    table="touchpoint",
    identity=("subscriber_id", "time", "source", "event_id"),
    redelivery=Redelivery.IGNORE,
    event_time="time",
    columns=(
        text("event_id", required=True),
        time("time", required=True),
        subscriber(),
        label("channel", *CHANNELS),
        label("activity"),
        label("stage", *STAGES),
        real("wait_s", "s"),
        real("handle_s", "s"),
        flag("success"),
        whole("transfers"),
        whole("rating", lo=1, hi=5),
        label("product"),
        label("campaign"),
    ),
)

SURVEYS = Kind(
    name="surveys",
    table="survey",
    identity=("subscriber_id", "time", "source", "survey_id"),
    redelivery=Redelivery.IGNORE,
    event_time="time",
    columns=(
        text("survey_id", required=True),
        time("time", required=True),
        subscriber(),
        label("kind", *SURVEY_KINDS, required=True),
        real("score", lo=0, hi=10, required=True),
        text("text"),
    ),
)

ALARMS = Kind(
    name="alarms",
    table="alarm",
    identity=("source", "time", "object_id", "event_id", "severity"),
    redelivery=Redelivery.IGNORE,
    event_time="time",
    columns=(
        text("event_id", required=True),
        time("time", required=True),
        label("object_id", required=True),
        text("alarm_id", required=True),
        label("severity", *SEVERITIES, required=True),
        flag("cleared", required=True),
        label("alarm_condition"),
        text("specific_problem"),
        label("alarm_type"),
        label("object_type"),
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
        ALARMS,
    )
}
