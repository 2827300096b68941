"""Asking over HTTP: limits of time and size, where it may go, and what it never does."""

import gzip
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from collectors.prometheus.fetching import Fetcher, UnreachableError
from collectors.prometheus.targets import Access
from records.errors import ConfigError
from tests.exporter import Exporter, exporting


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with exporting() as served:
        served.show("a 1\n")
        yield served


def get(url: str, **given: object) -> bytes:
    settings = {"timeout_s": 5, "attempts": 1, **given}
    fetcher = Fetcher(Access(url=url, **settings))  # type: ignore[arg-type]  # of a dict
    try:
        return fetcher.get().body
    finally:
        fetcher.close()


def refusal(url: str, **given: object) -> str:
    with pytest.raises(UnreachableError) as caught:
        get(url, **given)
    return caught.value.code


def test_what_passes_is_tried_again(exporter: Exporter) -> None:
    exporter.answer = lambda path: (503, b"") if len(exporter.asked) < 3 else (200, b"a 1\n")
    assert get(exporter.url, attempts=3) == b"a 1\n"
    assert len(exporter.asked) == 3


def test_an_answer_that_stays_busy_is_given_as_it_is(exporter: Exporter) -> None:
    exporter.status = 503
    exporter.show("busy")
    assert get(exporter.url, attempts=2) == b"busy"


def test_a_slow_answer_ends_in_time(exporter: Exporter) -> None:
    exporter.before = lambda: time.sleep(1.5)
    began = time.monotonic()
    assert refusal(exporter.url, timeout_s=0.3, attempts=3) == "timeout"
    assert time.monotonic() - began < 1.2


def test_a_large_answer_is_cut_off_also_when_it_was_small_on_the_wire(exporter: Exporter) -> None:
    exporter.body = b"x" * 2_000_000
    assert refusal(exporter.url, max_bytes=1_000_000) == "size"
    exporter.body, exporter.headers = gzip.compress(exporter.body), {"Content-Encoding": "gzip"}
    assert refusal(exporter.url, max_bytes=1_000_000) == "size"
    exporter.body = b"no gzip"
    assert refusal(exporter.url) == "encoding"


def test_a_redirect_is_not_followed(exporter: Exporter) -> None:
    with exporting() as other:
        exporter.status, exporter.headers = 302, {"Location": other.url}
        assert refusal(exporter.url) == "redirect"
        assert other.asked == []


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "0.0.0.0", "[::ffff:169.254.169.254]"])
def test_addresses_where_no_exporter_is_are_not_asked(host: str) -> None:
    assert refusal(f"http://{host}/latest/meta-data") == "address"


def test_only_the_networks_of_the_source_are_asked(exporter: Exporter) -> None:
    assert refusal(exporter.url, networks=(ip_network("10.0.0.0/8"),)) == "address"
    assert exporter.asked == []
    assert get(exporter.url, networks=(ip_network("127.0.0.0/8"),)) == b"a 1\n"


def test_proxies_of_the_environment_are_not_used(exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert get(exporter.url) == b"a 1\n"


def test_a_secret_header_is_read_anew_and_never_shown(exporter: Exporter, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    access = Access(url=exporter.url, headers={"X-Tenant": "hidden"}, header_files={"Authorization": secret})
    fetcher = Fetcher(access)
    for token in ("Bearer one", "Bearer two"):
        secret.write_text(token + "\n")
        fetcher.get()
        assert exporter.asked[-1][1]["Authorization"] == token
    secret.unlink()
    with pytest.raises(ConfigError, match="header Authorization"):
        fetcher.get()
    fetcher.close()
    assert "hidden" not in repr(access)


def test_a_name_without_an_address_is_no_connection() -> None:
    assert refusal("http://exporter.invalid/metrics") == "connection"
