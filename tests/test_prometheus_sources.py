"""`sources.toml`: what is right is read, what is wrong is named with its source and field."""

from pathlib import Path

import pytest

from cemaphore.settings import load_settings
from cemaphore.sources import PrometheusApi, PrometheusScrape, chosen, load_sources, parse
from records.errors import ConfigError

DOCS = Path(__file__).parent.parent / "docs" / "sources-prometheus.md"
SCRAPE = '[[source]]\nname = "amf"\ntype = "prometheus-scrape"\nurl = "http://amf:9090/metrics"\n'


def test_the_sample_of_the_documentation_is_right(tmp_path: Path) -> None:
    text = DOCS.read_text(encoding="utf-8")
    sample = text.split("```toml\n", 1)[1].split("```", 1)[0]
    (tmp_path / "sources.toml").write_text(sample, encoding="utf-8")
    found = load_sources(load_settings(home=tmp_path))
    assert [type(source) for source in found] == [PrometheusScrape, PrometheusApi]
    (scraped,), (asked,) = chosen(found, PrometheusScrape), chosen(found, PrometheusApi, ["prometheus"])
    assert scraped.target(tmp_path).access.header_files["Authorization"] == tmp_path / "secrets/amf-token"
    assert asked.target(tmp_path).match == ('{job=~"open5gs-.*"}',)


def test_no_file_means_no_sources(tmp_path: Path) -> None:
    assert load_sources(load_settings(home=tmp_path)) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[source]\n", "not valid TOML"),
        ("[sources]\n", "'sources' is nothing that it knows"),
        ('[[source]]\nname = "a"\ntype = "snmp"\n', "source a: type: .*prometheus-scrape"),
        ('[[source]]\ntype = "prometheus-scrape"\nurl = "http://a/"\n', "source 1: name: Field required"),
        (SCRAPE.replace("http:", "ftp:"), "source amf: url: is no address such as"),
        (SCRAPE.replace("amf:9090", "u:hidden@amf"), "source amf: url: holds a user or password"),
        (SCRAPE + "interval = 5\n", "source amf: interval: Extra inputs"),
        (SCRAPE + "interval_s = 0\n", "source amf: interval_s: .*greater than or equal to 1"),
        (SCRAPE + 'networks = ["10.0.0.1/8"]\n', "source amf: networks.0"),
        (SCRAPE + SCRAPE, "2 sources are called 'amf'"),
        (SCRAPE.replace("scrape", "api"), "source amf: "),
        (SCRAPE.replace("scrape", "api").replace("/metrics", "/api/v1") + "", "url: names a part of the API"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    if message == "source amf: ":
        text += "chunk_points = 11000\n"
        message = "source amf: chunk_points: .*less than 11000"
    with pytest.raises(ConfigError, match=message) as caught:
        parse(text)
    assert "hidden" not in str(caught.value)


def test_a_name_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match="no source 'smf' of this type; there are: amf"):
        chosen(parse(SCRAPE), PrometheusScrape, ["smf"])
