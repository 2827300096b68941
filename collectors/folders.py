"""Which files a path holds, and what each one is: its kind, source, format and compression."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from collectors import mapping as mappings
from collectors.mapping import Mapping
from collectors.options import Options
from records.kinds import KINDS

COMPRESSIONS = {".gz": "gz", ".zst": "zst"}
FORMATS = {
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
    ".parquet": "parquet",
    ".xml": "xml",
}
_KIND_NAMES = sorted(KINDS, key=len, reverse=True)
_UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload", "~")


@dataclass(frozen=True, kw_only=True)
class Found:
    """One file and what its place and name say of it; `problem` is why it cannot be read."""

    path: Path
    kind: str | None
    source: str
    format: str
    compression: str | None
    problem: str | None = None
    mapping: Mapping | None = None


def find(paths: Sequence[Path], options: Options) -> Iterator[Found]:
    """Yield the files under `paths`, in order of name; files of no known format inside folders are passed over."""
    for path in paths:
        if path.is_dir():
            yield from (_look(file, options) for file in _files(path) if _is_data(file))
        elif not path.exists():
            yield _problem(path, "there is no such file or folder.")
        elif not path.is_file():
            yield _problem(path, "is neither a file nor a folder.")
        elif not _is_data(path):
            yield _problem(path, f"is of no known format; one ends in {', '.join(FORMATS)}, and .gz or .zst after it.")
        else:
            yield _look(path, options)


def _files(folder: Path) -> Iterator[Path]:
    """Regular files below a folder; links are not followed, so no loop and nothing from outside."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if not name.startswith(".") and _is_regular(path):
                yield path


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:  # gone since its folder was listed
        return False


def _is_data(path: Path) -> bool:
    return not path.name.endswith(_UNFINISHED) and _split(path.name)[0] in FORMATS


def _split(name: str) -> tuple[str, str | None]:
    """Format suffix and compression of a file name."""
    stem, suffix = os.path.splitext(name.lower())
    if suffix in COMPRESSIONS:
        return os.path.splitext(stem)[1], COMPRESSIONS[suffix]
    return suffix, None


def _look(path: Path, options: Options) -> Found:
    suffix, compression = _split(path.name)
    kind, source = _placed(path)
    mapping = mappings.chosen(options.mappings, options.mapping, path.name)
    if mapping is not None:
        kind, source = mapping.kind, mapping.source or source
    else:
        kind = options.kind or kind or ("counters" if suffix == ".xml" else None)
    problem = None
    if kind is None:
        problem = (
            "its kind cannot be told: put it in a folder, or begin its name, with one of "
            f"{', '.join(KINDS)}; or give --kind."
        )
    return Found(
        path=path,
        kind=kind,
        source=options.source or source or kind or "unknown",
        format=FORMATS[suffix],
        compression=compression,
        problem=problem,
        mapping=mapping,
    )


def _placed(path: Path) -> tuple[str | None, str | None]:
    """Kind by the nearest folder that is named for one, else by the name; source by the folder right below it."""
    folders = path.parts[:-1]
    for index in range(len(folders) - 1, -1, -1):
        if folders[index] in KINDS:
            return folders[index], folders[index + 1] if index + 1 < len(folders) else None
    for kind in _KIND_NAMES:
        if re.match(rf"{kind}(?![a-z])", path.name.lower()):
            return kind, None
    return None, None


def _problem(path: Path, text: str) -> Found:
    return Found(path=path, kind=None, source="unknown", format="", compression=None, problem=text)
