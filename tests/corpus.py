"""Malformed files over all formats: each with its name and how many of its records are good all the same."""

import gzip
import json
from collections.abc import Iterator
from random import Random

import zstandard

from tests.corpus_documents import json_files, parquet_files, wrapped_files, xml_files
from tests.corpus_parts import DATA, Bad, csv, damaged, measured, ndjson, parquet, pm, ticket
from tests.corpus_tables import csv_files, ndjson_files, value_files


def files(seed: int = 1) -> list[Bad]:
    """All of them, the same for the same seed."""
    draw = Random(seed)
    found = [
        *csv_files(),
        *value_files(),
        *ndjson_files(),
        *json_files(),
        *xml_files(),
        *parquet_files(),
        *wrapped_files(),
        *_mutated(draw),
    ]
    assert len({bad.name for bad in found}) == len(found)
    return found


def _mutated(draw: Random) -> Iterator[Bad]:
    """Bit flips, cuts and doubled pieces of sound files of every format, and of the real ones."""
    sound: dict[str, bytes] = {
        "sessions/m{}/x.csv": csv().encode(),
        "sessions/m{}/x.ndjson": ndjson().encode(),
        "sessions/m{}/x.parquet": parquet(),
        "sessions/m{}/x.csv.gz": gzip.compress(csv().encode()),
        "sessions/m{}/x.csv.zst": zstandard.compress(csv().encode()),
        "complaints/m{}/x.json": json.dumps([ticket(number) for number in range(10)]).encode(),
        "counters/m{}/x.xml": pm(measured(20)).encode(),
        "counters/real{}/x.xml": (DATA / "pm_xml/bodastage_measdata/A2.xml").read_bytes(),
        "counters/real{}/y.xml.gz": (DATA / "pm_xml/oran_sc_ranpm/pm.xml.gz").read_bytes(),
        "complaints/real{}/x.json": (DATA / "tmf621/TroubleTicket_list_example_response.json").read_bytes(),
    }
    for place, content in sound.items():
        for number in range(6):
            yield Bad(name=place.format(number), content=damaged(content, draw))
