"""What a listener has accepted on its way into the database, or, while that is slow or away, onto the disk.

Items wait in a bounded queue; one group of them at a time is committed. When a commit fails or takes too long, the
group and all that follow go to the spill, and an item counts as taken once it is synced there. The spill is replayed
in order until it is empty, with growing pauses while the database stays away; only then are items committed directly
again. What a slow commit stored after all comes a second time and must count once: that is the sink's part.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeVar

from records.errors import CemaphoreError, DataError, TransientError
from store.spill import Spill, SpillFullError

Argument = TypeVar("Argument")
Done = TypeVar("Done")


class Taken(StrEnum):
    """Where an item is safe."""

    COMMITTED = "committed"
    SPILLED = "spilled"


class FullError(TransientError):
    """Neither queue nor spill has room; try again after `retry_after_s`."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"there is no room now; try again in {retry_after_s} s.")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, kw_only=True)
class Item:
    """One accepted request: the bytes that are spilled, and what was read from them."""

    payload: bytes = field(repr=False)
    content: object = field(repr=False)


class Sink(Protocol):
    """Where items go; called in a thread of its own, one call at a time."""

    def commit(self, contents: Sequence[object]) -> None:
        """Store all or nothing; raises `TransientError` when it may work later, `DataError` when it never will."""

    def decode(self, payload: bytes) -> object:
        """Read again what was spilled; raises `DataError`."""

    def refuse(self, payload: bytes, error: DataError) -> None:
        """Put one item that cannot be stored into quarantine; raises `TransientError`."""

    def close(self) -> None:
        """Let go of the database."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Limits of what waits, and how patient the reception is (seconds)."""

    queue_items: int = 256
    queue_bytes: int = 16 << 20
    group_items: int = 64
    replay_bytes: int = 2 << 20
    patience_s: float = 5.0
    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0
    retry_after_s: int = 30


@dataclass(kw_only=True)
class State:
    """What became of items so far."""

    committed: int = 0
    spilled: int = 0
    replayed: int = 0
    refused: int = 0
    turned_away: int = 0
    spilling: bool = False
    last_error: str | None = None


class Reception:
    """The queue, the committing and the spilling of one listener; lives in one event loop."""

    def __init__(self, sink: Sink, spill: Spill, bounds: Bounds, tell: Callable[[str], None]) -> None:
        self.state = State(spilling=not spill.empty)
        self._sink = sink
        self._spill = spill
        self._bounds = bounds
        self._tell = tell
        self._waiting: deque[tuple[Item, asyncio.Future[Taken]]] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._spilling = asyncio.Event()
        self._disk = asyncio.Lock()
        self._late: asyncio.Future[None] | None = None
        self._database_thread = ThreadPoolExecutor(1, "database")
        self._disk_thread = ThreadPoolExecutor(1, "spill")
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False

    @property
    def spill_bytes(self) -> int:
        """Bytes that wait on the disk."""
        return self._spill.size_bytes

    async def start(self) -> None:
        """Begin to commit, and to replay what an earlier run left on the disk."""
        if not self._spill.empty:
            self._tell(f"{self._spill.size_bytes} bytes wait in the spill and are replayed")
            self._spilling.set()
        self._tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._replay())]

    async def take(self, item: Item) -> Taken:
        """Return once the item is safe; raises `FullError` when it cannot be taken now."""
        bounds = self._bounds
        size = len(item.payload)
        if len(self._waiting) >= bounds.queue_items or self._bytes + size > bounds.queue_bytes or self._closing:
            self.state.turned_away += 1
            raise FullError(bounds.retry_after_s)
        future: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._bytes += size
        self._news.set()
        return await future

    async def close(self) -> None:
        """Finish what waits, then stop; what is on the disk stays there for the next run."""
        self._closing = True
        self._news.set()
        if self._tasks:
            await self._tasks[0]
            self._tasks[1].cancel()
            with suppress(asyncio.CancelledError):
                await self._tasks[1]
        self._database_thread.submit(self._sink.close)
        self._database_thread.shutdown(wait=False)
        self._disk_thread.submit(self._spill.close)
        self._disk_thread.shutdown(wait=True)

    async def _work(self) -> None:
        while not (self._closing and not self._waiting):
            await self._news.wait()
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._bounds.group_items))]
            if not group:
                self._news.clear()
                if self._closing:
                    return
                continue
            if self._spilling.is_set() or not await self._committed(group):
                await self._to_disk(group)
            self._bytes -= sum(len(item.payload) for item, _ in group)

    async def _committed(self, group: list[tuple[Item, asyncio.Future[Taken]]]) -> bool:
        """Whether the group is in the database, or, what no database would take of it, in quarantine."""
        items = [item for item, _ in group]
        running = asyncio.ensure_future(self._in_database(self._store, items))
        done, _ = await asyncio.wait([running], timeout=self._bounds.patience_s)
        if not done:
            self._late = running
            self._away(f"a commit takes longer than {self._bounds.patience_s:g} s")
            return False
        if (error := running.exception()) is not None:
            self._away(_told(error))
            return False
        self.state.committed += len(group)
        for _, future in group:
            _answer(future, Taken.COMMITTED)
        return True

    def _store(self, items: Sequence[Item]) -> None:
        """Commit items together; when one of them cannot be stored, one by one, and that one into quarantine."""
        try:
            self._sink.commit([item.content for item in items])
        except (DataError, ValueError, TypeError, LookupError) as error:
            if len(items) > 1:
                for item in items:
                    self._store([item])
                return
            self.state.refused += 1
            known = error if isinstance(error, DataError) else DataError(_told(error), code="internal")
            self._sink.refuse(items[0].payload, known)

    async def _to_disk(self, group: list[tuple[Item, asyncio.Future[Taken]]]) -> None:
        try:
            async with self._disk:
                self._spilling.set()
                self.state.spilling = True
                safe = await self._on_disk(self._spill.append, [item.payload for item, _ in group])
        except SpillFullError as error:
            self._tell(str(error))
            safe = 0
        self.state.spilled += safe
        self.state.turned_away += len(group) - safe
        for index, (_, future) in enumerate(group):
            _answer(future, Taken.SPILLED if index < safe else FullError(self._bounds.retry_after_s))

    async def _replay(self) -> None:
        """Bring the spill into the database whenever there is one, oldest first."""
        pause_s = self._bounds.first_pause_s
        while True:
            await self._spilling.wait()
            try:
                if self._late is not None:
                    late, self._late = self._late, None
                    await asyncio.wait([late])
                    late.exception()
                emptied = await self._replayed()
            except Exception as error:
                self._away(_told(error))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, self._bounds.longest_pause_s)
            else:
                pause_s = self._bounds.first_pause_s
                if emptied:
                    self._tell("the spill is empty: events go straight to the database again")

    async def _replayed(self) -> bool:
        """Replay one part of the spill; True when it is empty."""
        async with self._disk:
            try:
                found = await self._on_disk(self._spill.read, self._bounds.replay_bytes)
            except DataError as error:
                self._tell(str(error))
                return False
            if not found.payloads:
                self._spilling.clear()
                self.state.spilling = False
                self.state.last_error = None
                return True
        await self._in_database(self._store_spilled, found.payloads)
        async with self._disk:
            await self._on_disk(self._spill.forget, found.until)
        self.state.replayed += len(found.payloads)
        return False

    def _store_spilled(self, payloads: Sequence[bytes]) -> None:
        items: list[Item] = []
        for payload in payloads:
            try:
                items.append(Item(payload=payload, content=self._sink.decode(payload)))
            except DataError as error:
                self._sink.refuse(payload, error)
        if items:
            self._store(items)

    def _away(self, why: str) -> None:
        if self.state.last_error != why:
            self._tell(f"{why.rstrip('.')}: events go to the spill")
        self.state.last_error = why

    async def _in_database(self, work: Callable[[Argument], Done], argument: Argument) -> Done:
        return await asyncio.get_running_loop().run_in_executor(self._database_thread, work, argument)

    async def _on_disk(self, work: Callable[[Argument], Done], argument: Argument) -> Done:
        return await asyncio.get_running_loop().run_in_executor(self._disk_thread, work, argument)


def _told(error: BaseException) -> str:
    """Our errors speak for themselves; of others, which may quote data, only their kind is told."""
    return str(error) if isinstance(error, CemaphoreError) else f"unexpected {type(error).__name__}"


def _answer(future: asyncio.Future[Taken], answer: Taken | FullError) -> None:
    """Unless its client has gone."""
    if future.done():
        return
    if isinstance(answer, FullError):
        future.set_exception(answer)
    else:
        future.set_result(answer)
