"""The generated reference: every setting, command, KPI, KQI, model and record kind as Markdown."""

import re
from collections.abc import Mapping
from pathlib import Path

from cemaphore.reference import commands, indicators, quality, records, settings

FOLDER = "reference"
_REGION = re.compile(r"(<!-- columns of (\w+) -->\n).*?(<!-- end of columns -->)", re.DOTALL)


def pages() -> Mapping[str, str]:
    """File name to text of each generated page; the same on every machine."""
    return {
        "settings.md": settings.settings_page(),
        "commands.md": commands.command_page(),
        "kpis.md": indicators.kpi_page(),
        "kqis.md": indicators.kqi_page(),
        "models.md": quality.model_page(),
        "quality.md": quality.catalogue_page(),
    }


def refreshed(text: str) -> str:
    """A page of ours with what stands between `<!-- columns of KIND -->` and `<!-- end of columns -->` made anew."""
    return _REGION.sub(lambda found: f"{found[1]}{records.section(found[2])}{found[3]}", text)


def write(docs: Path) -> None:
    """Write the generated pages under `docs`/reference and refresh the column tables in the pages of `docs`."""
    folder = docs / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
    for path in sorted(docs.glob("*.md")):
        path.write_text(refreshed(path.read_text(encoding="utf-8")), encoding="utf-8")
