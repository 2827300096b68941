"""Posts queued messages to webhooks: at least once, each with its idempotency key, tried again when it fails."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
import stamina

from records.errors import TransientError
from store import alerts as stored
from store.alerts import Delivery
from store.connection import Connection

TIMEOUT_S = 10.0
ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How often and how long a message is tried before it waits for the next run."""

    attempts: int = ATTEMPTS
    wait_s: float = 0.5
    timeout_s: float = TIMEOUT_S


def channels_of(urls: Sequence[str]) -> dict[str, str]:
    """Name each address without telling it: addresses of webhooks hold secrets."""
    return {f"webhook-{hashlib.sha256(url.encode()).hexdigest()[:8]}": url for url in urls}


def deliver(
    connection: Connection, channels: Mapping[str, str], now: datetime, retry: Retry | None = None
) -> tuple[int, int]:
    """Post what waits (autocommit connection); returns how many were taken and how many were not.

    A message is marked after it was taken: a crash in between sends it again, with the same `Idempotency-Key`.
    """
    retry = retry or Retry()
    taken = refused = 0
    with httpx.Client(timeout=retry.timeout_s) as client:
        for message in stored.undelivered(connection, list(channels)):
            try:
                _post(client, channels[message.channel], message, retry)
            except (httpx.HTTPError, httpx.InvalidURL, TransientError) as error:
                stored.failed(connection, message.delivery_id, _told(error))
                refused += 1
            else:
                stored.delivered(connection, message.delivery_id, now)
                taken += 1
    return taken, refused


def _post(client: httpx.Client, url: str, message: Delivery, retry: Retry) -> None:
    again = (httpx.TransportError, TransientError)
    for attempt in stamina.retry_context(
        on=again, attempts=retry.attempts, timeout=None, wait_initial=retry.wait_s, wait_max=10 * retry.wait_s
    ):
        with attempt:
            answer = client.post(url, json=message.body, headers={"Idempotency-Key": message.idempotency_key})
            if not answer.is_success:
                raise TransientError(f"the receiver answered {answer.status_code}")


def _told(error: Exception) -> str:
    """What went wrong without the address, which may hold a secret."""
    return str(error) if isinstance(error, TransientError) else type(error).__name__
