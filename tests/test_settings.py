"""Settings: precedence, strictness, and messages that name what is wrong."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from cemaphore.settings import Settings, load_settings, unknown_variables
from records.errors import ConfigError


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in unset_settings():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CEMAPHORE_HOME", str(tmp_path))


def unset_settings() -> list[str]:
    return [f"CEMAPHORE_{name.upper()}" for name in Settings.model_fields]


def write(home: Path, text: str) -> None:
    (home / "cemaphore.toml").write_text(text)


def test_argument_wins_over_environment_and_environment_over_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "k_anonymity = 11\nops_port = 1111\ndashboard_port = 1111\n")
    monkeypatch.setenv("CEMAPHORE_OPS_PORT", "2222")
    monkeypatch.setenv("CEMAPHORE_DASHBOARD_PORT", "2222")
    settings = load_settings(dashboard_port=3333)
    assert (settings.k_anonymity, settings.ops_port, settings.dashboard_port) == (11, 2222, 3333)


def test_the_file_of_the_given_home_is_read(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write(other, 'time_zone = "Asia/Shanghai"\n')
    assert load_settings(home=other).time_zone == "Asia/Shanghai"
    assert load_settings().time_zone == "UTC"


def test_paths_lie_under_home_unless_absolute(tmp_path: Path) -> None:
    settings = load_settings(watch_folder="/var/spool/probes")
    assert settings.home.is_absolute()
    assert settings.keys_dir == tmp_path / "keys"
    assert settings.watch_folder == Path("/var/spool/probes")


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().k_anonymity = 1  # type: ignore[misc]  # on purpose


def test_webhooks_are_separated_by_commas_and_do_not_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CEMAPHORE_WEBHOOK_URLS", "http://a/s3cret, http://b/s3cret")
    settings = load_settings()
    assert [url.get_secret_value() for url in settings.webhook_urls] == ["http://a/s3cret", "http://b/s3cret"]
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k_anonimity = 5\n", "k_anonimity is no setting; did you mean k_anonymity?"),
        ('time_zone = "Peking"\n', r"time_zone \(CEMAPHORE_TIME_ZONE\): is no IANA time zone.*'Peking'"),
        ('country_code = "86"\n', "country_code .*ISO 3166"),
        ('home = "/elsewhere"\n', "home cannot be set in the file"),
        ("k_anonymity = \n", "not valid TOML"),
        ("ops_port = 70000\n", "ops_port .*less than or equal to 65535"),
    ],
)
def test_a_wrong_file_is_refused_with_what_would_be_right(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, text)
    with pytest.raises(ConfigError, match=message):
        load_settings()


def test_a_wrong_secret_is_not_in_the_message() -> None:
    with pytest.raises(ConfigError) as refusal:
        load_settings(database_url=["s3cret"])
    assert "s3cret" not in str(refusal.value)


def test_an_unknown_variable_is_told_with_the_likeliest_name() -> None:
    told = unknown_variables({"CEMAPHORE_DATABSE_URL": "x", "CEMAPHORE_HOME": "y", "PATH": "z"})
    assert told == ["CEMAPHORE_DATABSE_URL (did you mean CEMAPHORE_DATABASE_URL?)"]


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
