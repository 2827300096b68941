"""One scrape, from the request to the committed rows, against prometheus-client's parser alone on the same page.

The page holds labelled counters, gauges and histograms in the text format. Ours fetches it over HTTP on loopback,
parses it with the same parser, checks it, finds the series, makes increases of counters, and commits rows, last
samples, ledger entry, marks and watermark to a database. The first scrape, in which all names are new, is not counted.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench.pairs import Cost, arguments, close, measure, pairs, tell
from cemaphore import privatedb
from cemaphore.collecting import opened_intake
from cemaphore.settings import load_settings
from collectors.prometheus import Access, Scraper, ScrapeTarget
from store.intake import Intake

TARGET = 1.5
_START = datetime(2026, 3, 2, 12, tzinfo=UTC)
_INTERVAL_S = 15
_SERVER = """
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_): pass
server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=sys.argv[1]))
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def page(samples: int) -> str:
    """A page of about so many samples: half labelled counters, a quarter gauges, a quarter histogram buckets."""
    lines = []
    for family in range(10):
        lines += [
            f"# HELP fn_procedure_{family}_requests Requests of procedure {family}",
            f"# TYPE fn_procedure_{family}_requests counter",
        ]
        for number in range(samples // 20):
            labels = f'plmnid="46000",snssai="1-{number % 64:06x}",cell="cell-{number // 64}"'
            lines.append(f"fn_procedure_{family}_requests{{{labels}}} {number * 17 + family}")
    lines += ["# HELP fn_ue_active Active UEs", "# TYPE fn_ue_active gauge"]
    lines += [f'fn_ue_active{{plmnid="46000",cell="cell-{number}"}} {number % 90}' for number in range(samples // 4)]
    lines += ["# HELP fn_setup_seconds Setup time", "# TYPE fn_setup_seconds histogram"]
    bounds = ("0.1", "0.5", "1.0", "5.0", "+Inf")
    for number in range(samples // 4 // 7):
        cell = f'cell="cell-{number}"'
        lines += [
            f'fn_setup_seconds_bucket{{{cell},le="{bound}"}} {number + place}' for place, bound in enumerate(bounds)
        ]
        lines += [f"fn_setup_seconds_sum{{{cell}}} {number * 0.7}", f"fn_setup_seconds_count{{{cell}}} {number + 4}"]
    return "\n".join(lines) + "\n"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder from a process of its own; yields the address."""
    process = subprocess.Popen([sys.executable, "-c", _SERVER, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait()


class Bench:
    """One page, and the two ways to read it."""

    def __init__(self, intake: Intake, url: str, text: str, postmaster_pid: int | None) -> None:
        self._intake, self._text, self._pid = intake, text, postmaster_pid
        access = Access(url=f"{url}/metrics.txt", timeout_s=60)
        self._scraper = Scraper(
            ScrapeTarget(name="fn", access=access, interval_s=_INTERVAL_S, object_labels=("instance", "cell"))
        )
        self._turn = 0
        self.samples = sum(not line.startswith("#") for line in text.splitlines())

    def ours(self) -> Cost:
        """Cost of one scrape, whole."""
        return measure(self._scrape, self._pid)

    def peer(self) -> Cost:
        """Cost of parsing alone."""
        return measure(lambda: sum(len(family.samples) for family in text_string_to_metric_families(self._text)))

    def _scrape(self) -> None:
        now = _START + timedelta(seconds=self._turn * _INTERVAL_S)
        self._turn += 1
        done = self._scraper.scrape(self._intake, now)
        if not done.up or done.samples != self.samples or done.tally.rows_quarantined:
            raise SystemExit(f"the scrape went wrong: {done}")
        if self._turn > 1 and done.tally.rows_stored != self.samples:
            raise SystemExit(f"{done.tally.rows_stored} of {self.samples} values were stored")

    def fetch_s(self, url: str) -> float:
        """Wall seconds of fetching alone."""
        began = time.perf_counter()
        httpx.get(f"{url}/metrics.txt", timeout=60).raise_for_status()
        return time.perf_counter() - began


def main() -> int:
    """Run the pairs and say what a sample costs."""
    asked = arguments(__doc__ or "")
    samples, rounds = (20_000, 3) if asked.small else (100_000, 5)
    with tempfile.TemporaryDirectory(prefix="cemaphore-bench-") as name:
        folder = Path(name)
        (folder / "pages").mkdir()
        text = page(samples)
        (folder / "pages" / "metrics.txt").write_text(text, encoding="utf-8")
        settings = load_settings(home=folder / "home", database_url=None, demo=True)
        try:
            url = privatedb.ensure(settings)
            pid = privatedb.status(settings).pid
            with served(folder / "pages") as address, opened_intake(settings, url) as intake:
                bench = Bench(intake, address, text, pid)
                first = bench.ours()
                found = pairs(bench.ours, bench.peer, rounds, tell)
                fetch_s = bench.fetch_s(address)
        finally:
            privatedb.remove(settings)
    figure = median(ours.cpu_s / peer.cpu_s for ours, peer in found)
    ours, peer = sorted(found, key=lambda pair: pair[0].cpu_s / pair[1].cpu_s)[len(found) // 2]
    each = 1e6 / bench.samples
    tell(f"{bench.samples:,} samples, {len(text) / 2**20:.1f} MiB; CPU us a sample of the median pair:")
    tell(
        f"  ours: client {ours.client_s * each:.1f}, server {ours.server_s * each:.1f}; peer {peer.client_s * each:.1f}"
    )
    tell(f"  first scrape {first.cpu_s * each:.1f}; fetching took {fetch_s:.2f} s of {ours.wall_s:.2f}")
    detail: dict[str, object] = {"samples": bench.samples, "pairs": found, "first": first}
    unit = "times the parser's CPU"
    return close("prometheus", figure, unit, TARGET, at_most=True, detail=detail, as_json=asked.json)


if __name__ == "__main__":
    raise SystemExit(main())
