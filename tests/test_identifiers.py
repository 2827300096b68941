"""One person's identifier has one spelling, whoever wrote it and however."""

import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.identifiers import normalise, normalise_all


@pytest.mark.parametrize(
    ("raw", "kind", "region", "expected"),
    [
        ("460001234567890", None, "CN", "imsi:460001234567890"),
        (" 460001234567890 ", "imsi", "CN", "imsi:460001234567890"),
        ("13800138000", None, "CN", "msisdn:+8613800138000"),
        ("+86 138-0013-8000", None, "CN", "msisdn:+8613800138000"),
        ("8613800138000", None, "CN", "msisdn:+8613800138000"),
        ("008613800138000", None, "CN", "msisdn:+8613800138000"),
        ("tel:+8613800138000", "msisdn", "CN", "msisdn:+8613800138000"),
        ("07400 123456", None, "GB", "msisdn:+447400123456"),
        ("010 62791234", "msisdn", "CN", "msisdn:+861062791234"),
        ("AB-00017", None, "CN", "account:AB-00017"),
        ("17", None, "CN", "account:17"),
        ("13800138000", "account", "CN", "account:13800138000"),
        ("Li.Wei@Example.com", "email", "CN", "email:li.wei@example.com"),
    ],
)
def test_forms(raw: str, kind: str | None, region: str, expected: str) -> None:
    assert normalise(raw, kind, region) == expected


@pytest.mark.parametrize(
    ("raw", "kind"),
    [("", None), ("   ", None), ("12345", "imsi"), ("46000123456789x", "imsi"), ("12", "msisdn"), ("+1", None)],
)
def test_what_has_not_the_form_of_its_kind_is_refused(raw: str, kind: str | None) -> None:
    assert normalise(raw, kind) is None


def test_missing_stays_missing() -> None:
    values = pa.array(["460001234567890", None], pa.string())
    assert normalise_all(values).to_pylist() == ["imsi:460001234567890", None]


@pytest.mark.parametrize("region", ["CN", "US", "GB", "DE", "IN", "BR", "JP", "FR", "KE", "RU", "IT", "MX", "AR"])
@given(data=st.data())
def test_the_short_way_for_mobile_numbers_agrees_with_the_numbering_plan(region: str, data: st.DataObject) -> None:
    number = _like_a_mobile_number(region, data)
    parsed = phonenumbers.parse(number, region)
    expected = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if phonenumbers.is_possible_number(parsed):
        assert normalise(number, "msisdn", region) == f"msisdn:{expected}"


@pytest.mark.parametrize("region", ["CN", "GB", "DE", "JP", "FR", "KE"])
def test_an_msisdn_with_its_country_code_and_no_plus_is_that_number(region: str) -> None:
    """As in 3GPP records (TS 23.003 3.3), even where a longer national number might begin with the same digits."""
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert normalise(e164.removeprefix("+"), "msisdn", region) == f"msisdn:{e164}"


def _like_a_mobile_number(region: str, data: st.DataObject) -> str:
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    national = str(example.national_number)
    kept = data.draw(st.integers(2, len(national)))
    size = len(national) - kept
    return national[:kept] + data.draw(st.text("0123456789", min_size=size, max_size=size))
