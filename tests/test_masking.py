"""Free text keeps what it says and loses what leads to a person."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.masking import mask, mask_column

MASKED = [
    ("请回电13812345678谢谢", "请回电[phone]谢谢"),
    ("电话：138-1234-5678。", "电话：[phone]。"),
    ("手机 138 1234 5678,晚上打", "手机 [phone],晚上打"),
    ("手机１３８１２３４５６７８", "手机[phone]"),
    ("+86 138 1234 5678", "[phone]"),
    ("8613812345678", "[phone]"),
    ("座机010-62345678转123", "座机[phone]转123"),
    ("座机(0755)8623-4567", "座机[phone]"),
    ("打62345678找我", "打[phone]找我"),
    ("call me on +44 20 7946 0958 tonight", "call me on [phone] tonight"),
    ("call 0044 20 7946 0958", "call [phone]"),
    ("my number is (212) 555-0143", "my number is [phone]"),
    ("身份证11010519491231002X", "身份证[id]"),
    ("身份证 110105 19491231 0021 号", "身份证 [id] 号"),
    ("护照E12345678", "护照[id]"),
    ("旧证110105491231002", "旧证[number]"),
    ("IMSI 460001234567890", "IMSI [number]"),
    ("卡号6222 0212 3456 7890 123", "卡号[number]"),
    ("卡号6222021234567890123", "卡号[number]"),
    ("邮箱是zhang.san+tel@example.com.cn谢谢", "邮箱是[email]谢谢"),
    ("mail a_b@mail.example.org.", "mail [email]."),
    ("zhang＠example.com", "[email]"),
]
KEPT = [
    "下载只有2.5Mbps，延迟300ms",
    "2026-03-01 12:30:15 掉线3次",
    "20260301晚上打不开",
    "从12:30到14:45一直没有信号，去年2025年也这样",
    "流量用了1024MB，扣了99.90元，套餐199元",
    "The call to 10086 dropped 3 times in 24 hours",
    "地址：人民路188号5栋1203室",
    "",
]


@pytest.mark.parametrize(("text", "masked"), MASKED)
def test_what_leads_to_a_person_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask_column(pa.array([None, text, "慢"])).to_pylist() == [None, masked, "慢"]


@pytest.mark.parametrize("text", KEPT)
def test_times_amounts_and_short_numbers_are_kept(text: str) -> None:
    assert mask(text) == text


@given(st.from_regex(r"1[3-9]\d{9}", fullmatch=True), st.text("请回电 谢谢abc，。\n"), st.text("号码 phone：,"))
def test_no_mobile_number_survives_any_surroundings(number: str, before: str, after: str) -> None:
    masked = mask_column(pa.array([before + number + after]))[0].as_py()
    assert number not in masked
    assert masked.startswith(before)


@given(st.text())
def test_masking_twice_changes_nothing_more(text: str) -> None:
    assert mask(mask(text)) == mask(text)
