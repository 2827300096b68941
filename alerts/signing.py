"""Signatures of webhooks after Standard Webhooks 1.0: whoever knows the secret can tell ours from anybody's."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from records.errors import ConfigError, DataError

# How old a message may be before it is taken for a replay (Standard Webhooks asks for a tolerance, names none; own).
TOLERANCE_S = 300
LEAST_SECRET_BYTES = 24  # Standard Webhooks 1.0: secrets of 24 to 64 bytes
_PREFIX = "whsec_"


def secret_of(text: str) -> bytes:
    """Return a secret's bytes: after `whsec_` it is base64, else the text itself; too short ones are refused."""
    try:
        found = (
            base64.b64decode(text.removeprefix(_PREFIX), validate=True) if text.startswith(_PREFIX) else text.encode()
        )
    except ValueError:
        raise ConfigError("a signing secret that begins with whsec_ must go on in base64") from None
    if len(found) < LEAST_SECRET_BYTES:
        raise ConfigError(f"a signing secret must have {LEAST_SECRET_BYTES} bytes at least, this one has {len(found)}")
    return found


def signed(secret: bytes, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers that sign a body: `webhook-id`, `webhook-timestamp`, `webhook-signature`."""
    moment = str(int(now.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{_signature(secret, message_id, moment, body)}",
    }


def verify(secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise `DataError` unless a message is ours, unchanged and fresh; this is what a receiver does."""
    given = {name.lower(): value for name, value in headers.items()}
    message_id, moment = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not moment.isdigit() or abs(now.timestamp() - int(moment)) > TOLERANCE_S:
        raise DataError(f"the message is not from within {TOLERANCE_S} s of now", code="replayed")
    wanted = f"v1,{_signature(secret, message_id, moment, body)}"
    if not any(hmac.compare_digest(wanted, each) for each in given.get("webhook-signature", "").split()):
        raise DataError("the signature is not that of this message", code="signature")


def _signature(secret: bytes, message_id: str, moment: str, body: bytes) -> str:
    text = f"{message_id}.{moment}.".encode() + body
    return base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode("ascii")
