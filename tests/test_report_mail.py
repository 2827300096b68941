"""The report of the week by mail: to each receiver once, in its language, whatever fails or starts again meanwhile."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cemaphore.reporting.sending import due, send_week
from cemaphore.settings import Settings, load_settings
from records.errors import ConfigError
from store.connection import connect
from tests.city import City
from tests.receiving import Mailbox, mail_server

# The city ends with Wednesday 11 March 2026; in Shanghai it is 7:30 of the Thursday after it.
THURSDAY = datetime(2026, 3, 11, 23, 30, tzinfo=UTC)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as made:
        yield made


@pytest.fixture
def settings(city: City, mailbox: Mailbox, tmp_path: Path) -> Iterator[Settings]:
    """Settings with two receivers; the ledger is empty again at the end."""
    url = f"mailto://127.0.0.1:{mailbox.port}?from=cem@example.org&mode=insecure"
    tables = [
        f'[[receiver]]\nname = "{name}"\nkind = "apprise"\nlanguage = "{language}"\n'
        f'address = "{url}&to={name}@example.org"\n'
        for name, language in (("noc", "en"), ("care", "zh"))
    ]
    (tmp_path / "receivers.toml").write_text("\n".join(tables))
    yield load_settings(
        home=tmp_path,
        database_url=city.dsn,
        time_zone="Asia/Shanghai",
        demo=True,
        report_receivers="noc, care",
        report_weekday=4,
        outbound_allow="127.0.0.1",
        public_url="https://cem.example",
    )
    with connect(city.dsn, autocommit=True) as connection:
        connection.execute("TRUNCATE cem.report_sent")


def test_each_receiver_gets_it_once_in_its_language(city: City, settings: Settings, mailbox: Mailbox) -> None:
    assert vars(send_week(city.dsn, settings, now=THURSDAY)) == {"reports_sent": 2, "reports_failed": 0}
    english, chinese = mailbox.got
    assert "Experience in one week" in english["Subject"]
    assert "一周体验报告" in chinese["Subject"]
    assert "care@example.org" in chinese["To"]
    (attached,) = english.iter_attachments()
    assert attached.get_filename() == "cemaphore-2026-03-05.pdf"
    assert attached.get_content().startswith(b"%PDF-")
    assert "https://cem.example" in english.get_body(("plain", "html")).get_content()
    again = send_week(city.dsn, settings, now=THURSDAY.replace(day=16))  # started again, days later
    assert again.reports_sent == 0
    assert len(mailbox.got) == 2


def test_what_was_not_taken_is_tried_again(city: City, settings: Settings, mailbox: Mailbox) -> None:
    mailbox.answer = "451 try later"
    assert send_week(city.dsn, settings, now=THURSDAY).reports_failed == 2
    mailbox.answer = "250 taken"
    assert send_week(city.dsn, settings, now=THURSDAY).reports_sent == 2
    with connect(city.dsn) as connection:
        rows = connection.execute("SELECT receiver, tries, error FROM cem.report_sent ORDER BY receiver").fetchall()
    assert rows == [("care", 2, None), ("noc", 2, None)]


def test_nothing_is_sent_of_a_week_without_scores(city: City, settings: Settings, mailbox: Mailbox) -> None:
    assert send_week(city.dsn, settings, now=datetime(2026, 5, 1, tzinfo=UTC)).reports_sent == 0
    assert mailbox.got == []


def test_an_unknown_receiver_is_said(city: City, settings: Settings) -> None:
    wrong = settings.model_copy(update={"report_receivers": ("boss",)})
    with pytest.raises(
        ConfigError, match=r"receivers.toml has no receiver 'boss' of kind apprise; there are care, noc"
    ):
        send_week(city.dsn, wrong, now=THURSDAY)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ((2026, 3, 11, 23, 0), (2026, 3, 11, 16)),  # Thursday 7:00 there: due
        ((2026, 3, 11, 22, 59), (2026, 3, 4, 16)),  # a minute before, last week's is still the one
        ((2026, 3, 18, 12, 0), (2026, 3, 11, 16)),  # the evening before the next
    ],
)
def test_it_is_due_by_the_operators_clock(settings: Settings, now: tuple[int, ...], end: tuple[int, ...]) -> None:
    assert due(settings, datetime(*now, tzinfo=UTC)) == datetime(*end, tzinfo=UTC)
