"""Figures of messages, rounded as people say them."""

from babel.numbers import format_decimal

_LEAST_ROUNDED = 100  # users; fewer are said exactly


def about(n: int, language: str) -> str:
    """A number of users to two figures: 1234 is "1,200"."""
    if n >= _LEAST_ROUNDED:
        step = 10 ** (len(str(n)) - 2)
        n = round(n / step) * step
    return str(format_decimal(n, locale=language))


def points(value: float) -> str:
    """Index points, whole, below two with a decimal."""
    return f"{value:.0f}" if abs(value) >= 1.95 else f"{value:.1f}"


def figure(value: float | None, unit: str, language: str) -> str:
    """A figure with its unit: points bare, ratios in per cent, the rest to three figures; "-" for none."""
    if value is None:
        return "-"
    if unit == "points":
        return f"{value:.0f}"
    if unit == "ratio":
        percent = 100 * value
        return f"{percent:.0f} %" if abs(percent) >= 9.95 else f"{_short(percent, language)} %"
    if unit == "kbit/s" and abs(value) >= 1000:
        return f"{_short(value / 1000, language)} Mbit/s"
    shown = _short(value, language)
    return shown if unit in ("", "1") else f"{shown} {unit}"


def _short(value: float, language: str) -> str:
    """Three figures at most: 0.0123, 1.23, 12.3, 1,230."""
    pattern = "#,##0" if abs(value) >= 100 else "#,##0.#" if abs(value) >= 10 else "@@"
    return str(format_decimal(value, format=pattern, locale=language))
