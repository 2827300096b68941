"""Reasons as sentences, from the same message catalogues that the screens use: they are data of the package."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from babel.messages.pofile import read_po

from qoe.reasons import Reason


@cache
def messages(language: str) -> Mapping[str, str]:
    """Return message key to text in `en` or `zh`."""
    with files("dashboards").joinpath("locale", f"{language}.po").open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file, locale=language) if message.id}


def sentence(language: str, reason: Reason) -> str:
    """Return a reason as a sentence, with its figures as people write them."""
    return messages(language)[f"reason.{reason.code}"].format(**figures(reason))


def summed(language: str, reason: Reason) -> str:
    """Return a reason of many sessions as a sentence, with the number of sessions that its points are the sum of."""
    sessions = reason.parameters.get("sessions")
    if not isinstance(sessions, float):
        return sentence(language, reason)
    return f"{sentence(language, reason)} ({messages(language)['explain.sessions'].format(n=int(sessions))})"


def figures(reason: Reason) -> dict[str, str]:
    """Return the figures of a reason's sentence, rounded: ratios in per cent, rates in Mbit/s, the rest whole."""
    column = reason.code.partition(".")[2]
    shown = {name: _shown(column, value) for name, value in reason.parameters.items() if isinstance(value, float)}
    return {"points": f"{reason.points:.1f}", **shown}


def _shown(column: str, value: float) -> str:
    if column.startswith("loss"):
        return f"{value:.1%}"
    if column.startswith("throughput"):
        return f"{value / 1000:.1f}"
    return f"{value:.0f}"
