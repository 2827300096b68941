"""Mail, chat and SMS through Apprise, in a process of its own where no address is reached that is not allowed."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Timer

from alerts.channels import Letter
from alerts.outbound import AllowList, Outbound
from alerts.receivers import Receiver

MODULE = "alerts.apprise_process"
START_S = 20.0  # until the process has loaded Apprise on a busy machine (own)
_HIDDEN = ("CEMAPHORE_", "PG")


@dataclass(frozen=True, kw_only=True)
class Post:
    """What Apprise sends at once; `kind` is its type of a message, `files` lie on this machine."""

    title: str
    body: str
    kind: str
    files: tuple[str, ...] = ()


class Apprise:
    """One Apprise URL."""

    def __init__(self, receiver: Receiver, outbound: Outbound) -> None:
        self._url = receiver.address.read()
        self._outbound = outbound

    def tell(self, letters: Sequence[Letter]) -> Iterator[str | None]:
        """Send letters one after the other until one is not taken."""
        yield from self.post([Post(title=one.title, body=_text(one), kind=_kind(one)) for one in letters])

    def post(self, posts: Sequence[Post]) -> Iterator[str | None]:
        """Send one after the other until one is not taken; the process is ended when one takes too long.

        It gets each when the next is asked for: whoever stops between two has told of none that he knows nothing of.
        """
        order = {"url": self._url, **_shape(self._outbound.allow), "timeout_s": self._outbound.timeout_s}
        with subprocess.Popen(
            [sys.executable, "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=_environment(),
        ) as process:
            try:
                lines = [json.dumps(order)]
                for one in posts:
                    answer = _answer(process, [*lines, json.dumps(vars(one))], START_S + self._outbound.timeout_s)
                    result = json.loads(answer) if answer else "Apprise took too long or ended early"
                    yield result
                    if result is not None:
                        return
                    lines = []
            finally:
                process.kill()
                process.communicate()


def _answer(process: "subprocess.Popen[str]", lines: Sequence[str], seconds: float) -> str:
    """Hand lines to the process and return its next one; nothing where it ends, or is ended, before."""
    assert process.stdin is not None
    assert process.stdout is not None
    patience = Timer(seconds, process.kill)
    patience.start()
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.writelines(f"{line}\n" for line in lines)
            process.stdin.flush()
        return process.stdout.readline()
    finally:
        patience.cancel()


def _shape(allow: AllowList) -> dict[str, list[str]]:
    return {"networks": [str(network) for network in allow.networks], "hosts": sorted(allow.hosts)}


def _text(letter: Letter) -> str:
    return "\n".join([*letter.lines, *([letter.url] if letter.url else [])])


def _kind(letter: Letter) -> str:
    """Apprise's type of a message: it chooses colour or symbol."""
    if letter.facts.state == "resolved":
        return "success"
    return {"critical": "failure", "warning": "warning"}.get(letter.facts.severity, "info")


def _environment() -> dict[str, str]:
    """Without our settings, and without proxies: they would resolve names behind the allow-list."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_HIDDEN) and not name.lower().endswith("_proxy")
    }


def open_channel(receiver: Receiver, outbound: Outbound) -> Apprise:
    """Open the way that the receiver's Apprise URL names."""
    return Apprise(receiver, outbound)
