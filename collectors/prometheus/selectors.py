"""Series selectors of PromQL, as far as one metric name is put into them."""

import json
import re

from records.errors import ConfigError

_NAMED = re.compile(r"^[A-Za-z_:][A-Za-z0-9_:]*(\{.*\})?$", re.DOTALL)


def with_name(selector: str, name: str) -> str:
    """Return a selector that matches only the series of this name among those of `selector`.

    `{job="amf"}` gives `{__name__="ran_ue",job="amf"}`; one that begins with a name is already of one name.
    """
    selector = selector.strip()
    if _NAMED.match(selector):
        return selector
    if not (selector.startswith("{") and selector.endswith("}")):
        raise ConfigError(f'match {selector!r} is no series selector; one is, for example, {{job="open5gs-amf"}}')
    inside = selector[1:-1].strip()
    # A name matched by an expression is replaced by what it matched.
    inside = re.sub(r'__name__\s*(=~|=|!~|!=)\s*("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')\s*,?\s*', "", inside)
    return "{" + ",".join(part for part in (f"__name__={json.dumps(name)}", inside.rstrip(", ")) if part) + "}"
