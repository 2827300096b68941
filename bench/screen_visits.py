"""A browser's side of the screens without a browser: opens a view over the websocket and times its re-runs."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from dashboards.messages import text

ENDS_WITHIN_S = 120.0
_FAILED = {text("en", key) for key in ("app.database_away", "app.broken")}
_RERUN_FOLLOWS = ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN


@dataclass(frozen=True, kw_only=True)
class View:
    """One state of a screen: its name in the URL ("" is the first), and what stands behind the question mark."""

    name: str
    query: str = ""

    @property
    def title(self) -> str:
        """How the results call it."""
        return f"{self.name or 'overview'}{'?' + self.query.split('=')[0] if self.query else ''}"


@dataclass(kw_only=True)
class Visit:
    """One browser session at a view: each run is timed from the request to the end of the script."""

    view: View
    socket: ClientConnection
    hash: str = ""
    bytes_sent: int = 0
    errors: list[str] = field(default_factory=list)

    async def run(self) -> float:
        """Run the script once and return its milliseconds."""
        message = BackMsg()
        message.rerun_script.query_string = f"lang=en&{self.view.query}"
        message.rerun_script.page_script_hash = self.hash
        message.rerun_script.page_name = "" if self.hash else self.view.name
        began = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        self.bytes_sent = 0
        while not self._ended(await asyncio.wait_for(self.socket.recv(), ENDS_WITHIN_S)):
            pass
        return (time.perf_counter() - began) * 1e3

    def _ended(self, data: bytes | str) -> bool:
        assert isinstance(data, bytes)
        self.bytes_sent += len(data)
        message = ForwardMsg()
        message.ParseFromString(data)
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self.hash = message.navigation.page_script_hash
        elif kind == "page_not_found":
            self.errors.append("page not found")
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._look(message)
        return kind == "script_finished" and message.script_finished != _RERUN_FOLLOWS

    def _look(self, message: ForwardMsg) -> None:
        """Take an exception for an error, and the page that says that the database is away."""
        element = message.delta.new_element
        what = element.WhichOneof("type")
        if what == "exception":
            self.errors.append(element.exception.message)
        elif what == "alert" and element.alert.body in _FAILED:
            self.errors.append(element.alert.body)


async def opened(port: int, view: View) -> Visit:
    """Open a session on the screens at that port."""
    address = f"127.0.0.1:{port}"
    socket = await connect(
        f"ws://{address}/_stcore/stream",
        subprotocols=["streamlit"],  # type: ignore[list-item]  # a NewType of str
        origin=f"http://{address}",  # type: ignore[arg-type]  # likewise
        max_size=None,
    )
    return Visit(view=view, socket=socket)


async def first_run(port: int, view: View) -> tuple[float, list[str]]:
    """Open a view in a new session, once: its milliseconds and what went wrong."""
    visit = await opened(port, view)
    try:
        return await visit.run(), visit.errors
    finally:
        await visit.socket.close()


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """What many sessions at once met: milliseconds of each run, and what went wrong."""

    runs_ms: Sequence[float]
    errors: Sequence[str]
    seconds: float


async def crowd(port: int, views: Sequence[View], sessions: int, runs: int, think_s: float) -> Crowd:
    """Let so many sessions look at views, each run after a pause of `think_s` on the average."""
    random = Random(1)
    times: list[float] = []
    errors: list[str] = []

    async def one(number: int) -> None:
        await asyncio.sleep(think_s * number / sessions)
        try:
            for look in range(runs):
                milliseconds, wrong = await first_run(port, views[(number + look) % len(views)])
                times.append(milliseconds)
                errors.extend(wrong)
                await asyncio.sleep(random.uniform(0, 2 * think_s))
        except (OSError, TimeoutError) as error:
            errors.append(repr(error))

    began = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(sessions)))
    return Crowd(runs_ms=times, errors=errors, seconds=time.perf_counter() - began)
