"""Folders that are watched: what is new, whole and still is collected, what grows is read on, what is done may move."""

import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from collectors.collection import FileResult, collect
from collectors.folders import Found, find
from collectors.growing import Place, can_grow, find_place, read_on
from collectors.options import Options
from collectors.pm_source import CLOSED, ROOTS, TAIL_BYTES
from store.intake import Intake

_HEAD_BYTES = 64 * 1024
_UNFINISHED_S = 3600.0  # after this long without a write, a file that does not end as it should is told as it is


@dataclass(frozen=True, kw_only=True)
class WatchedFolder:
    """One folder, and when a file in it is ready.

    A file is ready once nothing wrote to it for `stable_s`; with a `marker` (such as `.done`) once a file of its name
    and that ending is beside it. With `grows`, CSV and NDJSON are read while they are written. Collected files stay
    where they are, or go to `move_to`, a folder outside.
    """

    path: Path
    kind: str | None = None
    source: str | None = None
    mapping: str | None = None
    stable_s: float = 5.0
    marker: str | None = None
    grows: bool = False
    move_to: Path | None = None


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """A file as it was when it was last looked at."""

    inode: int
    size: int
    modified_ns: int


@dataclass(kw_only=True)
class _Open:
    """A growing file: which one it is, and how far it was read."""

    inode: int
    place: Place


@dataclass(kw_only=True)
class Watcher:
    """Looks through folders; what it remembers only spares work, what is in is known by the database."""

    folders: Sequence[WatchedFolder]
    options: Options = field(default_factory=Options)
    _done: dict[Path, _Seen] = field(default_factory=dict)
    _open: dict[Path, _Open] = field(default_factory=dict)
    _told: set[Path] = field(default_factory=set)

    def step(self, intake: Intake) -> Iterator[FileResult]:
        """Collect what is ready now; a file that is not is passed over, one that stays unfinished is told once.

        Raises `TransientError` when the database fails; the next step goes on from what is in.
        """
        present: set[Path] = set()
        for folder in self.folders:
            options = replace(
                self.options,
                kind=folder.kind or self.options.kind,
                source=folder.source or self.options.source,
                mapping=folder.mapping or self.options.mapping,
            )
            for found in find([folder.path], options) if folder.path.is_dir() else ():
                present.add(found.path)
                yield from self._file(folder, found, options, intake)
        for known in (self._done, self._open):
            for path in [path for path in known if path not in present]:
                del known[path]
        self._told &= present

    def _file(self, folder: WatchedFolder, found: Found, options: Options, intake: Intake) -> Iterator[FileResult]:
        try:
            status = found.path.stat()
        except OSError:  # gone since the folder was listed
            return
        seen = _Seen(inode=status.st_ino, size=status.st_size, modified_ns=status.st_mtime_ns)
        if self._done.get(found.path) == seen:
            return
        idle_s = time.time() - status.st_mtime
        marked = folder.marker is None or found.path.with_name(found.path.name + folder.marker).exists()
        if folder.grows and can_grow(found):
            yield from self._growing(folder, found, seen, options, intake)
            return
        if not marked or (folder.marker is None and idle_s < folder.stable_s):
            return
        if idle_s < _UNFINISHED_S and _is_unfinished(found):
            if found.path not in self._told:
                self._told.add(found.path)
                text = "it has no closing root element yet: not taken before it is whole."
                yield FileResult(path=found.path, kind=found.kind, source=found.source, error=text, temporary=True)
            return
        results = list(collect([found.path], intake=intake, options=options))
        yield from results
        if not any(result.temporary for result in results):
            self._finish(folder, found.path, seen, results)

    def _growing(
        self, folder: WatchedFolder, found: Found, seen: _Seen, options: Options, intake: Intake
    ) -> Iterator[FileResult]:
        known = self._open.get(found.path)
        if known is None or known.inode != seen.inode or not known.place.fits(found.path):
            known = self._open[found.path] = self._renamed(found.path, seen) or _Open(
                inode=seen.inode, place=find_place(found, intake)
            )
        marker = folder.marker and found.path.with_name(found.path.name + folder.marker)
        whole = bool(marker and marker.exists())
        results = []
        while (result := read_on(found, known.place, intake, options, whole=whole)) is not None:
            results.append(result)
            yield result
        if whole:
            self._finish(folder, found.path, seen, results)
        elif folder.marker is None and known.place.read_bytes == seen.size:
            self._done[found.path] = seen

    def _renamed(self, path: Path, seen: _Seen) -> _Open | None:
        """The open file that has this inode under another name, if it still holds what was read of it."""
        for other, known in list(self._open.items()):
            if other != path and known.inode == seen.inode and known.place.fits(path):
                del self._open[other]
                return known
        return None

    def _finish(self, folder: WatchedFolder, path: Path, seen: _Seen, results: Sequence[FileResult]) -> None:
        self._done[path] = seen
        if folder.move_to is None or any(result.error for result in results):
            return
        target = _free(folder.move_to / path.relative_to(folder.path))
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(path, target)
        if folder.marker is not None:
            marker = path.with_name(path.name + folder.marker)
            if marker.exists():
                os.rename(marker, target.with_name(target.name + folder.marker))


def _is_unfinished(found: Found) -> bool:
    """Whether a plain PM file lacks its closing root element; other files say so by themselves, when they are read."""
    if found.format != "xml" or found.compression is not None:
        return False
    with found.path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if re.search(rb"<[A-Za-z_]", head) and not any(root.encode() in head for root in ROOTS):
            return False
        file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
        return CLOSED.search(file.read()) is None


def _free(path: Path) -> Path:
    """The path, or one with a number before its endings where a file is there already."""
    number, found = 1, path
    stem, dot, endings = path.name.partition(".")
    while found.exists():
        number += 1
        found = path.with_name(f"{stem}-{number}{dot}{endings}")
    return found
