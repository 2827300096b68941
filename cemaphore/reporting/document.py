"""What a report is made of: blocks of plain data, so that no word of it is ever read as markup."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import typst

TEMPLATE = "report.typ"
DATA = "report.json"


@dataclass(frozen=True, kw_only=True)
class Block:
    """A heading, a text, figures (name to value and what stands below it), a table, or a chart with its description."""

    kind: Literal["heading", "text", "note", "figures", "table", "chart"]
    text: str = ""
    figures: Mapping[str, tuple[str, str]] | None = None
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    wide: Sequence[int] = ()  # columns of a table that take the room that is left; else all alike
    svg: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report; `footer` stands on every page, before its number."""

    title: str
    subtitle: str
    language: str
    footer: str
    blocks: Sequence[Block]


def heading(text: str) -> Block:
    """A heading."""
    return Block(kind="heading", text=text)


def table(columns: Mapping[str, Sequence[str]], *, wide: Sequence[int] = ()) -> Block:
    """A table of columns by their heads."""
    return Block(kind="table", head=list(columns), rows=list(zip(*columns.values(), strict=True)), wide=wide)


def pdf(report: Report) -> bytes:
    """Return the report as PDF, set with the fonts that are installed here; Chinese needs one that has it."""
    with tempfile.TemporaryDirectory(prefix="cemaphore-report-") as folder:
        blocks = [_written(block, number, Path(folder)) for number, block in enumerate(report.blocks)]
        said: dict[str, Any] = {**vars(report), "blocks": blocks}
        Path(folder, DATA).write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
        source = files("cemaphore.reporting").joinpath(TEMPLATE).read_text(encoding="utf-8")
        Path(folder, TEMPLATE).write_text(source, encoding="utf-8")
        made, _ = typst.compile_with_warnings(Path(folder, TEMPLATE), root=Path(folder), format="pdf")
    return bytes(made)


def _written(block: Block, number: int, folder: Path) -> dict[str, Any]:
    said = {name: value for name, value in vars(block).items() if name != "svg"}
    if block.svg:
        said["file"] = f"chart-{number}.svg"
        (folder / said["file"]).write_text(block.svg, encoding="utf-8")
    return said
