"""Inventory as arrays: for a key and a moment, the attributes that were valid then."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

import numpy as np
from numpy.typing import NDArray

from store.connection import Connection
from store.copying import Field, copy_out

Ints = NDArray[Any]

PERSONAL = ("plan", "segment", "vip_level")

# `-infinity` has no number of microseconds; nothing of ours is older than year 1.
_CELL: LiteralString = (
    "SELECT cell_id::bigint, greatest(valid_from, '0001-01-01 00:00:00+00'::timestamptz), coalesce(site_id, 0), "
    "coalesce(region, 0), coalesce(band, 0), coalesce(vendor, 0), coalesce(object_id, 0) FROM cem.cell_now"
)
_DEVICE: LiteralString = (
    "SELECT tac::bigint, greatest(valid_from, '0001-01-01 00:00:00+00'::timestamptz), coalesce(model, 0), "
    "coalesce(os, 0) FROM cem.device_now"
)
_NODE: LiteralString = (
    "SELECT access_node::bigint, greatest(valid_from, '0001-01-01 00:00:00+00'::timestamptz), coalesce(site_id, 0), "
    "coalesce(region, 0) FROM cem.access_node_now"
)
_SUBSCRIBER: LiteralString = (
    "SELECT subscriber_key, greatest(valid_from, '0001-01-01 00:00:00+00'::timestamptz), coalesce(plan, 0), "
    "coalesce(segment, 0), coalesce(vip_level, 0) FROM cem.subscriber_now"
)
_CUSTOMER: LiteralString = (
    "SELECT subscriber_key, greatest(valid_from, '0001-01-01 00:00:00+00'::timestamptz), customer_key "
    "FROM cem.customer_of"
)


@dataclass(frozen=True, eq=False)
class Versions:
    """Versions of keyed rows: for each distinct key a run of versions by the time from which they hold."""

    keys: Ints
    first: Ints
    valid_from_us: Ints
    values: Mapping[str, Ints]

    @classmethod
    def of(cls, key: Ints, valid_from_us: Ints, values: Mapping[str, Ints]) -> "Versions":
        """Sort rows into runs of versions."""
        order = np.lexsort((valid_from_us, key))
        keys, first = np.unique(key[order], return_index=True)
        kept = {name: np.ascontiguousarray(column[order]) for name, column in values.items()}
        return cls(keys, np.append(first, len(key)), valid_from_us[order], kept)

    def at(self, key: Ints, moment_us: Ints) -> dict[str, Ints]:
        """Return the values that hold for each key at its moment; 0 where the key is unknown or not yet valid."""
        row = self.rows(key, moment_us)
        known = row >= 0
        safe = np.where(known, row, 0)
        empty = len(self.valid_from_us) == 0
        return {
            name: np.zeros(len(key), column.dtype) if empty else np.where(known, column[safe], 0)
            for name, column in self.values.items()
        }

    def rows(self, key: Ints, moment_us: Ints) -> Ints:
        """Return the row of the version that holds for each key at its moment, -1 where there is none."""
        if len(self.keys) == 0:
            return np.full(len(key), -1)
        place = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        found = self.keys[place] == key
        first, end = self.first[place], self.first[place + 1]
        row = np.where(found, first, 0) - 1
        for version in range(int((self.first[1:] - self.first[:-1]).max())):
            candidate = first + version
            inside = found & (candidate < end)
            holds = self.valid_from_us[np.where(inside, candidate, 0)] <= moment_us
            row = np.where(inside & holds, candidate, row)
        return np.where(found & (row >= first), row, -1)


@dataclass(frozen=True, eq=False)
class Inventory:
    """Everything that a record is joined to by its keys, in memory: about 100 bytes per subscriber and version.

    `by_customer` holds the subscribers' rows again under their customers' keys, so that an identifier without a row
    of its own (the IMSI of a subscriber listed by telephone number) finds its customer's.
    """

    cells: Versions
    devices: Versions
    access_nodes: Versions
    subscribers: Versions
    by_customer: Versions
    customers: Versions

    @classmethod
    def load(cls, connection: Connection) -> "Inventory":
        """Read the current inventory."""
        subscribers = _load(connection, _SUBSCRIBER, PERSONAL)
        customers = _load(connection, _CUSTOMER, ("customer_key",), code="i8")
        return cls(
            cells=_load(connection, _CELL, ("site", "region", "band", "vendor", "object_id")),
            devices=_load(connection, _DEVICE, ("model", "os")),
            access_nodes=_load(connection, _NODE, ("site", "region")),
            subscribers=subscribers,
            by_customer=_regrouped(subscribers, customers),
            customers=customers,
        )

    def customer_keys(self, subscriber_key: Ints, moment_us: Ints) -> Ints:
        """Return the customer of each subscriber at its moment; one that is in no customer is its own."""
        found = self.customers.at(subscriber_key, moment_us)["customer_key"]
        return np.where(found > 0, found, subscriber_key)

    def people(self, subscriber_key: Ints, customer_key: Ints, moment_us: Ints) -> dict[str, Ints]:
        """Return plan, segment and vip_level of each subscriber, or where it is not listed of its customer."""
        found = self.subscribers.at(subscriber_key, moment_us)
        lost = np.flatnonzero(self.subscribers.rows(subscriber_key, moment_us) < 0)
        if len(lost):
            of_customer = self.by_customer.at(customer_key[lost], moment_us[lost])
            for name, values in of_customer.items():
                found[name][lost] = values
        return found


def _regrouped(subscribers: Versions, customers: Versions) -> Versions:
    """Subscribers' rows under the keys of their customers; the later of two rows holds."""
    key = np.repeat(subscribers.keys, np.diff(subscribers.first)) if len(subscribers.keys) else subscribers.keys
    customer = customers.at(key, np.full(len(key), np.iinfo(np.int64).max))["customer_key"]
    return Versions.of(np.where(customer > 0, customer, key), subscribers.valid_from_us, subscribers.values)


def _load(connection: Connection, query: LiteralString, names: tuple[str, ...], code: str = "i4") -> Versions:
    fields: list[Field] = [("key", "i8"), ("valid_from", "time"), *((name, code) for name in names)]
    arrays = copy_out(connection, query, fields)
    return Versions.of(arrays["key"], arrays["valid_from"], {name: arrays[name] for name in names})
