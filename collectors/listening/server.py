"""The HTTP server of a listener: where it listens, under which certificate, and what it allows at most."""

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from records.errors import ConfigError

_CONNECTIONS = 512
_KEEP_ALIVE_S = 30
_SHUTDOWN_S = 30


@dataclass(frozen=True, kw_only=True)
class Listening:
    """Address and TLS; with `client_ca` only clients with a certificate of that authority are heard."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    without_tls: bool = False

    def check(self) -> None:
        """Raise `ConfigError` for files that are missing, and for passwords in the clear on a network."""
        for name, file in (("certificate", self.certificate), ("key", self.key), ("client CA", self.client_ca)):
            if file is not None and not file.is_file():
                raise ConfigError(f"The TLS {name} {file} is not there.")
        if (self.certificate is None) != (self.key is None):
            raise ConfigError("A TLS certificate and its key go together: give both or neither.")
        if self.certificate is None and self.client_ca is not None:
            raise ConfigError("A client CA needs a TLS certificate of the server.")
        if self.certificate is None and not self.without_tls and not _is_loopback(self.host):
            raise ConfigError(
                f"{self.host} is reached over the network and passwords would go in the clear: give a TLS certificate "
                "and key, or, behind a proxy that ends TLS, say --without-tls."
            )
        self._check_port()

    def _check_port(self) -> None:
        """Find out now, with a message of ours, what the server would find out when it starts."""
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, kind, protocol, _, address in found:
                with socket.socket(family, kind, protocol) as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(address)
        except OSError as error:
            raise ConfigError(f"{self.host}, port {self.port}, cannot be listened on: {error.strerror}.") from None


def server(app: ASGIApp, listening: Listening) -> uvicorn.Server:
    """The server, ready to run; raises `ConfigError` where the certificate cannot be used."""
    listening.check()
    config = uvicorn.Config(
        app,
        host=listening.host,
        port=listening.port,
        ssl_certfile=listening.certificate,
        ssl_keyfile=listening.key,
        ssl_ca_certs=str(listening.client_ca) if listening.client_ca else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if listening.client_ca else ssl.CERT_NONE,
        http="h11",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )
    try:
        config.load()
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(f"The TLS certificate or key cannot be used: {error}.") from None
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return uvicorn.Server(config)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
