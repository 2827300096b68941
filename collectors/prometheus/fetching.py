"""Asking one address over HTTP: bounded in time and size, only where the configuration allows."""

import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
import stamina

from collectors.prometheus.targets import Access
from records.addresses import Address, parsed, reached
from records.errors import ConfigError, TransientError

_PASSING = frozenset({429, 502, 503, 504})


class UnreachableError(TransientError):
    """No usable answer; `code` is a short stable word: timeout, connection, tls, address, redirect, status, size."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class _BusyError(Exception):
    def __init__(self, answer: "Answer") -> None:
        self.answer = answer


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer, decompressed; names of headers are in lower case."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Fetcher:
    """Keeps the connection to one address; close it when done."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = httpx.Client(
            timeout=access.timeout_s, verify=_trust(access), trust_env=False, follow_redirects=False
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def get(self, path: str = "", query: Mapping[str, str] | None = None, *, accept: str = "*/*") -> Answer:
        """Return the answer to a GET of the address and `path`, whatever its status; raises `UnreachableError`.

        What may pass (no connection, 429, 502, 503, 504) is tried again while time is left.
        """
        access = self._access
        deadline = time.monotonic() + access.timeout_s
        try:
            for attempt in stamina.retry_context(
                on=(httpx.TransportError, _BusyError),
                attempts=access.attempts,
                timeout=access.timeout_s,
                wait_initial=0.1,
                wait_max=2.0,
                wait_jitter=0.2,
            ):
                with attempt:
                    answer = self._once(path, query, accept, deadline)
                    if answer.status in _PASSING:
                        raise _BusyError(answer)
        except _BusyError as busy:
            return busy.answer
        except httpx.TimeoutException:
            raise UnreachableError(f"no whole answer within {access.timeout_s:g} s", "timeout") from None
        except httpx.TransportError as error:
            code = "tls" if isinstance(error.__cause__ or error.__context__, ssl.SSLError) else "connection"
            raise UnreachableError(f"no connection: {str(error) or type(error).__name__}", code) from None
        except httpx.DecodingError:
            raise UnreachableError("the answer is compressed, and broken", "encoding") from None
        return answer

    def _once(self, path: str, query: Mapping[str, str] | None, accept: str, deadline: float) -> Answer:
        access = self._access
        left = deadline - time.monotonic()
        if left <= 0:
            raise httpx.ReadTimeout("deadline")
        self._check_name()
        headers = {**access.headers, **_from_files(access), "Accept": accept}
        headers["X-Prometheus-Scrape-Timeout-Seconds"] = f"{access.timeout_s:g}"
        with self._client.stream("GET", access.url + path, params=query, headers=headers, timeout=left) as response:
            self._check_peer(response)
            if response.is_redirect:
                raise UnreachableError(
                    f"status {response.status_code} redirects elsewhere; name that address", "redirect"
                )
            body = bytearray()
            for piece in response.iter_bytes(65_536):
                body += piece
                if len(body) > access.max_bytes:
                    raise UnreachableError(f"the answer is larger than max_bytes = {access.max_bytes}", "size")
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("deadline")
            kind = response.headers.get("Content-Type", "")
            given = {name.lower(): value for name, value in response.headers.items()}
            return Answer(status=response.status_code, content_type=kind, body=bytes(body), headers=given)

    def _check_name(self) -> None:
        """Refuse before a byte is sent; the name may be resolved anew for the connection, hence `_check_peer`."""
        host = httpx.URL(self._access.url).host
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{host} has no address: {error}") from None
        for entry in found:
            self._check_address(str(entry[4][0]))

    def _check_peer(self, response: httpx.Response) -> None:
        peer = response.extensions["network_stream"].get_extra_info("server_addr")
        self._check_address(str(peer[0]))

    def _check_address(self, text: str) -> None:
        address = reached(text)
        networks = self._access.networks
        named = any(each in network for network in networks for each in (address, parsed(text)))
        if named or (not networks and not _special(address)):
            return
        raise UnreachableError(f"its address {address} is in none of the networks that the source allows", "address")


def _special(address: Address) -> bool:
    """Addresses where no exporter is but a cloud's metadata service may be."""
    return address.is_link_local or address.is_multicast or address.is_unspecified


def _trust(access: Access) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=access.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"ca_file {access.ca_file} holds no certificates: {error}") from None


def _from_files(access: Access) -> dict[str, str]:
    values = {}
    for name, path in access.header_files.items():
        try:
            values[name] = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not ASCII text"
            raise ConfigError(f"the file of header {name}, {path}, cannot be read: {reason}") from None
    return values
