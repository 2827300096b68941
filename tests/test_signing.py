"""Signed messages: ours, unchanged and fresh, or refused."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from alerts.signing import TOLERANCE_S, secret_of, signed, verify
from records.errors import ConfigError, DataError

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECRET = secret_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def test_the_example_of_standard_webhooks_is_signed_as_published() -> None:
    """The test vector of the reference libraries of Standard Webhooks."""
    moment = datetime.fromtimestamp(1614265330, UTC)
    headers = signed(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', moment)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_message_of_ours_passes() -> None:
    headers = {name.title(): value for name, value in signed(SECRET, "a:firing:1", b"{}", NOW).items()}
    headers["Webhook-Signature"] = "v1,AAAA " + headers["Webhook-Signature"]
    verify(SECRET, headers, b"{}", NOW + timedelta(seconds=TOLERANCE_S))


@pytest.mark.parametrize(
    ("body", "other", "late_s", "code"),
    [
        (b"{ }", {}, 0, "signature"),
        (b"{}", {"webhook-id": "b"}, 0, "signature"),
        (b"{}", {"webhook-signature": ""}, 0, "signature"),
        (b"{}", {}, TOLERANCE_S + 1, "replayed"),
        (b"{}", {}, -TOLERANCE_S - 1, "replayed"),
        (b"{}", {"webhook-timestamp": "x"}, 0, "replayed"),
    ],
)
def test_what_is_not_ours_is_refused(body: bytes, other: dict[str, str], late_s: int, code: str) -> None:
    headers = {**signed(SECRET, "a", b"{}", NOW), **other}
    with pytest.raises(DataError) as caught:
        verify(SECRET, headers, body, NOW + timedelta(seconds=late_s))
    assert caught.value.code == code


def test_secrets_that_are_too_short_or_broken_are_refused() -> None:
    assert secret_of("x" * 24) == b"x" * 24
    for text, message in (("short", "24 bytes at least"), ("whsec_%%%", "base64"), ("whsec_YWJj", "24 bytes")):
        with pytest.raises(ConfigError, match=message):
            secret_of(text)
    assert len(base64.b64encode(SECRET)) == 32
