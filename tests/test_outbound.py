"""Nothing internal can be reached through an address in a file, however it is written."""

import contextlib
import ipaddress
import socket
import time
from collections.abc import Iterator, Sequence
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.outbound import AllowList, Outbound, RefusedError, checked
from records.addresses import is_public, reached
from records.errors import ConfigError, TransientError
from tests.receiving import Hook, hook

NOTHING = AllowList()
INTERNAL = [
    "127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "192.0.0.1", "198.18.0.1", "240.0.0.1", "255.255.255.255", "224.0.0.1", "192.0.2.1",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::127.0.0.1",
    "64:ff9b:1::10.0.0.1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
]  # fmt: skip
PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]


@pytest.fixture
def served() -> Iterator[Hook]:
    with hook() as made:
        yield made


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_addresses_are_refused_in_every_form(address: str) -> None:
    assert not NOTHING.permits("hooks.example.org", address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    assert NOTHING.permits("hooks.example.org", address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_every_ipv6_coat(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    coats = [(0xFFFF << 32) + number, (0x64FF9B << 96) + number, (0x2002 << 112) + (number << 80) + 1]
    for coat in coats:
        assert reached(str(ipaddress.IPv6Address(coat))) == address
    assert NOTHING.permits("x", str(ipaddress.IPv6Address(coats[0]))) is is_public(address)


@given(st.ip_addresses())
def test_what_is_permitted_is_never_private_loopback_link_local_or_multicast(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if NOTHING.permits("hooks.example.org", str(address)):
        found = reached(str(address))
        assert not (found.is_private)
        assert not (found.is_loopback)
        assert not (found.is_link_local)
        assert not (found.is_multicast)


def test_the_operator_allows_networks_and_hosts() -> None:
    allow = AllowList.of(["10.20.0.0/16", "::1", "mail.example.org"])
    assert allow.permits("anything", "10.20.3.4")
    assert allow.permits("anything", "::ffff:10.20.3.4")
    assert allow.permits("anything", "::1")
    assert not allow.permits("anything", "10.21.3.4")
    assert allow.permits("Mail.Example.Org.", "192.168.1.1")
    assert not allow.permits("mail.example.org.evil.example", "192.168.1.1")
    assert not allow.permits("mail.example.org", "169.254.169.254"), "link-local only by network"
    assert AllowList.of(["169.254.169.254"]).permits("metadata", "169.254.169.254")


@pytest.mark.parametrize("entry", ["1.2.3.4.5", "10.0.0.1/8", "http://example.org", "a b", "-x.org", "*", ""])
def test_an_entry_that_is_neither_is_refused(entry: str) -> None:
    with pytest.raises(ConfigError, match="neither a network"):
        AllowList.of([entry])


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://example.org/", "gopher://example.org:25/x", "//example.org/", "example.org",
        "http:///path", "http://user@127.0.0.1/", "http://public.example@127.0.0.1/", "http://example.org\\@127.0.0.1/",
        "http://①②⑦.⓪.⓪.①/", "https://:token@example.org/", "http://exam\nple.org/", "javascript:alert(1)", "",
    ],
)  # fmt: skip
def test_urls_that_say_something_else_are_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(url)
    assert "token" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0"],
)
def test_the_machine_itself_is_not_reached_however_it_is_spelt(served: Hook, host: str) -> None:
    outbound = Outbound(allow=NOTHING, timeout_s=2)
    with pytest.raises((ConfigError, TransientError)):
        outbound.send("POST", f"http://{host}:{served.port}/", content=b"{}")
    assert served.got == []


def test_one_internal_address_among_public_ones_refuses_the_host(served: Hook) -> None:
    outbound = Outbound(allow=NOTHING, timeout_s=2, resolve=lambda host, port: ["93.184.216.34", "127.0.0.1"])
    with pytest.raises(RefusedError, match=r"127\.0\.0\.1, which is not public"):
        outbound.send("POST", f"http://rebinding.example:{served.port}/")


def test_what_was_checked_is_what_is_asked(served: Hook) -> None:
    """A name that means another address at its second resolution (DNS rebinding) is resolved once."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    outbound = Outbound(allow=AllowList.of(["127.0.0.1"]), timeout_s=2, resolve=resolve)
    answer = outbound.send("POST", f"http://rebinding.example:{served.port}/x", content=b"{}")
    assert (answer.status, asked) == (200, ["rebinding.example"])
    assert served.headers[0]["host"] == f"rebinding.example:{served.port}"


def test_redirects_lead_nowhere(served: Hook) -> None:
    served.answers, served.location = [302], "http://169.254.169.254/latest/meta-data"
    outbound = Outbound(allow=AllowList.of(["127.0.0.1"]), timeout_s=2)
    with pytest.raises(RefusedError, match="redirects are not followed"):
        outbound.send("POST", served.url, content=b"{}")


def test_answers_are_bounded_in_size_and_time(served: Hook) -> None:
    outbound = Outbound(allow=AllowList.of(["127.0.0.1"]), timeout_s=2)
    served.body = b"x" * (1 << 20)
    assert len(outbound.send("GET", served.url).body) == 1 << 20
    served.body += b"x"
    with pytest.raises(TransientError, match="more than 1 MiB"):
        outbound.send("GET", served.url)


@pytest.mark.parametrize("drop", [b"X-More: 1\r\n", b"\r\nx"])
def test_a_server_that_drips_bytes_does_not_keep_the_connection(drop: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        dripping = Thread(target=_drip, args=(server, drop))
        dripping.start()
        outbound = Outbound(allow=AllowList.of(["127.0.0.1"]), timeout_s=0.5)
        begin = time.monotonic()
        with pytest.raises(TransientError, match=r"127\.0\.0\.1 gave no answer: not within 0\.5 s"):
            outbound.send("GET", f"http://127.0.0.1:{server.getsockname()[1]}/")
        assert time.monotonic() - begin < 2
        dripping.join()


def _drip(server: socket.socket, drop: bytes) -> None:
    """Begin an answer at once, and go on with it for a minute; or until the other side has gone."""
    taken, _ = server.accept()
    with taken, contextlib.suppress(OSError):
        taken.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(600):
            taken.sendall(drop)
            time.sleep(0.1)


def test_the_next_address_is_asked_where_one_does_not_answer(served: Hook) -> None:
    allow = AllowList.of(["127.0.0.0/8"])
    outbound = Outbound(allow=allow, timeout_s=2, resolve=lambda host, port: ["127.0.0.2", "127.0.0.1"])
    assert outbound.send("GET", f"http://two.example:{served.port}/").status == 200


@pytest.mark.parametrize("allow", [NOTHING, AllowList.of(["127.0.0.1"])])
def test_errors_name_no_path(allow: AllowList) -> None:
    with pytest.raises((ConfigError, TransientError)) as caught:
        Outbound(allow=allow, timeout_s=1).send("GET", "http://127.0.0.1:1/secret?token=1")
    assert "secret" not in str(caught.value)
    assert "token" not in str(caught.value)


@pytest.mark.parametrize("host", ["2130706433", "0177.0.0.1", "0x7f.1", "127.1", "0"])
def test_what_the_system_makes_of_odd_numbers_is_judged(host: str) -> None:
    with pytest.raises(RefusedError):
        Outbound(allow=NOTHING).addresses(host, 80)
