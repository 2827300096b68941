"""Worked examples of the documentation: fenced blocks named `example`, read, computed again and compared.

A block is TOML. `call` names a function (or a value) of ours by its dotted path, `given` its arguments, `gives` what
comes out:

    call = "qoe.models.e_model.mos_of_rating"
    given.rating = [90.0, 80.0, 70.0]
    gives = [4.339, 4.024, 3.597]

Lists of numbers become arrays; a table with a `call` of its own is computed first (so a dataclass is made). Where a
record comes out, `gives` is a table of some of its fields. A session rated by a model is shorter:

    model = "g1030_web"
    session = { page_load_ms = 2000.0, access = "lte" }
    mos = 3.00

A number counts to the digits that it is printed with: 3.00 is anything from 2.995 to 3.005; a whole number is exact.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from qoe.model import QoeModel
from qoe.models import registry

DOCS = Path(__file__).parent.parent / "docs"
OURS = ("records", "kpi", "kqi", "qoe", "customers", "alerts", "cemaphore")

_FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MODELS = registry()


@dataclass(frozen=True, kw_only=True)
class Example:
    """One block: the page and heading that it stands under, its number on the page, and its text."""

    page: str
    section: str
    number: int
    text: str

    @property
    def fields(self) -> dict[str, Any]:
        """What the block says; numbers with a point as Decimal, so that their digits are known."""
        return tomllib.loads(self.text, parse_float=Decimal)


def sections(page: Path) -> list[tuple[str, str]]:
    """Heading and text of each part of a page that begins with `## `, the part before the first one included."""
    parts = re.split(r"^## +(.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return list(zip(["", *parts[1::2]], parts[0::2], strict=True))


def examples(page: Path) -> list[Example]:
    """Every worked example of a page."""
    found: list[Example] = []
    for heading, text in sections(page):
        blocks = [body for name, body in _FENCE.findall(text) if name == "example"]
        found += [
            Example(page=page.relative_to(DOCS).as_posix(), section=heading, number=len(found) + place, text=body)
            for place, body in enumerate(blocks, start=1)
        ]
    return found


def without_blocks(text: str) -> str:
    """The text without its fenced blocks."""
    return _FENCE.sub("", text)


def check(example: Example) -> None:
    """Compute an example again; AssertionError says which figure is another one, KeyError what the block lacks."""
    fields = example.fields
    if "model" in fields:
        rated = _rated(_MODELS[fields["model"]], fields["session"])
        _compare(fields["mos"], rated["mos"], "mos")
        if "provisional" in fields:
            _compare(fields["provisional"], rated["provisional"], "provisional")
        return
    _compare(fields["gives"], _called(fields), "gives")


def _rated(model: QoeModel, session: Mapping[str, Any]) -> dict[str, Any]:
    """MOS of one session; categories by their names, lists as lists."""
    choices = {item.name: item.choices for item in model.inputs}
    columns: dict[str, np.ndarray] = {}
    for name, value in session.items():
        column = np.empty(1, dtype=object)
        if choices[name]:
            columns[name] = np.array([choices[name].index(value)])
        elif isinstance(value, list):
            column[0] = value
            columns[name] = column
        else:
            columns[name] = np.array([float(value)])
    score = model.score(columns)
    return {"mos": float(score.mos[0]), "provisional": bool(score.provisional[0])}


def _called(fields: Mapping[str, Any]) -> Any:
    target = _named(fields["call"])
    if not callable(target):
        return target
    given = {name: _made(value) for name, value in fields.get("given", {}).items()}
    return target(*[_made(value) for value in fields.get("args", [])], **given)


def _named(path: str) -> Any:
    """What a dotted path names: a module, then its attributes."""
    parts = path.split(".")
    assert parts[0] in OURS, f"{path} is not of ours"
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found: Any = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for name in parts[cut:]:
            found = getattr(found, name)
        return found
    raise AssertionError(f"there is no {path}")


def _made(value: Any) -> Any:
    """An argument: numbers as they are, lists of numbers as arrays, tables as mappings or as what they call."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        made = [_made(item) for item in value]
        numbers = bool(made) and all(isinstance(item, int | float | np.ndarray) for item in made)
        return np.array(made) if numbers else made
    if isinstance(value, dict):
        return _called(value) if "call" in value else {name: _made(item) for name, item in value.items()}
    return value


def _compare(printed: Any, found: Any, where: str) -> None:
    if isinstance(printed, dict):
        for name, item in printed.items():
            _compare(item, found[name] if isinstance(found, Mapping) else getattr(found, name), f"{where}.{name}")
    elif isinstance(printed, list):
        assert isinstance(found, Sequence | np.ndarray), f"{where}: {found!r} is no list"
        assert len(printed) == len(found), f"{where}: {len(found)} values come out, {len(printed)} are printed"
        for place, (one, other) in enumerate(zip(printed, found, strict=True)):
            _compare(one, other, f"{where}[{place}]")
    elif isinstance(printed, str | bool):
        assert printed == found, f"{where}: {printed!r} is printed, {found!r} comes out"
    else:
        _compare_number(printed, float(np.asarray(found).item()), where)


def _compare_number(printed: Decimal | int, found: float, where: str) -> None:
    """Equal to the last digit printed; half of it is what rounding may take, a hundredth more what floats may."""
    if isinstance(printed, Decimal) and not printed.is_finite():
        same = np.array_equal([float(printed)], [found], equal_nan=True)
    else:
        digit = 10.0 ** int(printed.as_tuple().exponent) if isinstance(printed, Decimal) else 0.0
        same = abs(float(printed) - found) <= max(0.51 * digit, 1e-9 * abs(float(printed)))
    assert same, f"{where}: {printed} is printed, {found!r} comes out"
