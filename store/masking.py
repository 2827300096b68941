"""Phone numbers, identity numbers, card numbers and e-mail addresses in free text are masked before it is stored."""

import re

import pyarrow as pa
import pyarrow.compute as pc

EMAIL, IDENTITY, NUMBER, PHONE = "[email]", "[id]", "[number]", "[phone]"

_GAP = r"[\s\-./·–—]"
# In this order: what is most certain first. `\d` is any Unicode digit, so full-width ones count too.
_RULES = tuple(
    (re.compile(pattern), mask)
    for pattern, mask in (
        (r"[A-Za-z0-9_.%+\-]{1,64}\s?[@＠]\s?[A-Za-z0-9\-]{1,63}(?:[.．][A-Za-z0-9\-]{1,63}){1,8}", EMAIL),
        # Chinese resident identity number: GB 11643, 17 digits and a check digit or X, however grouped.
        (rf"(?<!\d)\d{{6}}{_GAP}?\d{{8}}{_GAP}?\d{{3}}[\dXxＸｘ](?!\d)", IDENTITY),
        # Passports and permits: one or two letters and seven to nine digits.
        (r"(?<![A-Za-z0-9])[A-Za-z]{1,2}\d{7,9}(?!\d)", IDENTITY),
        # Payment cards (ISO/IEC 7812: to 19 digits) in groups of four.
        (rf"(?<!\d)\d{{4}}(?:{_GAP}\d{{4}}){{2,3}}(?:{_GAP}\d{{1,7}})?(?!\d)", NUMBER),
        # International numbers: ITU-T E.164, to 15 digits, after + or 00.
        (rf"(?:[+＋]|(?<!\d)00)\s?\d(?:{_GAP}?[()（）]?{_GAP}?\d){{6,14}}(?!\d)", PHONE),
        # Mainland mobile numbers, also grouped 3-4-4.
        (rf"(?<!\d)(?:86{_GAP}?)?1[3-9]\d{_GAP}?\d{{4}}{_GAP}?\d{{4}}(?!\d)", PHONE),
        # Fixed lines with their area code, with an extension or without.
        (rf"(?<!\d)[(（]?0\d{{2,3}}[)）]?{_GAP}?\d{{3,4}}{_GAP}?\d{{4}}(?:{_GAP}\d{{1,5}})?(?!\d)", PHONE),
        (rf"(?<!\d)[(（]?\d{{3}}[)）]?{_GAP}\d{{3,4}}{_GAP}\d{{4}}(?!\d)", PHONE),
        (r"(?<!\d)\d{12,}(?!\d)", NUMBER),
        # Any other run that could be a subscriber number, unless it reads as a date of this age (20260301).
        (r"(?<![\d.])(?!(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d))\d{7,11}(?!\d)", PHONE),
    )
)
_SUSPECT = r"[@＠]|\p{Nd}\P{L}{0,3}\p{Nd}\P{L}{0,3}\p{Nd}"  # RE2: cheap, and misses nothing that a rule would find


def mask(text: str) -> str:
    """Return the text with every number or address that could lead to a person replaced by its kind in brackets."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def mask_column(texts: pa.Array) -> pa.Array:
    """Return a string column with each text masked; most hold nothing suspect and are not looked at twice."""
    suspect = pc.fill_null(pc.match_substring_regex(texts, _SUSPECT), False)
    if not pc.any(suspect).as_py():
        return texts
    return pa.array(
        [
            mask(text) if doubtful else text
            for text, doubtful in zip(texts.to_pylist(), suspect.to_pylist(), strict=True)
        ],
        pa.string(),
    )
