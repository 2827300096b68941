"""Which identifiers are one customer: connected components over what the operator's `identities` say, at any time.

New identities are looked at again with everybody whom they are connected to at any time, directly or through others:
`store.identity_graph` says what the links mean; here they are read, and what changes is written and audited.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import LiteralString

import numpy as np
from numpy.typing import NDArray

from store import audit
from store.connection import Connection
from store.copying import copy_out
from store.customer_rows import Changed, write
from store.identity_graph import BEGINNING_US, END_US, LARGEST_CUSTOMER, Link, Timeline, customers, spans
from store.locks import Lock

__all__ = ["LARGEST_CUSTOMER", "Changed", "changed_times", "link", "retract"]

# Of an identifier that this many share no more links are read: it joins nobody anyway.
_MOST_LINKS = 1000

_QUARTERS_OF: dict[str, LiteralString] = {
    "sessions": "SELECT DISTINCT (extract(epoch FROM date_bin('15 minutes', start_time, 'epoch')) * 1000000)::bigint "
    "FROM cem.session JOIN unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS changed (key, first, last) "
    "ON subscriber_key = key AND start_time >= first AND start_time < coalesce(last, 'infinity')",
    "touchpoints": "SELECT DISTINCT (extract(epoch FROM date_bin('15 minutes', time, 'epoch')) * 1000000)::bigint "
    "FROM cem.touchpoint JOIN unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS changed (key, first, last) "
    "ON subscriber_key = key AND time >= first AND time < coalesce(last, 'infinity')",
}
# The links of one identifier by an index scan each, of one that thousands share no more than the limit.
_LINKS: LiteralString = """
SELECT DISTINCT found.* FROM unnest(%s::bigint[]) AS wanted (key), LATERAL (
    (SELECT subscriber_key, other_key, coalesce(holder_kind, 0), kind,
            greatest(valid_from, '0001-01-01 00:00:00+00'::timestamptz), batch_id
     FROM cem.identity WHERE subscriber_key = wanted.key LIMIT %s)
    UNION ALL
    (SELECT subscriber_key, other_key, coalesce(holder_kind, 0), kind,
            greatest(valid_from, '0001-01-01 00:00:00+00'::timestamptz), batch_id
     FROM cem.identity WHERE other_key = wanted.key LIMIT %s)) AS found
"""
_LINK_FIELDS = (
    *(("left", "i8"), ("right", "i8"), ("left_kind", "i4"), ("right_kind", "i4"), ("start", "time")),
    ("batch_id", "i8"),
)

Keys64 = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What is stored of some identifiers: their links, and whose they are until now."""

    links: list[Link]
    before: dict[int, Timeline]


def link(connection: Connection, left: Keys64, right: Keys64) -> tuple[Changed, int]:
    """Join identifiers into customers, inside the transaction that stored their identities.

    `left` and `right` are the tokens of each new pair. Returns what changed for whom, and how many identifiers joined
    nobody because more than `LARGEST_CUSTOMER` share them. A link that takes a number from somebody splits that one.
    """
    return _renew(connection, np.unique(np.concatenate([left, right])).tolist(), [])


def retract(connection: Connection, pairs: Sequence[tuple[int, int]], *, actor: str, reason: str) -> Changed:
    """Take identities back (pairs of tokens, in either order), audited; marks what is to be scored anew.

    Must be called inside a transaction.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.IDENTITIES])
    tokens = sorted({token for pair in pairs for token in pair})
    lefts, rights = [left for left, _ in pairs], [right for _, right in pairs]
    gone = connection.execute(
        "DELETE FROM cem.identity USING unnest(%s::bigint[], %s::bigint[]) AS pair (a, b) "
        "WHERE (subscriber_key, other_key) IN ((a, b), (b, a))",
        [lefts, rights],
    ).rowcount
    audit.record(connection, actor, "retract identities", None, reason, {"pairs": len(pairs), "rows": gone})
    changed, _ = _renew(connection, [], tokens)
    for kind in _QUARTERS_OF:
        connection.execute(
            "INSERT INTO cem.dirty (kind, window_start) SELECT %s, to_timestamp(quarter / 1e6) "
            "FROM unnest(%s::bigint[]) AS quarter",
            [kind, changed_times(connection, changed, kind).tolist()],
        )
    return changed


def changed_times(connection: Connection, changed: Changed, kind: str) -> Keys64:
    """Return the quarter hours (microseconds since 1970 UTC) in which these have `sessions` or `touchpoints`."""
    if not len(changed):
        return np.array([], np.int64)
    first = [_moment(start) for start in changed.first_us]
    last = [None if end >= END_US else _moment(end) for end in changed.last_us]
    rows = connection.execute(_QUARTERS_OF[kind], [changed.keys, first, last]).fetchall()
    return np.array([row[0] for row in rows], np.int64)


def _renew(connection: Connection, linked: list[int], cut: list[int]) -> tuple[Changed, int]:
    if not linked and not cut:
        return Changed(keys=[], first_us=[], last_us=[]), 0
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.IDENTITIES])
    tokens, known = _reached(connection, linked, cut)
    found = customers(spans(known.links), tokens, known.before)
    batch_id = max((one.batch_id for one in known.links), default=None) if linked else None
    return write(connection, found, known.before, batch_id), found.too_large


def _reached(connection: Connection, linked: list[int], cut: list[int]) -> tuple[list[int], _Known]:
    """Everybody connected to these at any time, and what is known of them."""
    kinds: dict[int, str] = dict(
        connection.execute("SELECT label_id, value FROM cem.label WHERE kind = 'identity_kind'").fetchall()
    )
    links: dict[tuple[int, ...], Link] = {}
    reached = set(linked) | set(cut)
    read: set[int] = set()
    before: dict[int, Timeline] = {}
    while new := sorted(reached - read):
        _load(connection, new, kinds, links)
        before |= _timelines(connection, new)
        read.update(new)
        reached.update(before)
        for one in links.values():
            if one.left in reached or one.right in reached:
                reached.update((one.left, one.right))
    return sorted(reached), _Known(links=list(links.values()), before=before)


def _load(connection: Connection, tokens: list[int], kinds: dict[int, str], into: dict[tuple[int, ...], Link]) -> None:
    if not tokens:
        return
    found = copy_out(connection, _LINKS, _LINK_FIELDS, [tokens, _MOST_LINKS, _MOST_LINKS])
    for row in zip(*(found[name].tolist() for name, _ in _LINK_FIELDS), strict=True):
        left, right, left_kind, right_kind, start, batch_id = row
        into[row] = Link(left, right, kinds.get(left_kind, ""), kinds.get(right_kind, ""), start, batch_id)


def _timelines(connection: Connection, tokens: list[int]) -> dict[int, Timeline]:
    """Whose these are, and all others that ever were of one of their customers."""
    found = copy_out(
        connection,
        "SELECT subscriber_key, greatest(valid_from, '0001-01-01 00:00:00+00'::timestamptz), customer_key "
        "FROM cem.customer_of WHERE customer_key IN "
        "(SELECT customer_key FROM cem.customer_of WHERE subscriber_key = ANY(%s)) OR subscriber_key = ANY(%s)",
        (("subscriber", "i8"), ("start", "time"), ("customer", "i8")),
        [tokens, tokens],
    )
    lines: dict[int, Timeline] = defaultdict(list)
    for subscriber, start, customer in zip(*(found[name].tolist() for name in found), strict=True):
        lines[subscriber].append((start, customer))
    return {subscriber: sorted(line) for subscriber, line in lines.items()}


def _moment(moment_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=max(moment_us, BEGINNING_US))
