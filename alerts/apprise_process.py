"""The process that Apprise runs in: an audit hook ends every connection to an address that is not allowed.

Reads lines of JSON from standard input, the first an object (`url`, `networks`, `hosts`, `timeout_s`), each other one a
post, and answers each post with a line: null, or why it was not sent. Names are resolved by Apprise's libraries; what
counts is the address that a socket is about to connect to, so neither a second resolution nor a redirect leads
elsewhere.
"""

import ipaddress
import json
import logging
import re
import resource
import socket
import sys
from typing import Any

from alerts.outbound import AllowList

MEMORY_BYTES = 1 << 30  # answers are bounded by it (own)
_PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.spawn", "ctypes.dlopen")
_CONNECTING = ("socket.connect", "socket.sendto", "socket.sendmsg")
_STATUS = re.compile(r"error=(\d{3})")


class Guard:
    """Knows which address each allowed host was found at, and refuses what is not allowed."""

    def __init__(self, allow: AllowList) -> None:
        self._allow = allow
        self._hosts: dict[str, set[str]] = {}
        self.refused: str | None = None

    def install(self) -> None:
        """From here on every connection of this process is judged; there is no way back."""
        original: Any = socket.getaddrinfo

        def resolve(host: Any, *rest: Any, **named: Any) -> Any:
            found = original(host, *rest, **named)
            if host is not None:
                name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
                for entry in found:
                    self._hosts.setdefault(str(entry[4][0]), set()).add(name)
            return found

        socket.getaddrinfo = resolve
        sys.addaudithook(self._judge)

    def _judge(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _PROGRAMS:
            self._refuse("a program may not be started")
        if event not in _CONNECTING:
            return
        target = arguments[1] if len(arguments) > 1 else None
        if not isinstance(target, tuple):
            self._refuse("only internet addresses may be reached")
            return
        address = str(target[0])
        try:
            ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            self._refuse("a name may not be connected to without being resolved")
        if not any(self._allow.permits(host, address) for host in self._hosts.get(address, {""})):
            self._refuse(f"{address} is not public and not in CEMAPHORE_OUTBOUND_ALLOW")

    def _refuse(self, reason: str) -> None:
        self.refused = reason
        raise OSError(reason)


class _Reasons(logging.Handler):
    """Remembers the status of a refusal; Apprise's own words may hold addresses."""

    status: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if found := _STATUS.search(record.getMessage()):
            self.status = found.group(1)


def main() -> None:
    """Send what standard input says."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    order = json.loads(sys.stdin.readline())
    import apprise  # after the limit, and only in this process: it takes a second

    guard = Guard(AllowList.of([*order["networks"], *order["hosts"]]))
    reasons = _Reasons()
    logging.getLogger("apprise").addHandler(reasons)
    asset = apprise.AppriseAsset(http_redirects=False, storage_mode="memory", app_id="Cemaphore", app_desc="Cemaphore")
    service = apprise.Apprise.instantiate(order["url"], asset=asset)
    guard.install()
    socket.setdefaulttimeout(order["timeout_s"])
    for line in sys.stdin:
        result = _sent(service, json.loads(line), guard, reasons)
        print(json.dumps(result), flush=True)
        if result is not None:
            return


def _sent(service: Any, post: dict[str, Any], guard: Guard, reasons: _Reasons) -> str | None:
    if not service:
        return "the address is none that Apprise knows"
    guard.refused, reasons.status = None, None
    try:
        taken = service.notify(
            title=post["title"], body=post["body"], notify_type=post["kind"], attach=post["files"] or None
        )
    except Exception as error:  # of any of Apprise's plugins; its text may hold the address
        return f"Apprise failed: {type(error).__name__}"
    if taken:
        return None
    answered = f"the service answered {reasons.status}" if reasons.status else "the service took it not"
    return guard.refused or answered


if __name__ == "__main__":
    main()
