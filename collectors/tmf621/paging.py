"""All tickets of a list that a server gives page by page, though tickets change while it is read.

TMF630 gives `offset` and `limit`, the header `X-Total-Count`, and in some servers a `Link` to the next page. In a list
by `lastUpdate` a ticket that changes moves to the end, and all behind it move up by one: the next page would pass one
over. So each page is asked for from the last ticket of the one before on, and where that is not found, the reader
goes back.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from collectors.prometheus.fetching import Answer, Fetcher
from collectors.prometheus.targets import Access
from records.errors import ConfigError, TransientError

_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')
_MOST_PAGES = 100_000
_MOST_STEPS_BACK = 1000


@dataclass(frozen=True, kw_only=True)
class Page:
    """Entries of one answer that were not in an earlier one."""

    entries: list[Any]
    name: str


@dataclass(kw_only=True)
class Reader:
    """Reads one list; `total` is what the server says that it holds."""

    fetcher: Fetcher
    access: Access
    limit: int
    total: int | None = None
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def pages(self, query: Mapping[str, str]) -> Iterator[Page]:
        """Yield page after page; raises `TransientError` or `ConfigError` with the server's words."""
        offset, overlapped, steps_back, back = 0, False, 0, False
        link: dict[str, str] | None = None
        for number in range(1, _MOST_PAGES + 1):
            where = {"offset": str(offset), "limit": str(self.limit)}
            answer = self._ask({**query, **(where if link is None else link)})
            entries = _entries(answer)
            if overlapped and entries and _key(entries[0]) not in self._seen and steps_back < _MOST_STEPS_BACK:
                offset, overlapped, steps_back = max(0, offset - self.limit), offset > self.limit, steps_back + 1
                back = True
                continue
            new = [entry for entry in entries if self._note(entry)]
            yield Page(entries=new, name=f"page {number}, offset {offset}" if link is None else f"page {number}")
            link = self._next_link(answer)
            if link is not None and "offset" not in link:
                if not new:
                    break
                continue
            link = None
            if (not new and not back) or (self.total is not None and offset + len(entries) >= self.total):
                break
            overlapped, back = len(entries) > 1, False
            offset += len(entries) - overlapped
        if self.total is not None and len(self._seen) < self.total and not new:
            raise TransientError(
                f"it says {self.total} tickets and gave {len(self._seen)}: are offset and limit heard?"
            )

    def _ask(self, query: Mapping[str, str]) -> Answer:
        answer = self.fetcher.get(query=query, accept="application/json")
        if answer.status >= 500 or answer.status in (408, 425, 429):
            raise TransientError(f"status {answer.status}{_said(answer)}")
        if answer.status not in (200, 204, 206):
            raise ConfigError(f"{self.access.instance} answers with status {answer.status}{_said(answer)}")
        total = answer.headers.get("x-total-count", "")
        self.total = int(total) if total.isascii() and total.isdigit() else None
        return answer

    def _note(self, entry: Any) -> bool:
        """Whether an entry is new; what cannot be told from others always is."""
        key = _key(entry)
        if key is None:
            return True
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _next_link(self, answer: Answer) -> dict[str, str] | None:
        """The query of the next page; None where there is no link, or one that leads elsewhere."""
        found = _NEXT.search(answer.headers.get("link", ""))
        if found is None:
            return None
        given, own = urlsplit(urljoin(self.access.url, found[1])), urlsplit(self.access.url)
        if (given.scheme, given.netloc, given.path) != (own.scheme, own.netloc, own.path):
            raise ConfigError(f"{self.access.instance} names a next page at another address: it is not followed")
        return dict(parse_qsl(given.query, keep_blank_values=True))


def _key(entry: Any) -> tuple[str, str] | None:
    if not isinstance(entry, dict) or not entry.get("id"):
        return None
    return str(entry["id"]), str(entry.get("lastUpdate"))


def _entries(answer: Answer) -> list[Any]:
    if answer.status == 204 or not answer.body.strip():
        return []
    try:
        found = json.loads(answer.body, parse_constant=str)
    except (ValueError, RecursionError):
        raise TransientError("its answer is no JSON") from None
    if not isinstance(found, list):
        raise ConfigError("its answer is no JSON array: does the address end in /troubleTicket?")
    return found


def _said(answer: Answer) -> str:
    """The `reason` of a TMF630 error, cut short."""
    try:
        found = json.loads(answer.body)
        text = found.get("reason") or found.get("message") if isinstance(found, dict) else None
    except (ValueError, RecursionError):
        return ""
    return f": {str(text)[:200]}" if text else ""
