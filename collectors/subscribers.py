"""The column that says whose record it is: one spelling for each identifier, and no raw value in any message."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collectors.coded import Coded, encoded
from collectors.names import refuse_broken
from collectors.options import Options
from collectors.problems import Problem, plain
from records.identifiers import normalise_all

_FORM = "has not the form of an IMSI (14 or 15 digits), a telephone number or an account"


def subscribers(values: pa.Array, kinds: Coded | None, options: Options) -> tuple[Coded, list[Problem]]:
    """Return identifiers as `kind:value`; `kinds` says what each row's is, else the source's setting, else its form."""
    coded = encoded(values)
    if coded is None:
        everywhere = plain(values.is_valid())
        wrong = Problem(mask=everywhere, code="subscriber", why="is neither text nor a whole number")
        return Coded.missing(len(values)), [wrong]
    problems: list[Problem] = []
    refuse_broken(coded, problems)
    coded.rename(pc.utf8_trim_whitespace(coded.names))
    coded.drop(plain(pc.equal(pc.binary_length(coded.names), 0)))
    if kinds is not None:
        coded = _by_kind(coded, kinds, options)
    else:
        spelt = _normalised(coded.names, options.subscriber_kind, options)
        coded.rename(spelt, distinct=_only_prefixed(coded.names, spelt))
    coded.refuse(plain(coded.names.is_null()), problems, "subscriber", _FORM)
    return coded, problems


def _by_kind(coded: Coded, kinds: Coded, options: Options) -> Coded:
    """Every name under every kind that occurs; a row's code picks one of them."""
    spellings = [
        _normalised(coded.names, kind, options) for kind in (*kinds.names.to_pylist(), options.subscriber_kind)
    ]
    last = len(kinds.names)
    offset = np.where(kinds.codes >= 0, kinds.codes, last).astype(np.int32) * np.int32(len(coded.names))
    codes = np.where(coded.codes >= 0, coded.codes + offset, np.int32(-1))
    picked = encoded(pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.concat_arrays(spellings)))
    assert picked is not None
    return picked


def _only_prefixed(names: pa.StringArray, spelt: pa.StringArray) -> bool:
    """Whether all became `imsi:` and themselves, the one spelling that adds five bytes."""
    added = pc.subtract(pc.binary_length(spelt), pc.binary_length(names))
    return bool(pc.all(pc.equal(added, 5)).as_py())


def _normalised(names: pa.StringArray, kind: str | None, options: Options) -> pa.StringArray:
    if not len(names):
        return names
    clean = pc.if_else(pc.match_substring(names, "\0"), pa.scalar(None, pa.string()), names)
    return normalise_all(clean, kind, options.region)
