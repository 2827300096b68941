"""The samples of the pages about sessions and PM files are right."""

from pathlib import Path

from collectors.mapping import parse
from kpi.vendor_names import load

DOCS = Path(__file__).parent.parent / "docs"


def sample(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8").split("```toml\n", 1)[1].split("```", 1)[0]


def test_the_sample_mapping_is_right() -> None:
    mapping = parse(sample("sources-sessions.md"), "sources-sessions.md")
    assert (mapping.name, mapping.fits("ACME_xdr_1.csv.gz"), len(mapping.columns)) == ("acme-probe", True, 8)


def test_the_sample_of_vendor_names_is_right() -> None:
    names = load(sample("sources-pm.md"), file="sources-pm.md")
    assert names.standard("L.Thrp.bits.DL").factor == 0.001
