"""Posts events of TMF642 Alarm Management v4.0.0: an alarm created, changed or cleared."""

from alerts import tmf
from alerts.channels.webhook import Webhook
from alerts.outbound import Outbound
from alerts.receivers import Receiver


def open_channel(receiver: Receiver, outbound: Outbound) -> Webhook:
    """Open a webhook that takes alarm events."""
    return Webhook(receiver, outbound, tmf.alarm_event)
