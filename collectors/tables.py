"""Tables as text, CSV or NDJSON, under our column names or a vendor's."""

from collections.abc import Iterable, Iterator

from collectors import csv_rows, ndjson_rows
from collectors.lines import Flaw
from collectors.mapped import mapped
from collectors.mapping import Mapping
from collectors.options import Options
from collectors.raw import Notes, Raw
from records.kinds import Kind


def read(
    pieces: Iterable[bytes], form: str, kind: Kind, options: Options, notes: Notes, mapping: Mapping | None = None
) -> Iterator[Raw | Flaw]:
    """Yield the records of a table in columns of `kind`; `form` is csv, or NDJSON for any other."""
    named = kind if mapping is None else mapping.given_kind
    delimiter = "," if mapping is None else mapping.delimiter
    if form == "csv":
        items = csv_rows.read(pieces, named, options, notes, delimiter=delimiter)
    else:
        items = ndjson_rows.read(pieces, named, options, notes)
    yield from items if mapping is None else mapped(items, mapping)
