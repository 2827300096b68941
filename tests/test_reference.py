"""The documentation: its generated pages are as the code is, complete, and the site stands on its own."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import kpi.catalogue
import kqi.catalogue
import qoe.catalogue
from cemaphore import reference
from cemaphore.catalogues import packaged
from cemaphore.reference.commands import commands
from cemaphore.settings import Settings
from qoe.models import registry
from records.kinds import KINDS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
REMEDY = "run `python -m cemaphore.reference` and commit what changes"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: every page in the navigation, every link and anchor found."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def test_the_generated_pages_are_as_the_code_is() -> None:
    """Nobody has to remember to write a new setting, KPI, model or command down."""
    pages = reference.pages()
    assert {path.name for path in (DOCS / reference.FOLDER).glob("*.md")} == set(pages), REMEDY
    for name, text in pages.items():
        assert (DOCS / reference.FOLDER / name).read_text(encoding="utf-8") == text, f"{name}: {REMEDY}"


def test_the_column_tables_are_as_the_kinds_are() -> None:
    """What stands between the markers of docs/inputs.md is what records/kinds.py says, for every kind."""
    text = (DOCS / "inputs.md").read_text(encoding="utf-8")
    assert reference.refreshed(text) == text, REMEDY
    for kind in KINDS.values():
        begun = text.index(f"<!-- columns of {kind.name} -->")
        section = text[begun : text.index("<!-- end of columns -->", begun)]
        assert all(f"| `{column.name}` |" in section for column in kind.columns)
        assert section.count("| required |") == len(kind.required)


def test_every_entry_of_every_catalogue_appears() -> None:
    """Settings, commands, KPIs, KQIs, models and services each have their place."""
    pages = reference.pages()
    expected = {
        "settings.md": [f"| `CEMAPHORE_{name.upper()}` |" for name in Settings.model_fields],
        "commands.md": [f"## `{path}`" for path, _ in commands()],
        "kpis.md": [f"### `{name}`" for name in kpi.catalogue.load(packaged("kpi")).kpis],
        "kqis.md": [f"### `{name}`" for name in kqi.catalogue.parse(packaged("kqi")).indicators],
        "models.md": [f"## `{name}`" for name in registry()],
        "quality.md": [f"## Service `{name}`" for name in qoe.catalogue.parse(packaged("qoe")).services],
    }
    assert expected.keys() == pages.keys()
    for name, entries in expected.items():
        assert entries
        for entry in entries:
            assert pages[name].count(entry) == 1, f"{name}: {entry}"


def test_the_reference_is_the_same_on_every_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the environment nor the place it is written from shows in a default."""
    expected = dict(reference.pages())
    monkeypatch.setenv("CEMAPHORE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    reference.write(tmp_path)
    written = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / reference.FOLDER).iterdir()}
    assert written == expected
    assert not any(str(Path.home()) in text or str(ROOT) in text for text in written.values())


def test_the_site_builds_with_every_page(site: Path) -> None:
    """Each Markdown page has become a page of the site."""
    for page in DOCS.rglob("*.md"):
        assert (site / page.relative_to(DOCS)).with_suffix(".html").is_file()


def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    """Fonts, scripts, styles and images come with the site: it works on a closed network."""
    for path in site.rglob("*.html"):
        found = Fetched()
        found.feed(path.read_text(encoding="utf-8"))
        assert [url for url in found.urls if url.startswith(("http:", "https:", "//"))] == [], path.name
    for path in site.rglob("*.css"):
        assert "url(http" not in path.read_text(encoding="utf-8")


class Fetched(HTMLParser):
    """What a browser fetches by itself when it opens a page; a plain link is not."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {"src", "srcset", "data", "poster"} | ({"href"} if tag == "link" else set())
        self.urls += [value for name, value in attrs if name in names and value]
