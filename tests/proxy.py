"""A TCP proxy on loopback that treats connections badly: drops, delays, half-closes and silence."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Literal

Fault = Literal["none", "reset", "drop", "half_close", "silence"]


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """What one connection suffers: each chunk waits `delay_s`, and after so many bytes to the server comes a fault."""

    fault: Fault = "none"
    after_bytes: int = 0
    delay_s: float = 0.0


class Proxy:
    """Passes connections on to `target`; `treat` is given a connection's number and how many faults have struck."""

    def __init__(self, target: tuple[str, int], treat: Callable[[int, int], Treatment]) -> None:
        self.port = 0
        self.connections = 0
        self.faults: list[Fault] = []
        self._target = target
        self._treat = treat
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy")

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        treatment = self._treat(self.connections, len(self.faults))
        self.connections += 1
        task = self._loop.create_task(self._connection(reader, writer, treatment))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, treatment: Treatment
    ) -> None:
        server: asyncio.StreamWriter | None = None
        try:
            from_server, server = await asyncio.open_connection(*self._target)
            back = self._loop.create_task(self._pass(from_server, writer, treatment.delay_s))
            await self._forward(reader, server, treatment)
            if await self._break(writer, server, treatment):
                await back
            back.cancel()
        except OSError:
            pass
        finally:
            for end in (writer, server):
                if end is not None:
                    end.close()

    async def _forward(self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, treatment: Treatment) -> None:
        """Pass bytes on until the sender ends or the fault is due."""
        passed = 0
        while data := await reader.read(16 * 1024):
            if treatment.delay_s:
                await asyncio.sleep(treatment.delay_s)
            if treatment.fault != "none" and passed + len(data) > treatment.after_bytes:
                data = data[: treatment.after_bytes - passed]
                self.faults.append(treatment.fault)
                server.write(data)
                await server.drain()
                return
            passed += len(data)
            server.write(data)
            await server.drain()

    async def _break(self, writer: asyncio.StreamWriter, server: asyncio.StreamWriter, treatment: Treatment) -> bool:
        """Do the damage; True when what the server still says is to be passed on."""
        if treatment.fault == "reset":
            for end in (writer, server):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.transport.abort()
        elif treatment.fault == "half_close":
            server.write_eof()
            return True
        elif treatment.fault == "silence":
            await asyncio.sleep(3600)
        return treatment.fault == "none"

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
        with suppress(OSError):
            while data := await reader.read(16 * 1024):
                if delay_s:
                    await asyncio.sleep(delay_s)
                writer.write(data)
                await writer.drain()
            writer.write_eof()


@contextmanager
def proxied(port: int, treat: Callable[[int, int], Treatment]) -> Iterator[Proxy]:
    """A running proxy before a port of this machine."""
    proxy = Proxy(("127.0.0.1", port), treat)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


def at_random(seed: int, bad: int) -> Callable[[int, int], Treatment]:
    """Connections suffer, each in its own way, until `bad` faults have struck; those after that are only slow."""
    draw = Random(seed)

    def treat(number: int, struck: int) -> Treatment:
        if struck >= bad:
            return Treatment(delay_s=0.001)
        fault: Fault = draw.choice(("reset", "drop", "half_close", "silence"))
        # Only batches send so much: a migration may be silent for as long as it takes, so nothing watches it.
        least_bytes = 10_000 if fault == "silence" else 300
        delay_s = draw.choice((0, 0.002, 0.02))
        return Treatment(fault=fault, after_bytes=int(least_bytes * 30 ** draw.random()), delay_s=delay_s)

    return treat
