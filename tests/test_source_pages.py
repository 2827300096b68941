"""The samples of the pages about sessions and PM files are right."""

from pathlib import Path

import pytest

from cemaphore.sources import Folder, Kafka
from cemaphore.sources import parse as parse_sources
from collectors.mapping import parse
from kpi.vendor_names import load
from records.errors import ConfigError

DOCS = Path(__file__).parent.parent / "docs"


def sample(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8").split("```toml\n", 1)[1].split("```", 1)[0]


def test_the_sample_mapping_is_right() -> None:
    mapping = parse(sample("sources-sessions.md"), "sources-sessions.md")
    assert (mapping.name, mapping.fits("ACME_xdr_1.csv.gz"), len(mapping.columns)) == ("acme-probe", True, 8)


def test_the_sample_of_sources_is_right(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "kafka").write_text("hidden\n")
    text = (DOCS / "sources-sessions.md").read_text(encoding="utf-8").split("```toml\n")[2].split("```", 1)[0]
    grows, marked, bus = parse_sources(text)
    assert isinstance(grows, Folder)
    assert isinstance(marked, Folder)
    assert isinstance(bus, Kafka)
    assert (grows.watched(tmp_path).source, grows.watched(tmp_path).grows) == ("probe-west", True)
    assert marked.watched(tmp_path).move_to == tmp_path / "collected" / "pm"
    topics = bus.read(tmp_path)
    assert topics.settings["sasl.password"] == "hidden"
    assert "hidden" not in repr(topics)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('type = "folder"\npath = "a"\nkind = "telegrams"', "source x: kind: is no kind of record"),
        ('type = "folder"\npath = "a"\nmove_to = "a/b"', "source x: .*lies inside the folder"),
        ('type = "folder"\npath = "a"\nmarker = "done"', "source x: marker: "),
        ('type = "kafka"\nbrokers = "b"\ntopics = []', "source x: topics: "),
    ],
)
def test_what_is_wrong_with_a_source_is_named(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_sources(f'[[source]]\nname = "x"\n{text}\n')


def test_the_sample_of_vendor_names_is_right() -> None:
    names = load(sample("sources-pm.md"), file="sources-pm.md")
    assert names.standard("L.Thrp.bits.DL").factor == 0.001
