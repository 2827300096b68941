"""Colours of severity: cividis, which reads the same with any colour vision, and in grey."""

from math import isnan

# Matplotlib's cividis (Nuñez, Anderton and Renslow 2018) at ten even steps.
CIVIDIS = (
    (0, 34, 78),
    (18, 53, 112),
    (59, 73, 109),
    (87, 92, 109),
    (112, 113, 115),
    (138, 134, 120),
    (165, 156, 116),
    (195, 180, 105),
    (225, 206, 86),
    (254, 232, 56),
)
MARKED = (213, 94, 0)  # Okabe and Ito's vermilion: what is marked, on any ground
UNKNOWN = (150, 150, 150)


def severity(value: float | None) -> tuple[int, int, int]:
    """Return the colour of a severity 0..1; grey for none."""
    if value is None or isnan(value):
        return UNKNOWN
    place = min(max(value, 0.0), 1.0) * (len(CIVIDIS) - 1)
    low = min(int(place), len(CIVIDIS) - 2)
    rest = place - low
    red, green, blue = (round(a + (b - a) * rest) for a, b in zip(CIVIDIS[low], CIVIDIS[low + 1], strict=True))
    return red, green, blue


def hexadecimal(colour: tuple[int, int, int]) -> str:
    """Return a colour as charts take it, such as #d55e00."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
