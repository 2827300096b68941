"""Which identifiers are one customer: connected components over what the operator's `identities` say."""

from typing import LiteralString

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from store.connection import Connection
from store.copying import copy_in

# A person has a handful of identifiers; a component above this comes from a placeholder that many rows share.
LARGEST_CUSTOMER = 50
_LOCK = 0x63656D03

_QUARTERS_OF: dict[str, LiteralString] = {
    "sessions": "SELECT DISTINCT (extract(epoch FROM date_bin('15 minutes', start_time, 'epoch')) * 1000000)::bigint "
    "FROM cem.session WHERE subscriber_key = ANY(%s)",
    "touchpoints": "SELECT DISTINCT (extract(epoch FROM date_bin('15 minutes', time, 'epoch')) * 1000000)::bigint "
    "FROM cem.touchpoint WHERE subscriber_key = ANY(%s)",
}

Keys64 = NDArray[np.int64]


def link(connection: Connection, left: Keys64, right: Keys64) -> tuple[Keys64, int]:
    """Join identifiers into customers, inside the caller's transaction.

    `left` and `right` are the tokens of each pair. The customer's key is the smallest token of the component. Returns
    the tokens whose customer changed, and how many would-be customers were left apart for being too large.
    """
    if len(left) == 0:
        return left, 0
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    tokens = np.unique(np.concatenate([left, right]))
    members, customers = _known(connection, tokens)
    alone = np.setdiff1d(tokens, members)
    members, customers = np.concatenate([members, alone]), np.concatenate([customers, alone])
    nodes = np.unique(np.concatenate([members, customers]))
    starts = np.searchsorted(nodes, np.concatenate([left, members]))
    ends = np.searchsorted(nodes, np.concatenate([right, customers]))
    graph = coo_array((np.ones(len(starts), np.int8), (starts, ends)), shape=(len(nodes), len(nodes)))
    count, component = connected_components(graph, directed=False)
    smallest = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(smallest, component, nodes)
    sizes = np.bincount(component[np.searchsorted(nodes, members)], minlength=count)
    place = component[np.searchsorted(nodes, members)]
    new = smallest[place]
    fits = sizes[place] <= LARGEST_CUSTOMER
    changed = fits & (new != customers)
    fresh = fits & (sizes[place] > 1) & np.isin(members, alone)
    _store(connection, members[changed | fresh], new[changed | fresh])
    return members[changed], int((sizes > LARGEST_CUSTOMER).sum())


def changed_times(connection: Connection, tokens: Keys64, kind: str) -> Keys64:
    """Return the quarter hours (microseconds since 1970 UTC) in which these tokens have `sessions` or `touchpoints`."""
    rows = connection.execute(_QUARTERS_OF[kind], [tokens.tolist()]).fetchall()
    return np.array([row[0] for row in rows], np.int64)


def _known(connection: Connection, tokens: Keys64) -> tuple[Keys64, Keys64]:
    """Every member of every customer that one of the tokens belongs to."""
    rows = connection.execute(
        "SELECT subscriber_key, customer_key FROM cem.customer_of WHERE customer_key IN "
        "(SELECT customer_key FROM cem.customer_of WHERE subscriber_key = ANY(%s))",
        [tokens.tolist()],
    ).fetchall()
    pairs = np.array(rows, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _store(connection: Connection, members: Keys64, customers: Keys64) -> None:
    connection.execute("DELETE FROM cem.customer_of WHERE subscriber_key = ANY(%s)", [members.tolist()])
    batch = pa.record_batch({"subscriber_key": pa.array(members), "customer_key": pa.array(customers)})
    copy_in(connection, "cem.customer_of", batch)
