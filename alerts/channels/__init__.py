"""Ways to a receiver, a module for each kind: ours are found by lying here, installed ones by their entry point."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import Protocol

from alerts.facts import Facts
from alerts.outbound import Outbound
from alerts.receivers import Receiver
from records.errors import ConfigError

GROUP = "cemaphore.alert_channels"


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One message to one receiver, in its language: `title` is the first line, `lines` the rest, `url` a screen.

    `key` is the same however often the letter is sent; `first` where the receiver has heard nothing of the alert yet.
    """

    key: str
    facts: Facts
    language: str
    title: str
    lines: tuple[str, ...] = field(default_factory=tuple)
    url: str | None = None
    first: bool = False


class Refusal(str):
    """Why a receiver would not have one letter; it may take the next."""


class Channel(Protocol):
    """An open way to one receiver."""

    def tell(self, letters: Sequence[Letter]) -> Iterator[str | None]:
        """Send letters in order; yields for each None once it was taken, or why it was not.

        It stops after a letter that was not taken, and goes on after a `Refusal`.
        """


Open = Callable[[Receiver, Outbound], Channel]


@cache
def kinds() -> Mapping[str, Open]:
    """Return how a channel of each kind is opened: ours, then installed ones, which cannot take a name of ours."""
    ours: dict[str, Open] = {
        module.name: import_module(f"{__name__}.{module.name}").open_channel for module in iter_modules(__path__)
    }
    for found in entry_points(group=GROUP):
        if found.name in ours:
            raise ConfigError(f"the installed alert channel {found.value} has the name {found.name}, which is taken")
        ours[found.name] = found.load()
    return ours
