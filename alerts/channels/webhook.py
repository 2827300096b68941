"""Posts an alert's facts as JSON: with an idempotency key, signed where the receiver has a secret."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import stamina

from alerts import signing
from alerts.channels import Letter, Refusal
from alerts.outbound import Answer, Outbound
from alerts.receivers import Receiver
from records.errors import ConfigError, TransientError

ATTEMPTS = 3
WAIT_S = 0.5
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_REFUSING = frozenset({400, 413, 415, 422})  # of this message; 401, 404 and others are of the receiver

Body = Callable[[Letter], Mapping[str, Any]]


class _BusyError(TransientError):
    """An answer that may be another one a moment later."""


class _RefusedError(ConfigError):
    """An answer that says that this message is not as it should be."""


class Webhook:
    """One receiver's address; bodies are made by `body`."""

    def __init__(self, receiver: Receiver, outbound: Outbound, body: Body) -> None:
        self._url = receiver.address.read()
        self._headers = {name: value.read() for name, value in receiver.headers.items()}
        self._secret = None if receiver.secret is None else signing.secret_of(receiver.secret.read())
        self._outbound = outbound
        self._body = body

    def tell(self, letters: Sequence[Letter]) -> Iterator[str | None]:
        """Post one after the other until the receiver is not to be had: tried again for as long as an answer has."""
        for letter in letters:
            try:
                self._post(letter)
            except _RefusedError as error:
                yield Refusal(error)
                continue
            except (ConfigError, TransientError) as error:
                yield str(error)
                return
            yield None

    def _post(self, letter: Letter) -> None:
        content = json.dumps(self._body(letter), ensure_ascii=False).encode()
        for attempt in stamina.retry_context(
            on=TransientError,
            attempts=ATTEMPTS,
            timeout=self._outbound.timeout_s,
            wait_initial=WAIT_S,
            wait_max=10 * WAIT_S,
        ):
            with attempt:
                answer = self._outbound.send("POST", self._url, headers=self._signed(letter, content), content=content)
                _check(answer)

    def _signed(self, letter: Letter, content: bytes) -> dict[str, str]:
        headers = {**self._headers, "Content-Type": "application/json", "Idempotency-Key": letter.key}
        if self._secret is not None:
            headers |= signing.signed(self._secret, letter.key, content, datetime.now(UTC))
        return headers


def _check(answer: Answer) -> None:
    if 200 <= answer.status < 300:
        return
    if answer.status in _PASSING:
        raise _BusyError(f"the receiver answered {answer.status}")
    if answer.status in _REFUSING:
        raise _RefusedError(f"the receiver answered {answer.status}")
    raise ConfigError(f"the receiver answered {answer.status}")


def facts_of(letter: Letter) -> dict[str, Any]:
    """The body: the facts as they are stored, and their words in the receiver's language."""
    text = {"language": letter.language, "title": letter.title, "lines": list(letter.lines), "url": letter.url}
    return {**letter.facts.to_json(), "key": letter.key, "text": text}


def open_channel(receiver: Receiver, outbound: Outbound) -> Webhook:
    """Open a webhook that takes our own body."""
    return Webhook(receiver, outbound, facts_of)
