"""A demo city grown to the size of an operator inside its database: real rows copied to other people, cells and apps.

A copy differs from its row in whose and where it is, so every row has the shape of one that the program made. Each
place, app and device model gets its own fans of copies; what counts users or sessions is multiplied by what is left.
"""

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from psycopg import sql

from bench.pairs import tell
from store.connection import Connection, connect

STEP = 1000  # between the numbers of a label and of its next copy
# How many copies there are of each place and thing: of the fast city's 60 cells 3,000, of its 12 models 300.
FANS = {"cell": 50, "site": 50, "object": 50, "app": 25, "model": 25, "server": 25, "region": 10, "core_node": 5}
CLUSTERS = 25
COMPLAINTS_OF = 11  # of one in so many people: the fast city's complain ten times as often as an operator's (own)
TOUCHPOINTS_OF = 5  # likewise
_TAC_STEP = 80_000_000
_KINDS = {"cell_id": "cell", "home_cell": "cell", "site_id": "site", "object_id": "object",
          **{name: name for name in ("app", "model", "server", "region", "core_node")}}  # fmt: skip
_SELECTED = {"cell_id": "cell", "site_id": "site", **{name: name for name in ("app", "model", "server", "region")},
             "core_node": "core_node"}  # fmt: skip
_KEYS = ("subscriber_key", "customer_key", "other_key", "old_key", "new_key")
_COUNTS = ("n", "bad", "expected_bad", "users", "n_users", "bad_users", "users_hurt", "sessions", "sessions_hurt",
           "silent_users", "numerator", "denominator", "exposed", "exposed_complaints", "others", "other_complaints",
           "customers", "complaints", "expected")  # fmt: skip
_SUFFIXES = ("_n", "_sum", "_sq")
# Tables in which a row is of one person, with the column of time that says how many of the newest hours are copied.
PERSONS = {
    "session": ("start_time", 48),
    "user_hour": ("start", 24),
    "touchpoint": ("time", 48),
    "user_day": ("start", 96),
    **dict.fromkeys(("user_period", "subscriber", "customer_of", "survey", "identity", "customer_change", "complaint",
                     "complaint_reading", "complaint_link", "cluster_user", "silent_sufferer"), ("", 0)),
}  # fmt: skip
GROUPS = {"group_index": 96, "kqi_value": 96, "aggregation_choice": 0, "group_fairness": 0, "effect": 0,
          "effect_verdict": 0}  # fmt: skip
OF_CLUSTERS = ("cluster", "cluster_window", "cluster_change", "cluster_tier", "cluster_risk")
OF_PLACES = {"cell": ("cell", "", 0), "device": ("model", "", 0), "kpi_value": ("object", "start", 48)}
LEDGERS = {
    "batch": 300,
    "run": 2000,
}  # rows that an operator's files and jobs leave in some weeks, for each of a city's
_COMPLAINTS = ("complaint", "complaint_reading", "complaint_link")


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How often a city is copied: `copies` times its people, with as many fans as that allows."""

    copies: int

    def fan(self, kind: str) -> int:
        """Copies of each label of a kind."""
        return min(FANS.get(kind, 1), self.copies)

    @property
    def clusters(self) -> int:
        """Copies of each cluster."""
        return min(CLUSTERS, self.copies)


def grow(dsn: str, copies: int, workers: int = 2) -> None:
    """Copy a scored and searched city so often, in its own database."""
    growth = Growth(copies=copies)
    with connect(dsn, autocommit=True) as connection:
        _labels(connection, growth)
        for table in ("cluster", *GROUPS, *(name for name in OF_CLUSTERS if name != "cluster")):
            _multiply(connection, growth, table)
        first = [_of_clusters(connection, growth, "cluster")]
        jobs = [*_jobs(connection, growth)]
    _run(dsn, first, 1)
    _run(dsn, jobs, workers)
    with connect(dsn, autocommit=True) as connection:
        _reopen(connection)
        connection.execute("VACUUM (ANALYZE)")


def _run(dsn: str, jobs: list[sql.Composed], workers: int) -> None:
    """Run statements on so many connections, telling how far they are."""
    lock, left = threading.Lock(), iter(enumerate(jobs, 1))

    def work(_: int) -> None:
        with connect(dsn, autocommit=True) as connection:
            while True:
                with lock:
                    number, job = next(left, (0, None))
                if job is None:
                    return
                connection.execute(job)
                if number % 50 == 0:
                    tell(f"{number} of {len(jobs)} copies made")

    with ThreadPoolExecutor(workers) as threads:
        for _ in threads.map(work, range(workers)):
            pass


def _jobs(connection: Connection, growth: Growth) -> Iterable[sql.Composed]:
    for table, (time, hours) in PERSONS.items():
        every = COMPLAINTS_OF if table in _COMPLAINTS else TOUCHPOINTS_OF if table == "touchpoint" else 1
        condition = sql.SQL(" AND k % {} = 0").format(sql.Literal(every))
        for slice_ in _slices(connection, table, time, hours):
            yield _copied(connection, growth, table, growth.copies, condition + slice_)
    for table, hours in GROUPS.items():
        for slice_ in _slices(connection, table, "start" if hours else "", hours, "day"):
            yield from _of_groups(connection, growth, table, slice_)
    for table in OF_CLUSTERS[1:]:
        yield _of_clusters(connection, growth, table)
    for table, (kind, time, hours) in OF_PLACES.items():
        for slice_ in _slices(connection, table, time, hours, "day"):
            yield _copied(connection, growth, table, growth.fan(kind), slice_)
    for table, times in LEDGERS.items():
        yield _copied(connection, growth, table, times, sql.SQL(""))


def _slices(connection: Connection, table: str, time: str, hours: int, grain: str = "hour") -> list[sql.Composable]:
    """Conditions that cut the newest hours of a table into hours or days, so that one chunk is written at a time."""
    if not time:
        return [sql.SQL("")]
    query = sql.SQL("SELECT DISTINCT date_trunc({3}, {0}) FROM cem.{1} WHERE {0} > (SELECT max({0}) FROM cem.{1}) - "
                    "make_interval(hours => {2}) ORDER BY 1")  # fmt: skip
    column, step = sql.Identifier(time), sql.Literal(f"1 {grain}")
    starts = connection.execute(query.format(column, sql.Identifier(table), sql.Literal(hours), sql.Literal(grain)))
    condition = sql.SQL(" AND r.{0} >= {1} AND r.{0} < {1} + INTERVAL {2}")
    return [condition.format(column, sql.Literal(start), step) for (start,) in starts]


def _columns(connection: Connection, table: str) -> list[str]:
    """Names of a table's columns, but those that the database numbers."""
    return [
        name
        for (name,) in connection.execute(
            "SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'cem' AND table_name = %s "
            "AND is_identity = 'NO' ORDER BY ordinal_position",
            [table],
        )
    ]


def _copied(connection: Connection, growth: Growth, table: str, copies: int, where: sql.Composable) -> sql.Composed:
    """Copies 1 to copies - 1 of rows, moved to other persons, places, things and clusters."""
    names = _columns(connection, table)
    return sql.SQL(
        "INSERT INTO cem.{0} ({1}) SELECT {2} FROM cem.{0} r, generate_series(1, {3} - 1) AS k WHERE true{4}"
    ).format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(_moved(growth, name) for name in names),
        sql.Literal(copies),
        where,
    )


def _moved(growth: Growth, name: str) -> sql.Composable:
    column = sql.SQL("r.{}").format(sql.Identifier(name))
    if name in _KEYS:
        return sql.SQL("{} # (k::bigint << 40)").format(column)
    if name == "tac":
        return sql.SQL("r.tac + k % {} * {}").format(sql.Literal(growth.fan("model")), sql.Literal(_TAC_STEP))
    if name in _KINDS:
        fan = sql.Literal(growth.fan(_KINDS[name]))
        shape = sql.SQL("CASE WHEN {0} <> 0 THEN {0} + k % {1} * {2} ELSE {0} END")
        return shape.format(column, fan, sql.Literal(STEP))
    if name == "cluster_id":
        return sql.SQL("r.cluster_id || coalesce('-' || nullif(k % {}, 0), '')").format(sql.Literal(growth.clusters))
    if name == "digest":
        return sql.SQL("r.digest || int4send(k)")
    if name == "complaint_id":
        return sql.SQL("r.complaint_id || '-' || k")
    return column


def _of_groups(connection: Connection, growth: Growth, table: str, where: sql.Composable) -> Iterable[sql.Composed]:
    """Copies of the groups of each attribute that has copies."""
    names = _columns(connection, table)
    for attribute in FANS:
        columns = [sql.SQL("r.value + k * {}").format(sql.Literal(STEP)) if name == "value"
                   else sql.SQL("r.{}").format(sql.Identifier(name)) for name in names]  # fmt: skip
        yield sql.SQL(
            "INSERT INTO cem.{0} ({1}) SELECT {2} FROM cem.{0} r, generate_series(1, {3} - 1) AS k "
            "WHERE r.attribute = {4}{5}"
        ).format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join(columns),
            sql.Literal(growth.fan(attribute)),
            sql.Literal(attribute),
            where,
        )


def _of_clusters(connection: Connection, growth: Growth, table: str) -> sql.Composed:
    """Copies of what belongs to a cluster; its selector names the copies of its places and things."""
    names = _columns(connection, table)
    fans = sql.SQL(", ").join(
        sql.SQL("({}, {})").format(sql.Literal(name), sql.Literal(growth.fan(kind))) for name, kind in _SELECTED.items()
    )
    selector = sql.SQL(
        "(SELECT jsonb_object_agg(e.key, (SELECT jsonb_agg("
        "v.value || coalesce('~' || nullif(k % coalesce(f.fan, 1), 0), '')"
        ") FROM jsonb_array_elements_text(e.value) v)) FROM jsonb_each(r.selector) e"
        " LEFT JOIN (VALUES {}) f (name, fan) ON f.name = e.key)"
    ).format(fans)
    columns = [selector if name == "selector" else _moved(growth, name) for name in names]
    return sql.SQL("INSERT INTO cem.{0} ({1}) SELECT {2} FROM cem.{0} r, generate_series(1, {3} - 1) AS k").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(columns),
        sql.Literal(growth.clusters),
    )


def _labels(connection: Connection, growth: Growth) -> None:
    """Name the copies of places and things."""
    row = connection.execute("SELECT max(label_id) FROM cem.label").fetchone()
    if row is None or row[0] >= STEP:
        raise SystemExit("the city has too many labels to be copied")
    for kind in FANS:
        connection.execute(
            "INSERT INTO cem.label (label_id, kind, value) OVERRIDING SYSTEM VALUE "
            "SELECT label_id + k * %s, kind, value || '~' || k FROM cem.label, generate_series(1, %s - 1) AS k "
            "WHERE kind = %s",
            [STEP, growth.fan(kind), kind],
        )
    connection.execute("SELECT setval('cem.label_label_id_seq', (SELECT max(label_id) FROM cem.label))")


def _multiply(connection: Connection, growth: Growth, table: str) -> None:
    """Let the rows of groups and clusters count the users that each of their copies has."""
    columns = [name for name in _columns(connection, table) if name in _COUNTS or name.endswith(_SUFFIXES)]
    if not columns:
        return
    parts = [("", growth.clusters)] if table in OF_CLUSTERS else [(kind, growth.fan(kind)) for kind in (*FANS, "")]
    known = sql.SQL(", ").join(map(sql.Literal, FANS))
    for attribute, fan in parts:
        where: sql.Composable = sql.SQL("")
        if attribute:
            where = sql.SQL("WHERE attribute = {}").format(sql.Literal(attribute))
        elif table in GROUPS:
            where = sql.SQL("WHERE attribute NOT IN ({})").format(known)
        times = sql.Literal(growth.copies // fan)
        sets = sql.SQL(", ").join(sql.SQL("{0} = {0} * {1}").format(sql.Identifier(name), times) for name in columns)
        connection.execute(sql.SQL("UPDATE cem.{} SET {} {}").format(sql.Identifier(table), sets, where))


def _reopen(connection: Connection) -> None:
    """Let the youngest clusters of some places be open."""
    connection.execute(
        "UPDATE cem.cluster SET ended_at = NULL WHERE started_at > (SELECT max(started_at) FROM cem.cluster) "
        "- INTERVAL '12 hours' AND cluster_id ~ '-[1-4]$'"
    )
