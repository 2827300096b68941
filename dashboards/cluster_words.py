"""Where a cluster is, in the reader's words."""

from dashboards.page import word


def where(selector: dict[str, list[str]]) -> str:
    """Return a selector in words, such as "Site: s1, s2"; topics of complaints come first."""
    named = {**selector}
    topics = [word("topic", each) for each in named.pop("topic", [])]
    said = [f"{word('attribute', name)}: {', '.join(values)}" for name, values in named.items()]
    return "; ".join([", ".join(topics), *said] if topics else said)
