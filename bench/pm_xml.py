"""3GPP PM files parsed and stored, against merely parsing the same files with lxml's iterparse.

The files are those of an element manager: the O-RAN SC gNB file of tests/data repeated for many nodes, its values
drawn anew (one `r` element a value). The peer walks them with `iterparse` and clears each element, and does nothing
else. Ours expands, checks and stores every value with ledger, marks and watermark; the server's work is counted too.
"""

import gzip
import random
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from lxml import etree

from bench.pairs import Cost, arguments, close, cpu_ratio, measure, pairs, tell
from cemaphore import privatedb
from cemaphore.collecting import opened_intake, options_of
from cemaphore.settings import Settings, load_settings
from collectors.collection import Reading, collect
from collectors.folders import find
from collectors.streams import identify
from store.connection import connect

TARGET = 2.5
_SAMPLE = Path(__file__).parent.parent / "tests" / "data" / "pm_xml" / "oran_sc_ranpm" / "pm.xml.gz"
_NODE = "nodedntest"
_VALUE = re.compile(r"(<r [^>]*>)[^<]*(</r>)")


class Bench:
    """One database, one folder of files, and the two ways through them."""

    def __init__(self, folder: Path, settings: Settings, files: int, nodes: int) -> None:
        self.files = folder / "counters"
        self._settings = settings
        self._url = privatedb.ensure(settings)
        self._pid = privatedb.status(settings).pid
        self.files.mkdir()
        self.rows = sum(_write(self.files / f"{number:02}.xml", number, nodes) for number in range(files))

    def ours(self) -> Cost:
        """Cost of collecting all files into empty tables."""
        with connect(self._url, autocommit=True) as connection:
            connection.execute("TRUNCATE cem.counter, cem.batch, cem.quarantine, cem.dirty, cem.watermark")
            connection.execute("CHECKPOINT")
        return measure(self._collect, self._pid)

    def peer(self) -> Cost:
        """Cost of walking through the same files."""
        return measure(self._walk, self._pid)

    def reading(self) -> Cost:
        """Cost of reading and checking alone."""
        return measure(self._read)

    def _collect(self) -> None:
        options = options_of(self._settings)
        with opened_intake(self._settings, self._url) as intake:
            stored = sum(result.stored for result in collect([self.files], intake=intake, options=options))
        if stored != self.rows:
            raise SystemExit(f"{stored} of {self.rows} values were stored")

    def _walk(self) -> None:
        for path in sorted(self.files.iterdir()):
            for _, element in etree.iterparse(str(path)):
                element.clear()

    def _read(self) -> None:
        options = options_of(self._settings)
        for found in find([self.files], options):
            for _ in Reading(found, identify(found.path), options, None).batches():
                pass


def _write(path: Path, number: int, nodes: int) -> int:
    """Write one file of so many nodes; returns how many values it holds."""
    head, _, rest = gzip.decompress(_SAMPLE.read_bytes()).decode().partition("<measData>")
    body, _, foot = rest.rpartition("</measData>")
    draw = random.Random(number)
    # A lambda, for the type that `re.sub` wants of it stands beside it.
    value: Callable[[re.Match[str]], str] = lambda found: f"{found[1]}{draw.randrange(100_000)}{found[2]}"  # noqa: E731
    with path.open("w", encoding="utf-8") as file:
        file.write(head)
        for node in range(nodes):
            named = body.replace(_NODE, f"gnb-{number * nodes + node:05}")
            file.write(f"<measData>{_VALUE.sub(value, named)}</measData>\n")
        file.write(foot)
    return nodes * len(_VALUE.findall(body))


def main() -> int:
    """Run the pairs and say where the time goes."""
    asked = arguments(__doc__ or "")
    files, nodes, rounds = (2, 30, 3) if asked.small else (4, 100, 5)
    with tempfile.TemporaryDirectory(prefix="cemaphore-bench-") as folder:
        settings = load_settings(home=Path(folder) / "home", database_url=None, demo=True)
        try:
            bench = Bench(Path(folder), settings, files, nodes)
            bench.ours()  # the dictionary of objects and counters is known from the day before
            found = pairs(bench.ours, bench.peer, rounds, tell)
            reading = bench.reading()
        finally:
            privatedb.remove(settings)
    million = bench.rows / 1e6
    ours, peer = sorted(found, key=lambda pair: pair[1].cpu_s / pair[0].cpu_s)[len(found) // 2]
    tell(f"{bench.rows:,} values in {files} files; CPU us a value of the median pair:")
    tell(f"  reading and checking {reading.client_s / million:6.2f}")
    tell(f"  names, encoding      {(ours.client_s - reading.client_s) / million:6.2f}")
    tell(f"  server               {ours.server_s / million:6.2f}")
    tell(f"  peer                 {peer.client_s / million:6.2f}")
    detail: dict[str, object] = {"rows": bench.rows, "files": files, "pairs": found, "reading": reading}
    figure = 1 / cpu_ratio(found)
    return close("pm_xml", figure, "times lxml's iterparse", TARGET, at_most=True, detail=detail, as_json=asked.json)


if __name__ == "__main__":
    raise SystemExit(main())
