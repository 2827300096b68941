"""The receivers of alerts that are configured, and what each of them may reach."""

import hashlib
import ssl
from dataclasses import replace

from alerts.channels import kinds
from alerts.outbound import AllowList, Outbound, checked
from alerts.receivers import Receiver, Secret, parse_receivers
from cemaphore.settings import Settings
from records.errors import ConfigError


def receivers_of(settings: Settings) -> tuple[Receiver, ...]:
    """The receivers of the file and of the setting `webhook_urls`; raises `ConfigError` with the file's line."""
    path = settings.receivers_file
    named: tuple[Receiver, ...] = ()
    if path.exists():
        text = path.read_text(encoding="utf-8")
        named = parse_receivers(text, file=path.name, home=settings.home, kinds=kinds())
    return (*named, *(_of_setting(url.get_secret_value()) for url in settings.webhook_urls))


def _of_setting(url: str) -> Receiver:
    """A webhook of the settings: named without telling its address, which the operator allows by naming it there."""
    name = f"webhook-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
    return Receiver(name=name, kind="webhook", address=Secret(value=url), host_allowed=True)


def outbound_of(settings: Settings, receiver: Receiver) -> Outbound:
    """What a receiver may reach."""
    allow = AllowList.of(settings.outbound_allow)
    if receiver.host_allowed:
        allow = replace(allow, hosts=allow.hosts | {checked(receiver.address.read()).host.lower()})
    return Outbound(allow=allow, timeout_s=settings.outbound_timeout_s, trust=_trust(receiver))


def _trust(receiver: Receiver) -> ssl.SSLContext | None:
    if receiver.ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=receiver.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"ca_file {receiver.ca_file} holds no certificates: {error}") from None
