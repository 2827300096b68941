"""What every listener's sink shares: reading again what was spilled, and quarantining what cannot be stored."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from collectors.listening.database import Database
from collectors.listening.requests import RefusalError
from records.errors import DataError
from records.kinds import Kind
from store.intake import Rejected


class DatabaseSink(ABC):
    """Commits requests to a database; `read` turns a request's bytes into its content and raises `RefusalError`."""

    def __init__(
        self, database: Database, *, source: str, kind: Kind, name: str, read: Callable[[bytes], object]
    ) -> None:
        self._database = database
        self._source = source
        self._kind = kind
        self._name = name
        self._read = read

    @abstractmethod
    def commit(self, contents: Sequence[object]) -> None:
        """Store what the requests hold and was not stored before."""

    def decode(self, payload: bytes) -> object:
        """Read a spilled request again."""
        try:
            return self._read(payload)
        except RefusalError as error:
            raise DataError(error.text, code=error.code) from None

    def refuse(self, payload: bytes, error: DataError) -> None:
        """Put a request that cannot be stored into quarantine as a whole."""
        record = Rejected(row_number=1, code=error.code, column=error.column, reason=str(error), payload=payload)
        with self._database.working() as opened:
            opened.intake.load(
                self._kind,
                source=self._source,
                name=self._name,
                digest=hashlib.sha256(b"refused " + payload).digest(),
                size_bytes=len(payload),
                batches=lambda: [record],
            )

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()
