"""The errors that Cemaphore raises: what is wrong, with which value, and what would be right."""


class CemaphoreError(Exception):
    """What all errors of ours share; `str()` is a message that a user can act on."""


class ConfigError(CemaphoreError):
    """A setting, key or installation is wrong: nothing can go on until a person mends it (exit code 4)."""


class TransientError(CemaphoreError):
    """Something outside failed and may work when tried again (exit code 75)."""


class DataError(CemaphoreError):
    """One record or one file is wrong: it goes to quarantine and the rest goes on.

    `code` is a short stable word to count by, `column` the column at fault where there is one.
    The message never holds a subscriber identifier in the clear.
    """

    def __init__(self, message: str, *, code: str, column: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.column = column
