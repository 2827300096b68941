"""Every word on a screen, from the message catalogues `locale/en.po` and `locale/zh.po`."""

from cemaphore.wording import messages as catalogue

LANGUAGES = {"en": "English", "zh": "中文"}
DEFAULT_LANGUAGE = "en"


def language_of(locale: str | None) -> str:
    """Return the language that suits a browser's locale, such as `zh-CN`."""
    return "zh" if (locale or "").lower().startswith("zh") else DEFAULT_LANGUAGE


def text(language: str, key: str, /, **values: object) -> str:
    """Return the message of that key with its `{names}` filled in.

    Raises KeyError for a key that the catalogue does not hold: a screen never shows a raw key.
    """
    return catalogue(language)[key].format(**values)


def text_or(language: str, key: str, fallback: str) -> str:
    """Return the message of a key that data may bring, or the data's own word."""
    return catalogue(language).get(key, fallback)
