"""Mail and chat through Apprise reach a real mail server and a real web hook, and nothing that is not allowed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.channels import Letter
from alerts.channels.apprise import open_channel
from alerts.outbound import AllowList, Outbound
from alerts.receivers import Receiver, Secret
from cemaphore.alert_words import writer
from cemaphore.settings import load_settings
from tests.receiving import Hook, Mailbox, facts, hook, mail_server

LOCAL = AllowList.of(["127.0.0.1"])


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as made:
        yield made


@pytest.fixture
def served() -> Iterator[Hook]:
    with hook() as made:
        yield made


@pytest.fixture
def letters(tmp_path: Path) -> list[Letter]:
    write = writer(load_settings(home=tmp_path, public_url="https://cem.example"))
    return [write(facts(), "zh"), write(facts(alert_id="b"), "en")]


def tell(url: str, letters: list[Letter], allow: AllowList = LOCAL) -> list[str | None]:
    receiver = Receiver(name="people", kind="apprise", address=Secret(value=url))
    return list(open_channel(receiver, Outbound(allow=allow, timeout_s=5)).tell(letters))


def test_mail_arrives_in_either_language(mailbox: Mailbox, letters: list[Letter]) -> None:
    url = f"mailto://127.0.0.1:{mailbox.port}?from=cem@example.org&to=oncall@example.org&mode=insecure"
    assert tell(url, letters) == [None, None]
    chinese, english = mailbox.got
    assert chinese["Subject"] == "【严重】区域 west：整体体验下降 11 分，约 1,200 名用户"
    assert english["Subject"] == "CRITICAL: experience down 11 points, region west, about 1,200 users"
    assert "oncall@example.org" in english["To"]
    body = english.get_body(("plain", "html")).get_content()
    assert "Likely cause: Core (83 % sure), cluster c0ffee." in body
    assert "https://cem.example/alerts?alert=b" in body


def test_chat_is_posted_over_http(served: Hook, letters: list[Letter]) -> None:
    assert tell(f"json://127.0.0.1:{served.port}/chat", letters) == [None, None]
    assert [body["type"] for body in served.got] == ["failure", "failure"]
    assert served.got[1]["title"].startswith("CRITICAL: experience down 11 points")


@pytest.mark.parametrize(
    ("scheme", "host"), [("json", "2130706433"), ("mailto", "localhost"), ("json", "[::ffff:127.0.0.1]")]
)
def test_nothing_internal_is_reached_through_apprise(
    served: Hook, letters: list[Letter], scheme: str, host: str
) -> None:
    more = "?from=a@example.org&to=b@example.org&mode=insecure" if scheme == "mailto" else ""
    (error,) = tell(f"{scheme}://{host}:{served.port}/{more}", letters, AllowList())
    assert error is not None
    assert served.got == []


def test_a_host_is_allowed_by_name(served: Hook, letters: list[Letter]) -> None:
    assert tell(f"json://localhost:{served.port}/", letters[:1], AllowList.of(["localhost"])) == [None]


def test_redirects_are_not_followed(served: Hook, letters: list[Letter]) -> None:
    with hook() as inside:
        served.answers, served.location = [307], inside.url
        (error,) = tell(f"json://127.0.0.1:{served.port}/", letters[:1])
        assert error is not None
        assert inside.got == []


def test_a_refusal_stops_and_names_the_status_and_no_address(served: Hook, letters: list[Letter]) -> None:
    served.answers = [200, 500]
    assert tell(f"json://127.0.0.1:{served.port}/secret", letters) == [None, "the service answered 500"]


def test_who_stops_between_two_has_sent_one(served: Hook, letters: list[Letter]) -> None:
    receiver = Receiver(name="people", kind="apprise", address=Secret(value=f"json://127.0.0.1:{served.port}/"))
    telling = open_channel(receiver, Outbound(allow=LOCAL, timeout_s=5)).tell(letters)
    assert next(iter(telling)) is None
    del telling
    assert len(served.got) == 1


def test_a_way_that_apprise_does_not_know_is_said(letters: list[Letter]) -> None:
    assert tell("nonsense://x", letters) == ["the address is none that Apprise knows"]
