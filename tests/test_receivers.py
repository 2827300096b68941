"""Receivers as data: every error names its line and what would be right, and no secret is shown."""

import re
from pathlib import Path
from typing import Any

import pytest

from alerts.channels import kinds
from alerts.receivers import Receiver, parse_receivers
from records.errors import ConfigError
from tests.receiving import facts

WHOLE = """
[[receiver]]
name = "oncall-mail"
kind = "apprise"
address_env = "ONCALL_MAIL"
language = "zh"
severities = ["critical"]
match = { region = ["west*", "east"], rule = ["*"] }

[[receiver]]
name = "tickets"
kind = "tmf656"
address = "https://tickets.example.org/listener/serviceProblem"
header_files = { Authorization = "secrets/tickets" }
secret_file = "secrets/signing"
ca_file = "secrets/ca.pem"
"""


def parse(text: str, home: Path = Path("/home")) -> tuple[Receiver, ...]:
    return parse_receivers(text, file="receivers.toml", home=home, kinds=kinds())


def test_a_whole_file_is_read() -> None:
    mail, tickets = parse(WHOLE)
    assert (mail.kind, mail.language, mail.severities, mail.states) == (
        "apprise", "zh", {"critical"}, {"firing", "resolved"},
    )  # fmt: skip
    assert tickets.states == {"firing", "acknowledged", "resolved"}
    assert tickets.ca_file == Path("/home/secrets/ca.pem")
    assert set(kinds()) == {"alertmanager", "apprise", "tmf642", "tmf656", "webhook"}


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (('kind = "apprise"', 'kind = "pager"'), 4, "kind 'pager' must be one of alertmanager, apprise"),
        (('"critical"]', '"crit"]'), 7, "severities: 'crit' must be one of info, warning, critical"),
        (('"zh"', '"de"'), 6, "language 'de' must be one of en, zh"),
        (('"oncall-mail"', '"On Call"'), 3, "name 'On Call' must be of a-z"),
        (('"tickets"\n', '"oncall-mail"\n'), 11, "there is a receiver oncall-mail already"),
        (("address_env", "adress_env"), 5, "adress_env is no field of a receiver; there are address"),
        (('address_env = "ONCALL_MAIL"\n', ""), 3, "a receiver needs address, address_env or address_file"),
        (("https://tickets", "ftp://tickets"), 13, "must begin with http://HOST or https://HOST"),
        (("https://tickets", "https://me:pw@tickets"), 13, "holds a user or password; send an Authorization"),
        (('["west*", "east"]', '"west"'), 8, "match.region must be a list of texts"),
        (("secret_file", 'secret_env = "X"\nsecret_file'), 16, "secret_env and secret_file say the same thing"),
        (('"secrets/tickets" }', "5 }"), 14, "header_files must be a table of texts"),
        (("[[receiver]]\nname", "[[reciever]]\nname"), 2, r"\[reciever\] is none of \[\[receiver\]\]"),
    ],
)
def test_an_error_names_its_line(change: tuple[str, str], line: int, message: str) -> None:
    assert change[0] in WHOLE
    with pytest.raises(ConfigError, match=rf"^receivers.toml:{line}: .*{message}") as caught:
        parse(WHOLE.replace(*change, 1))
    assert "pw" not in str(caught.value)


def test_secrets_come_from_variables_and_files_and_never_print(monkeypatch: Any, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/signing").write_text("file-secret\n", encoding="utf-8")
    mail, tickets = parse(WHOLE, tmp_path)
    with pytest.raises(ConfigError, match="the environment has no ONCALL_MAIL"):
        mail.address.read()
    monkeypatch.setenv("ONCALL_MAIL", "mailto://variable-secret")
    assert mail.address.read() == "mailto://variable-secret"
    assert tickets.secret is not None
    assert tickets.secret.read() == "file-secret"
    with pytest.raises(ConfigError, match=r"secrets/tickets cannot be read: No such file"):
        tickets.headers["Authorization"].read()
    assert "tickets.example.org" not in repr(tickets)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, True),
        ({"severity": "warning"}, False),
        ({"about": {"region": ("north",)}, "subject": "region=north"}, False),
        ({"about": {}, "subject": "region=western"}, True),
        ({"about": {"region": ("north", "east")}, "subject": "cluster=c1"}, True),
        ({"about": {}, "labels": {"region": "east"}, "subject": "cell=E-1"}, True),
        ({"about": {}, "subject": "cell=E-1"}, False),
    ],
)
def test_a_receiver_gets_what_it_asked_for(given: dict[str, Any], wanted: bool) -> None:
    assert parse(WHOLE)[0].wants(facts(**given)) is wanted


def test_the_shipped_file_and_the_page_are_valid() -> None:
    root = Path(__file__).parent.parent
    shipped = (root / "deploy" / "receivers.toml").read_text(encoding="utf-8")
    page = (root / "docs" / "delivery.md").read_text(encoding="utf-8")
    assert [one.kind for one in parse(shipped)] == ["alertmanager"]
    wanted = ["alertmanager", "apprise", "webhook", "tmf656"]
    assert [one.kind for one in parse(re.sub(r"^# (?=\[|\w+ =)", "", shipped, flags=re.MULTILINE))] == wanted
    (sample,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(parse(sample)) == 4


def test_an_installed_kind_is_found_and_cannot_take_a_name_of_ours(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "pigeon.py").write_text("def open_channel(receiver, outbound):\n    return None\n", encoding="utf-8")
    info = tmp_path / "pigeon-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeon\nVersion: 1\n", encoding="utf-8")
    points = "[cemaphore.alert_channels]\n{} = pigeon:open_channel\n"
    (info / "entry_points.txt").write_text(points.format("pigeon"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    kinds.cache_clear()
    try:
        assert parse(WHOLE.replace('"tmf656"', '"pigeon"'))[1].kind == "pigeon"
        (info / "entry_points.txt").write_text(points.format("webhook"), encoding="utf-8")
        kinds.cache_clear()
        with pytest.raises(ConfigError, match="has the name webhook, which is taken"):
            kinds()
    finally:
        kinds.cache_clear()
