"""Roles of people: given, taken, audited; and screens that nobody has to log in to stay on this machine."""

import os
import signal
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from cemaphore import serving
from cemaphore.login import refuse_open_screens, streamlit_secrets
from cemaphore.settings import load_settings
from records.errors import ConfigError
from store import users
from store.connection import Connection

OIDC = {
    "oidc_metadata_url": "https://idp.example/.well-known/openid-configuration",
    "oidc_client_id": "cem",
    "public_url": "https://cem.example/",
}


def test_roles_are_given_and_taken_with_a_reason(connection: Connection) -> None:
    users.grant(connection, "li", ["care"], actor="root", reason="hotline")
    assert users.grant(connection, "li", ["analyst"], actor="root", reason="also")["roles"] == ["analyst", "care"]
    assert users.revoke(connection, "li", actor="root", reason="left")["roles"] == []
    assert users.listed(connection)["roles"].tolist() == [[]]
    trail = connection.execute("SELECT actor, action, reason, detail FROM cem.audit ORDER BY audit_id").fetchall()
    assert trail[1] == ("root", "grant roles", "also", {"user": "li", "roles": ["analyst", "care"]})
    assert trail[2] == ("root", "revoke roles", "left", {"user": "li", "roles": []})


def test_a_role_that_there_is_not_is_refused(connection: Connection) -> None:
    with pytest.raises(ConfigError, match="superuser is no role; it is one of operations"):
        users.grant(connection, "li", ["superuser"], actor="root", reason="why")


def test_screens_without_a_log_in_stay_on_this_machine(tmp_path: Path) -> None:
    refuse_open_screens(load_settings(home=tmp_path, host="127.0.0.1"))
    with pytest.raises(ConfigError, match="there is no log-in"):
        refuse_open_screens(load_settings(home=tmp_path, host="0.0.0.0"))
    refuse_open_screens(load_settings(home=tmp_path, host="0.0.0.0", allow_open_screens=True))
    refuse_open_screens(load_settings(home=tmp_path, host="0.0.0.0", **OIDC))


def test_secrets_come_from_files_for_their_owner_alone(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, **OIDC)
    with pytest.raises(ConfigError, match="oidc-client-secret cannot be read"):
        streamlit_secrets(settings)
    file = tmp_path / "oidc-client-secret"
    file.write_text("s3cret\n")
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="can be read by others"):
        streamlit_secrets(settings)
    file.chmod(0o600)
    auth = streamlit_secrets(settings)["auth"]
    assert (auth["client_secret"], auth["redirect_uri"]) == ("s3cret", "https://cem.example/oauth2callback")
    assert auth["client_kwargs"]["code_challenge_method"] == "S256"
    assert stat.S_IMODE((tmp_path / "cookie-secret").stat().st_mode) == 0o600
    assert streamlit_secrets(settings)["auth"]["cookie_secret"] == auth["cookie_secret"], "made once"


def test_whoever_ends_the_command_ends_the_screens() -> None:
    """`cem dashboard` that was ended from outside left them serving."""
    screens = subprocess.Popen(["sleep", "60"])
    ending = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM))
    ending.start()
    assert serving.wait(screens) == -signal.SIGTERM
    ending.join()


def test_a_secret_in_the_settings_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "cemaphore.toml").write_text('oidc_client_secret = "s3cret"\n')
    with pytest.raises(ConfigError, match="a secret does not belong here") as refusal:
        load_settings(home=tmp_path)
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("url", ["http://idp.example/x", "ftp://idp.example/x"])
def test_tokens_go_to_encrypted_addresses_alone(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="must be an https address"):
        load_settings(home=tmp_path, **{**OIDC, "oidc_metadata_url": url})


def test_half_a_log_in_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="oidc_metadata_url needs oidc_client_id and public_url"):
        load_settings(home=tmp_path, oidc_metadata_url=OIDC["oidc_metadata_url"], oidc_client_secret="s3cret")
