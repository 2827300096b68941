"""Subscriber identifiers in one form: `imsi:460...`, `msisdn:+86...`, `account:...`, so that one person has one token.

Forms, where the kind is not given: letters or `@` make an account; `+` or `00` in front, a telephone number; 14 or 15
digits that no numbering plan claims, an IMSI (ITU-T E.212: at most 15 digits); other digits a telephone number where
the region's numbering plan (ITU-T E.164) knows it, else an account.
"""

import re
from functools import lru_cache

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc
from phonenumbers.phonemetadata import PhoneMetadata

_NOISE = "[\\s().\\-/\u200e\u202a\u202c]"
_E164 = r"^\+[1-9][0-9]{6,14}$"
_IMSI = r"^(?:[1-9][0-9]{14}|0[1-9][0-9]{13}|001[0-9]{12})$"  # 00 and a country code is dialled; MCC 001 is for tests
_IMSI_GIVEN = r"^[0-9]{14,15}$"
_MAX_ACCOUNT_BYTES = 256


def normalise(raw: str, kind: str | None = None, region: str = "CN") -> str | None:
    """Return `kind:value` of one identifier, or None when it has not the form of its kind."""
    result: str | None = normalise_all(pa.array([raw], pa.string()), kind, region)[0].as_py()
    return result


def normalise_all(raw: pa.StringArray, kind: str | None = None, region: str = "CN") -> pa.StringArray:
    """Return `kind:value` for each distinct identifier; null where one has not the form of its kind.

    `kind` None tells the kind by form; other kinds (`email` ...) are trimmed and lower-cased as they are.
    `region` is the ISO 3166 code whose rules turn national telephone numbers into E.164.
    """
    trimmed = pc.utf8_trim_whitespace(raw)
    if kind is None:
        return _by_form(trimmed, region)
    if kind == "imsi":
        return _prefixed("imsi:", _only(trimmed, pc.match_substring_regex(trimmed, _IMSI_GIVEN)))
    if kind == "msisdn":
        return _prefixed("msisdn:", _telephones(trimmed, region))
    if kind == "account":
        return _prefixed("account:", _named(trimmed))
    return _prefixed(f"{kind.strip().lower()}:", _named(pc.utf8_lower(trimmed)))


def _by_form(values: pa.StringArray, region: str) -> pa.StringArray:
    imsi = pc.fill_null(pc.match_substring_regex(values, _IMSI), False)
    if imsi.true_count == len(values):
        return _prefixed("imsi:", values)
    result = _prefixed("imsi:", _only(values, imsi))
    rest = pc.invert(imsi)
    others = values.filter(rest)
    lettered = pc.match_substring_regex(others, r"[^0-9+\s().\-/]")
    numbers = _telephones(_only(others, pc.invert(lettered)), region)
    international = pc.match_substring_regex(others, r"^(\+|00)")
    accounts = _only(_named(others), pc.or_(lettered, pc.and_(pc.is_null(numbers), pc.invert(international))))
    told = pc.coalesce(_prefixed("msisdn:", numbers), _prefixed("account:", accounts))
    return pc.replace_with_mask(result, rest, told)


def _telephones(values: pa.StringArray, region: str) -> pa.StringArray:
    """E.164 with `+`; null where it is no possible number. Mobile numbers of the region go without a parser."""
    bare = pc.replace_substring_regex(values, _NOISE, "")
    bare = pc.replace_substring_regex(bare, r"^(?i:tel:)", "")
    international = pc.match_substring_regex(bare, _E164)
    result = _only(bare, international)
    code, national, prefixed = _mobile_rules(region)
    if national:
        plain = pc.match_substring_regex(bare, national)
        result = pc.coalesce(result, pc.binary_join_element_wise(f"+{code}", _only(bare, plain), ""))
        result = pc.coalesce(result, pc.binary_join_element_wise("+", _only(bare, _matches(bare, prefixed)), ""))
    open_ones = pc.and_(pc.is_null(result), pc.is_valid(bare))
    if open_ones.true_count:
        parsed = [_parsed(value, region) for value in bare.filter(open_ones).to_pylist()]
        result = pc.replace_with_mask(result, open_ones, pa.array(parsed, pa.string()))
    return result


@lru_cache(maxsize=1 << 16)
def _parsed(value: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache
def _mobile_rules(region: str) -> tuple[int, str, str]:
    """Country code and patterns of a mobile number without and with it, where no national prefix can be meant."""
    metadata = PhoneMetadata.metadata_for_region(region.upper(), None)
    pattern = metadata.mobile.national_number_pattern if metadata is not None and metadata.mobile else None
    if metadata is None or not pattern:
        return 0, "", ""
    code = phonenumbers.country_code_for_region(region.upper())
    prefix = metadata.national_prefix_for_parsing
    sample = (metadata.mobile.example_number if metadata.mobile else None) or ""
    if prefix and (not sample or re.match(prefix, sample)):
        return code, "", ""
    return code, f"^(?:{pattern})$", f"^{code}(?:{pattern})$"


def _matches(values: pa.StringArray, pattern: str) -> pa.BooleanArray:
    return pc.match_substring_regex(values, pattern)


def _named(values: pa.StringArray) -> pa.StringArray:
    length = pc.binary_length(values)
    return _only(values, pc.and_(pc.greater(length, 0), pc.less_equal(length, _MAX_ACCOUNT_BYTES)))


def _only(values: pa.StringArray, mask: pa.BooleanArray) -> pa.StringArray:
    return pc.if_else(mask, values, pa.scalar(None, pa.string()))


def _prefixed(prefix: str, values: pa.StringArray) -> pa.StringArray:
    return pc.binary_join_element_wise(prefix, values, "")
