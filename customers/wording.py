"""What of a complaint's words is read: one spelling, no numbers, and not the clauses that say what works."""

import re
import unicodedata

from customers.taxonomy import Taxonomy

_NUMBER = re.compile(r"[0-9*#]+(?:[.,:-][0-9*#]+)*|\[[a-z_ ]+\]|<[a-z_ ]+>")  # also what masking left of one
_SPACE = re.compile(r"\s+")
_CLAUSE = re.compile(
    r"[,;.!?，。；！？、\n]+|但是|可是|不过|而是|只是|但|\bbut\b|\bhowever\b|\byet\b|\bjust\b(?= the\b)"
)


def said(taxonomy: Taxonomy, category: str, text: str) -> str:
    """The words of a complaint as they are learned from and classified; the source's own category stands first.

    Full-width forms and case are one (NFKC, casefold), numbers and their masks become one sign. Clauses that match
    the taxonomy's patterns of what is fine are left out, unless nothing would remain.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    clauses = [each.strip() for each in _CLAUSE.split(_NUMBER.sub("0", plain)) if each.strip()]
    wrong = [each for each in clauses if not any(pattern.search(each) for pattern in taxonomy.fine)]
    kept = [unicodedata.normalize("NFKC", category).casefold(), *(wrong or clauses)]
    return _SPACE.sub(" ", " | ".join(each for each in kept if each))
