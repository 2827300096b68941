"""From the labels of a series to an object and a counter, and the labels that name a person."""

import re
from collections.abc import Collection, Mapping, Sequence

from records.errors import DataError

# Names under which 3GPP identifies a subscriber or a terminal (TS 23.003), as exporters write them.
PERSONAL_LABELS = frozenset(
    {"imsi", "supi", "suci", "msisdn", "gpsi", "imei", "imeisv", "pei", "guti", "impi", "impu", "subscriber", "user"}
)
_PERSONAL_VALUE = re.compile(r"(?:imsi|supi|suci|msisdn|gpsi|imei|imeisv|nai)-\S+|[0-9]{14,16}")
_ESCAPED = str.maketrans({"%": "%25", ".": "%2E", "=": "%3D"})
_LONGEST_NAME_BYTES = 1000


def object_of(labels: Mapping[str, str], object_labels: Sequence[str], source: str) -> str:
    """Return the object: the values of the labels that make it, joined by `,`; the source where it has none."""
    return ",".join(labels[name] for name in object_labels if labels.get(name)) or source


def counter_of(name: str, labels: Mapping[str, str], left_out: Collection[str]) -> str:
    """Return the counter: the metric's name, then `.label=value` of each other label, by name.

    In values `%`, `.` and `=` are written `%25`, `%2E`, `%3D`, so that a tail has one reading. A label without a value
    is no label, as in Prometheus.
    """
    if not labels:
        return name
    tail = [
        f".{label}={value.translate(_ESCAPED)}"
        for label, value in sorted(labels.items())
        if value and label not in left_out
    ]
    return name + "".join(tail)


def check(labels: Mapping[str, str], object_id: str, counter: str) -> None:
    """Raise `DataError` for a series that names a person, or cannot be a name in the database."""
    for label, value in labels.items():
        if label.lower() in PERSONAL_LABELS or _PERSONAL_VALUE.fullmatch(value):
            raise DataError(
                f"label {label} names a person or a terminal; counters of single persons are not stored",
                code="personal",
                column=label,
            )
        if "\0" in value:
            raise DataError(f"label {label} holds a NUL character", code="nul", column=label)
    for what, text in (("object_id", object_id), ("counter", counter)):
        if len(text.encode("utf-8", "replace")) > _LONGEST_NAME_BYTES:
            raise DataError(f"{what} is longer than {_LONGEST_NAME_BYTES} bytes", code="too_long", column=what)
