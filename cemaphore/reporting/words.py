"""A report's words and figures: the screens' messages, in one language, by one clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd

from cemaphore.wording import messages


@dataclass(frozen=True, kw_only=True)
class Words:
    """Everything that is written in a report: `k` is below how many users no figure is shown.

    Moments are told by the clock of `zone`; days, for which scores are made, are those of `days`, the operator's.
    """

    language: str
    zone: ZoneInfo
    days: ZoneInfo
    k: int

    def t(self, key: str, /, **values: object) -> str:
        """Return a message; raises KeyError for one that the catalogues do not hold."""
        return messages(self.language)[key].format(**values)

    def word(self, prefix: str, value: str) -> str:
        """Return the message for a word that data brings; the word itself when it has none."""
        return messages(self.language).get(f"{prefix}.{value}", value)

    def where(self, selector: Mapping[str, list[str]]) -> str:
        """Return a selector in words, such as "Site: s1, s2"."""
        named = {**selector}
        topics = [self.word("topic", each) for each in named.pop("topic", [])]
        said = [f"{self.word('attribute', name)}: {', '.join(values)}" for name, values in named.items()]
        return "; ".join([", ".join(topics)] * bool(topics) + said)

    def moment(self, value: datetime | None) -> str:
        """Return a moment as the report's clock shows it."""
        return (
            self.t("app.none") if value is None or pd.isna(value) else f"{value.astimezone(self.zone):%Y-%m-%d %H:%M}"
        )

    def day(self, value: datetime) -> str:
        """Return the operator's day that holds a moment."""
        return f"{value.astimezone(self.days):%Y-%m-%d}"

    def score(self, value: float | None) -> str:
        """Return a score with one digit, or that there is not enough data."""
        return self.t("app.not_enough") if value is None or pd.isna(value) else f"{value:.1f}"

    def share(self, value: float | None) -> str:
        """Return a ratio as per cent, or that there is not enough data."""
        return self.t("app.not_enough") if value is None or pd.isna(value) else f"{value:.1%}"

    def count(self, value: float | None) -> str:
        """Return a number of users, or that they are too few to be shown."""
        return self.t("app.too_few", k=self.k) if value is None or pd.isna(value) else f"{int(value):,}"

    def total(self, value: float | None) -> str:
        """Return a number of sessions, contacts or complaints, or that too few users made them for it to be shown."""
        return self.t("app.of_few", k=self.k) if value is None or pd.isna(value) else f"{int(value):,}"
