"""The folders that the running program watches: the one of the settings, and those of `sources.toml`."""

from collections.abc import Iterator, Sequence

from cemaphore.settings import Settings
from cemaphore.sources import FILE_NAME, AnySource, Folder
from collectors.collection import FileResult
from collectors.folders import Found
from collectors.options import Options
from collectors.watching import WatchedFolder, Watcher
from records.errors import ConfigError
from store.intake import Intake


class Folders(Watcher):
    """A watcher of folders that may lie in one another: a file belongs to the innermost folder that holds it."""

    def _file(self, folder: WatchedFolder, found: Found, options: Options, intake: Intake) -> Iterator[FileResult]:
        for other in self.folders:
            inside = other.path != folder.path and other.path.is_relative_to(folder.path)
            if inside and found.path.is_relative_to(other.path):
                return
        yield from super()._file(folder, found, options, intake)


def watched(settings: Settings, sources: Sequence[AnySource], stable_s: float) -> list[WatchedFolder]:
    """Return the folders; raises `ConfigError` where one's collected files would be collected again, or twice."""
    folders = [WatchedFolder(path=settings.watch_folder, stable_s=stable_s)]
    for source in sources:
        if not isinstance(source, Folder):
            continue
        folder = source.watched(settings.home)
        for other in folders:
            if other.path == folder.path:
                raise ConfigError(f"{FILE_NAME}: source {source.name}: {folder.path} is watched already.")
        folders.append(folder)
    for folder in folders:
        for other in folders:
            if folder.move_to is not None and folder.move_to.is_relative_to(other.path):
                raise ConfigError(
                    f"{FILE_NAME}: source {folder.source}: move_to lies in the watched folder {other.path}, "
                    "so its files would be collected again."
                )
    return folders
