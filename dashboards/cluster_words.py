"""Where a cluster is, in the reader's words."""

from dashboards.page import word


def where(selector: dict[str, list[str]]) -> str:
    """Return a selector in words, such as "Site: s1, s2"."""
    return "; ".join(f"{word('attribute', name)}: {', '.join(values)}" for name, values in selector.items())
