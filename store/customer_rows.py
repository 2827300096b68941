"""Whose each identifier is, as it is stored and audited: what a renewed look changes, and for which time."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from store.connection import Connection
from store.copying import copy_in
from store.identity_graph import BEGINNING_US, END_US, Customers, Timeline, at
from store.rows import FROM_THE_BEGINNING_US

_UTC = pa.timestamp("us", "UTC")


@dataclass(frozen=True, kw_only=True)
class Changed:
    """Identifiers whose customer is now another one, or made up of others: from when until when (microseconds)."""

    keys: list[int]
    first_us: list[int]
    last_us: list[int]

    def __len__(self) -> int:
        return len(self.keys)


def write(
    connection: Connection,
    found: Customers,
    before: Mapping[int, Timeline],
    batch_id: int | None,
) -> Changed:
    """Replace the timelines that differ, audit each change of customer, and return whose time is to be scored anew."""
    renewed: dict[int, Timeline] = {}
    for token in found.timelines:
        line = _line(token, found)
        if line != before.get(token, []):
            renewed[token] = line
    if not renewed:
        return Changed(keys=[], first_us=[], last_us=[])
    rows = [(token, start, key) for token, line in renewed.items() for start, key in line]
    connection.execute("DELETE FROM cem.customer_of WHERE subscriber_key = ANY(%s)", [sorted(renewed)])
    batch = {
        "subscriber_key": pa.array([row[0] for row in rows], pa.int64()),
        "valid_from": _times([row[1] for row in rows]),
        "customer_key": pa.array([row[2] for row in rows], pa.int64()),
    }
    copy_in(connection, "cem.customer_of", pa.record_batch(batch))
    pieces = [piece for token in renewed for piece in _differences(token, found, before)]
    _audit(connection, pieces, found, before, batch_id)
    return _touched(pieces, found)


def _line(token: int, found: Customers) -> Timeline:
    """The rows of an identifier: one for each change; none while it is alone and always was."""
    line: Timeline = []
    for start, key in found.timelines[token]:
        alone = not line and len(found.members[token, start]) == 1
        if not alone and (not line or line[-1][1] != key):
            line.append((start, key))
    return line


_Piece = tuple[int, int, int, int, int]  # identifier, from, until, old key, new key


def _differences(token: int, found: Customers, before: Mapping[int, Timeline]) -> list[_Piece]:
    new, old = found.timelines[token], before.get(token, [])
    if not new:
        return []
    moments = sorted({start for start, _ in new} | {start for start, _ in old if start > new[0][0]})
    pieces: list[_Piece] = []
    for index, moment in enumerate(moments):
        until = moments[index + 1] if index + 1 < len(moments) else END_US
        was, now = at(old, moment, token), at(new, moment, token)
        if was != now:
            pieces.append((token, moment, until, was, now))
    return pieces


def _audit(
    connection: Connection,
    pieces: list[_Piece],
    found: Customers,
    before: Mapping[int, Timeline],
    batch_id: int | None,
) -> None:
    former: dict[tuple[int, int], set[int]] = defaultdict(set)
    for moment in {piece[1] for piece in pieces}:
        for token in found.timelines:
            former[moment, at(before.get(token, []), moment, token)].add(token)
    changes, members = [], []
    for token, moment, _, was, _ in pieces:
        old, new = former[moment, was], _members(found, token, moment)
        changes.append("merge" if old <= new else "split" if new <= old else "move")
        members.append(len(new))
    count = len(pieces)
    batch = {
        "batch_id": pa.array([batch_id] * count, pa.int64()),
        "change": pa.array(changes, pa.string()),
        "subscriber_key": pa.array([piece[0] for piece in pieces], pa.int64()),
        "valid_from": _times([piece[1] for piece in pieces]),
        "old_key": pa.array([piece[3] for piece in pieces], pa.int64()),
        "new_key": pa.array([piece[4] for piece in pieces], pa.int64()),
        "members": pa.array(members, pa.int32()),
    }
    copy_in(connection, "cem.customer_change", pa.record_batch(batch))


def _members(found: Customers, token: int, moment: int) -> frozenset[int]:
    start = max(start for start, _ in found.timelines[token] if start <= moment)
    return found.members[token, start]


def _touched(pieces: list[_Piece], found: Customers) -> Changed:
    """All members of a changed customer: what is known of one of them (plan, segment) is taken for the others too."""
    times: dict[tuple[int, int], int] = {}
    for token, moment, until, _, _ in pieces:
        for member in _members(found, token, moment):
            times[member, moment] = max(until, times.get((member, moment), until))
    keys = sorted(times)
    return Changed(
        keys=[token for token, _ in keys], first_us=[first for _, first in keys], last_us=[times[key] for key in keys]
    )


def _times(moments: list[int]) -> pa.Array:
    return pa.array([FROM_THE_BEGINNING_US if moment <= BEGINNING_US else moment for moment in moments]).cast(_UTC)
