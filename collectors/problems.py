"""Values of a column that are wrong in one way, and how a message shows one without giving a person away."""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

_DIGITS = re.compile(r"\d{7,}")
_ADDRESS = re.compile(r"\S+@\S+")
_SHOWN = 60
_LOOKED_AT = 1000  # an address is found in the square of the length


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Rows of one column that are wrong in one way; `why` follows the value in the message."""

    mask: np.ndarray
    code: str
    why: str


def plain(mask: pa.BooleanArray) -> np.ndarray:
    """A mask as NumPy booleans; null is false."""
    return np.asarray(mask.fill_null(False).to_numpy(zero_copy_only=False), bool)


def discreet(text: str) -> str:
    """The text cut short, and nothing in it that may be a telephone number, an IMSI or an address."""
    text = _ADDRESS.sub("<address>", text[:_LOOKED_AT])
    text = _DIGITS.sub(lambda digits: f"<{len(digits[0])} digits>", text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def shown(value: object) -> str:
    """A value for a message, in quotes."""
    return repr(discreet(str(value)))


def sentence(column: str, value: object, why: str) -> str:
    """What is wrong with a value of a column: `rtt_client_ms is 'abc'; a number is needed`."""
    if value is None or why.startswith("is missing"):
        return f"{column} {why}"
    return f"{column} is {shown(value)}{why}" if why.startswith(";") else f"{column} {shown(value)} {why}"
