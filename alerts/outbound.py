"""Requests to addresses that a file names: only where the operator allows it, checked after resolution and pinned."""

import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

import httpx

from alerts.deadline import Deadline
from records.addresses import Address, is_public, parsed, reached
from records.errors import ConfigError, TransientError

Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

SCHEMES = ("http", "https")
MAX_ANSWER_BYTES = 1 << 20
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")


class RefusedError(ConfigError):
    """An address where nothing may be sent to; the text names host and reason, never path or query."""


@dataclass(frozen=True, kw_only=True)
class AllowList:
    """Where requests may go beside public addresses: `networks`, and `hosts` by name, be their addresses private.

    Link-local addresses (a cloud's metadata service among them), multicast and unspecified ones are reached through a
    network that names them, never through a host.
    """

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, entries: Sequence[str]) -> "AllowList":
        """Read networks (`10.20.0.0/16`, `::1`) and host names; raises `ConfigError` for what is neither."""
        networks: list[Network] = []
        hosts: set[str] = set()
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry))
            except ValueError:
                hosts.add(_host_name(entry))
        return cls(networks=tuple(networks), hosts=frozenset(hosts))

    def permits(self, host: str, address: str) -> bool:
        """Whether a request to `host` may go to this one of its addresses."""
        found = reached(address)
        if any(each in network for network in self.networks for each in (found, parsed(address))):
            return True
        if is_public(found):
            return True
        return host.lower().rstrip(".") in self.hosts and not _never_by_name(found)


def _host_name(entry: str) -> str:
    name = entry.lower().rstrip(".")
    if not _HOST.fullmatch(name) or name.replace(".", "").isdigit():
        raise ConfigError(f"{entry!r} is neither a network such as 10.20.0.0/16 nor a host such as hooks.example.org")
    return name


def _never_by_name(address: Address) -> bool:
    return address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, as the system resolves it, in its order."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TransientError(f"{host} has no address") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def checked(url: str, schemes: Sequence[str] = SCHEMES) -> httpx.URL:
    """Return a URL of a file as it will be asked; raises `ConfigError` without the URL, which may hold a secret."""
    try:
        found = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise ConfigError("the address is no URL such as https://hooks.example.org/cemaphore") from None
    if found.scheme not in schemes or not found.host:
        raise ConfigError(f"the address must begin with {' or '.join(f'{scheme}://HOST' for scheme in schemes)}")
    if found.userinfo:
        raise ConfigError("the address holds a user or password; send an Authorization header instead")
    return found


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back; bodies end at 1 MiB."""

    status: int
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Outbound:
    """Sends requests under an allow-list: one resolution, every address checked, one of them asked, no redirects.

    An answer has `timeout_s` in all.
    """

    allow: AllowList
    timeout_s: float = 10.0
    resolve: Resolve = resolve
    trust: ssl.SSLContext | None = None  # None: the system's certificates

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """Resolve and check; raises `RefusedError` when any address of the host may not be asked."""
        found = self.resolve(host, port)
        for address in found:
            if not self.allow.permits(host, address):
                raise RefusedError(
                    f"{host} is at {address}, which is not public and not in CEMAPHORE_OUTBOUND_ALLOW; "
                    "list its network or the host there if messages may go to it"
                )
        return found

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Answer:
        """Return the answer of a public or allowed address; raises `RefusedError`, or `TransientError` without one."""
        target = checked(url)
        host, port = target.host, target.port or (443 if target.scheme == "https" else 80)
        deadline = time.monotonic() + self.timeout_s
        failure = TransientError(f"{host} has no address")
        for address in self.addresses(host, port):
            try:
                return self._ask(method, target, address, dict(headers or {}), content, deadline)
            except httpx.ConnectError as error:
                failure = TransientError(f"no connection to {host}: {_without_address(error)}")
            except httpx.TransportError as error:
                late = time.monotonic() >= deadline
                reason = f"not within {self.timeout_s:g} s" if late else type(error).__name__
                raise TransientError(f"{host} gave no answer: {reason}") from None
        raise failure

    def _ask(
        self,
        method: str,
        target: httpx.URL,
        address: str,
        headers: dict[str, str],
        content: bytes | None,
        deadline: float,
    ) -> Answer:
        """Ask the one address; name for `Host`, TLS and certificate stay those of the URL."""
        left = max(deadline - time.monotonic(), 0.001)
        with (
            Deadline(left) as cut,
            httpx.Client(timeout=left, trust_env=False, follow_redirects=False, verify=self.trust or True) as client,
            client.stream(
                method,
                target.copy_with(host=address),
                headers={**headers, "Host": target.netloc.decode("ascii"), "Accept-Encoding": "identity"},
                content=content,
                extensions={"sni_hostname": target.raw_host.decode("ascii"), "trace": cut.trace},
            ) as response,
        ):
            if response.is_redirect:
                raise RefusedError(f"{target.host} answered {response.status_code}: redirects are not followed")
            return Answer(status=response.status_code, body=_body(response, target.host, deadline))


def _body(response: httpx.Response, host: str, deadline: float) -> bytes:
    body = bytearray()
    for piece in response.iter_raw(65_536):
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            raise TransientError(f"{host} answered more than {MAX_ANSWER_BYTES >> 20} MiB")
    if time.monotonic() >= deadline:
        raise httpx.ReadTimeout("deadline")  # what ends with the connection may be cut
    return bytes(body)


def _without_address(error: Exception) -> str:
    return str(error).partition("://")[0][:200] or type(error).__name__
