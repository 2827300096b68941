"""The message catalogues are complete in both languages, and screens use no word beside them."""

import re
import string
from pathlib import Path

from dashboards.messages import LANGUAGES, catalogue, language_of

ROOT = Path(__file__).parent.parent / "dashboards"
_KEY = re.compile(r'\bt\(\s*"([a-z_.0-9]+)"')


def test_both_languages_hold_the_same_keys() -> None:
    keys = {language: set(catalogue(language)) for language in LANGUAGES}
    assert keys["en"] == keys["zh"]
    assert all(all(catalogue(language).values()) for language in LANGUAGES)


def test_both_languages_fill_in_the_same_names() -> None:
    for key, english in catalogue("en").items():
        names = {field for _, field, _, _ in string.Formatter().parse(english) if field}
        chinese = {field for _, field, _, _ in string.Formatter().parse(catalogue("zh")[key]) if field}
        assert names == chinese, key


def test_every_key_that_a_screen_uses_exists() -> None:
    used = {key for path in ROOT.rglob("*.py") for key in _KEY.findall(path.read_text())}
    assert used
    assert used <= set(catalogue("en"))


def test_everything_that_is_audited_has_a_name() -> None:
    sources = [*ROOT.parent.glob("store/**/*.*"), *ROOT.parent.glob("cemaphore/**/*.py")]
    texts = [path.read_text() for path in sources if path.suffix in (".py", ".sql")]
    patterns = (r"cem\.acting\(\s*'([^']+)'", r'audit\.record\([^"\n]*?"([^"]+)"[,)]', r'action="([^"]+)"')
    actions = {action for text in texts for pattern in patterns for action in re.findall(pattern, text)}
    assert {"log in", "reveal", "erase", "cluster_verdict", "look at a customer"} <= actions
    assert {f"act.{action.replace(' ', '_')}" for action in actions} <= set(catalogue("en"))


def test_the_browser_decides_the_language() -> None:
    assert language_of("zh-CN") == "zh"
    assert language_of("de") == "en"
    assert language_of(None) == "en"
