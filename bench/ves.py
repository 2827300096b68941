"""VES events from the bytes of their requests to committed counters, against `psql \\copy` of the same rows in binary.

The peer writes the same rows, from a binary file, into an unlogged table without an index. Ours reads the JSON of each
request, checks it, remembers each event so that it counts once, replaces names by numbers, and commits rows, ledger,
marks and watermark in groups, as the listener does with what waits. Events a second over HTTP are printed beside it.
"""

import http.client
import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from bench.pairs import Cost, arguments, close, cpu_ratio, measure, pairs, tell
from cemaphore import privatedb
from cemaphore.listening import Listener, ves_server
from cemaphore.serving import free_port
from cemaphore.settings import Settings, load_settings
from collectors.listening.database import Database
from collectors.listening.server import Listening
from collectors.options import Options
from collectors.ves.posted import EventSink, posted
from store.connection import connect
from store.intake import Limits
from store.vault import open_keys

TARGET = 0.1
_CELLS, _COUNTERS = 12, 20  # objects of one gNB-DU and counters of each
_GROUP = 64  # requests committed together, as the listener does at most
_SENDERS = 8
_START_US = 1_772_323_200_000_000  # 2026-03-01T00:00:00Z
_PERIOD_S = 900


def body(number: int, nodes: int) -> bytes:
    """The request of one node and granularity period."""
    node, period = number % nodes, number // nodes
    start_us = _START_US + period * _PERIOD_S * 1_000_000
    values = [
        {
            "measObjInstId": f"NRCellDU={cell}",
            "suspectFlag": "false",
            "measResults": [{"p": p, "sValue": str((number * 31 + cell * 7 + p) % 10_000)} for p in range(1, 21)],
        }
        for cell in range(_CELLS)
    ]
    header = {
        "domain": "perf3gpp",
        "eventId": f"perf3gpp{number}",
        "eventName": "perf3gpp_gnb",
        "sequence": 0,
        "priority": "Normal",
        "reportingEntityName": f"gnb{node}",
        "sourceName": f"gnb{node}",
        "startEpochMicrosec": start_us,
        "lastEpochMicrosec": start_us + _PERIOD_S * 1_000_000,
        "version": "4.1",
        "vesEventListenerVersion": "7.2.1",
    }
    types = {"sMeasTypesList": [f"DRB.Counter{one}.QOS" for one in range(_COUNTERS)]}
    collection = {
        "granularityPeriod": _PERIOD_S,
        "measuredEntityDn": f"SubNetwork=1,ManagedElement=gnb{node}",
        "measInfoList": [{"measInfoId": {"sMeasInfoId": "DRB"}, "measTypes": types, "measValuesList": values}],
    }
    fields = {"perf3gppFieldsVersion": "1.0", "measDataCollection": collection}
    return json.dumps({"event": {"commonEventHeader": header, "perf3gppFields": fields}}).encode()


class Bench:
    """One database, the requests, and the two ways in."""

    def __init__(self, folder: Path, settings: Settings, events: int) -> None:
        self.rows = events * _CELLS * _COUNTERS
        self._settings = settings
        self._binary = folder / "rows.pgcopy"
        self._bodies = [body(number, 50) for number in range(events)]
        self._url = privatedb.ensure(settings)
        self._pid = privatedb.status(settings).pid
        with connect(self._url, autocommit=True) as connection:
            self._keys = open_keys(connection, settings.keys_dir)
            connection.execute("CREATE SCHEMA bench")

    def ours(self) -> Cost:
        """Cost of reading and committing all requests."""
        self._empty()
        database = Database(lambda: self._url, self._keys, lambda: datetime.now(UTC), Limits())
        sink = EventSink(database, "ves", Options(), tell)

        def work() -> None:
            for start in range(0, len(self._bodies), _GROUP):
                sink.commit([posted(one, "7") for one in self._bodies[start : start + _GROUP]])
            sink.close()

        cost = measure(work, self._pid)
        self._check()
        return cost

    def peer(self) -> Cost:
        """Cost of `psql \\copy` of the same rows; the file is made of what ours stored."""
        if not self._binary.exists():
            self.ours()
            with self._binary.open("wb") as file:
                self._psql("\\copy (SELECT * FROM cem.counter) TO pstdout (FORMAT binary)", output=file)
            self._psql("CREATE UNLOGGED TABLE bench.peer (LIKE cem.counter)")
        self._psql("TRUNCATE bench.peer", "CHECKPOINT")
        with self._binary.open("rb") as file:
            return measure(lambda: self._psql("\\copy bench.peer FROM pstdin (FORMAT binary)", given=file), self._pid)

    def reading(self) -> Cost:
        """Cost of reading and checking alone."""
        return measure(lambda: [posted(one, "7") for one in self._bodies])

    def http_events_per_s(self) -> float:
        """Events a second that the listener answers with 202, each committed, from a few senders on this machine."""
        self._empty()
        with self._served() as port, ThreadPoolExecutor(_SENDERS) as senders:
            began = time.perf_counter()
            parts = [self._bodies[number::_SENDERS] for number in range(_SENDERS)]
            statuses = [status for part in senders.map(lambda part: _send(port, part), parts) for status in part]
            seconds = time.perf_counter() - began
        if set(statuses) != {202}:
            raise SystemExit(f"answers were {sorted(set(statuses))}")
        self._check()
        return len(statuses) / seconds

    @contextmanager
    def _served(self) -> Iterator[int]:
        port = free_port("127.0.0.1", 18443)
        listener = Listener(source="ves", listening=Listening(host="127.0.0.1", port=port))
        serving = ves_server(self._settings, listener)
        thread = threading.Thread(target=serving.run)
        thread.start()
        while not serving.started:
            time.sleep(0.05)
        try:
            yield port
        finally:
            serving.should_exit = True
            thread.join()

    def _check(self) -> None:
        with connect(self._url, autocommit=True) as connection:
            row = connection.execute("SELECT count(*) FROM cem.counter").fetchone()
        if row is None or row[0] != self.rows:
            raise SystemExit(f"{row} of {self.rows} rows were stored")

    def _empty(self) -> None:
        with connect(self._url, autocommit=True) as connection:
            connection.execute(
                "TRUNCATE cem.counter, cem.event_seen, cem.batch, cem.quarantine, cem.dirty, cem.watermark"
            )
            connection.execute("CHECKPOINT")

    def _psql(self, *commands: str, given: IO[bytes] | None = None, output: IO[bytes] | None = None) -> None:
        parts = [part for command in commands for part in ("-c", command)]
        command = ["psql", "-q", "-X", "-d", self._url, *parts]
        subprocess.run(command, check=True, stdin=given, stdout=output or subprocess.DEVNULL)


def _send(port: int, bodies: list[bytes]) -> list[int]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    statuses = []
    for one in bodies:
        connection.request("POST", "/eventListener/v7", one, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    return statuses


def main() -> int:
    """Run the pairs and say where the time goes."""
    asked = arguments(__doc__ or "")
    events, rounds = (800, 3) if asked.small else (4000, 5)
    with tempfile.TemporaryDirectory(prefix="cemaphore-bench-") as folder:
        settings = load_settings(home=Path(folder) / "home", database_url=None, demo=True)
        try:
            bench = Bench(Path(folder), settings, events)
            found = pairs(bench.ours, bench.peer, rounds, tell)
            reading = bench.reading()
            rate = bench.http_events_per_s()
        finally:
            privatedb.remove(settings)
    ours, peer = sorted(found, key=lambda pair: pair[1].cpu_s / pair[0].cpu_s)[len(found) // 2]
    million = bench.rows / 1e6
    tell(f"{events:,} events, {bench.rows:,} counters; CPU us a counter of the median pair:")
    tell(f"  reading and checking JSON      {reading.client_s / million:6.2f}")
    tell(f"  names, repetitions, encoding   {(ours.client_s - reading.client_s) / million:6.2f}")
    tell(f"  server: rows, index, WAL       {ours.server_s / million:6.2f}")
    tell(f"  peer: client {peer.client_s / million:.2f}, server {peer.server_s / million:.2f}")
    tell(f"  over HTTP, one listener: {rate:,.0f} events/s, {rate * bench.rows / events:,.0f} counters/s")
    detail: dict[str, object] = {"rows": bench.rows, "pairs": found, "reading": reading, "http_events_per_s": rate}
    return close("ves", cpu_ratio(found), "of psql's CPU speed", TARGET, detail=detail, as_json=asked.json)


if __name__ == "__main__":
    raise SystemExit(main())
