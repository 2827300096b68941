"""Log lines as JSON on standard error, without anything that names a person or opens a door."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

_HIDDEN = "[hidden]"
_PLAIN = ("timestamp", "level", "at", "slot")  # moments and a word: digits that name nobody
_NAMES = re.compile(r"subscriber|customer|imsi|msisdn|identifier|password|secret|token|dsn|url", re.IGNORECASE)
_PATTERNS = (
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), _HIDDEN),  # e-mail
    (re.compile(r"://[^/\s@]+@"), f"://{_HIDDEN}@"),  # user and password of an address
    (re.compile(r"https?://\S+"), _HIDDEN),  # webhooks hold secrets in their path
)
# Numbers as long as a subscriber's, also behind a few letters (accounts), and no dates.
_NUMBER = re.compile(r"(?<![A-Za-z0-9])(?<!\d\.)[A-Za-z]{0,4}\+?\d[\d -]{5,}\d(?![A-Za-z0-9]|\.\d)")
_DATE = re.compile(r"(?:19|20)\d\d-\d\d-\d\d(?: \d\d)?")


def redact(logger: Any, method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Hide what may identify a person: by the name of a field, and by what a text looks like."""
    return {name: value if name in _PLAIN else _redacted(name, value) for name, value in event.items()}


def _redacted(name: str, value: Any) -> Any:
    if _NAMES.search(name):
        return _HIDDEN
    if isinstance(value, Mapping):
        return {key: _redacted(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(name, inner) for inner in value]
    if isinstance(value, bool | float) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**9 else _HIDDEN
    text = str(value)
    for pattern, shown in _PATTERNS:
        text = pattern.sub(shown, text)
    return _NUMBER.sub(lambda found: found[0] if _DATE.fullmatch(found[0]) else _HIDDEN, text)


def configure(level: str, stream: TextIO | None = None) -> structlog.typing.FilteringBoundLogger:
    """Set up logging for this process and return the logger; `level` as in the setting `log_level`."""
    number = getattr(logging, level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


def adopt_libraries(level: str) -> None:
    """Write what libraries log in the same form; a run that was skipped because the last one still goes is no news."""
    before: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    shown: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        redact,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=shown, foreign_pre_chain=before))
    logging.basicConfig(handlers=[handler], level=max(logging.WARNING, getattr(logging, level.upper())))
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
