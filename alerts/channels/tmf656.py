"""Posts events of TMF656 Service Problem Management v4.0.0: a problem created or its state changed."""

from alerts import tmf
from alerts.channels.webhook import Webhook
from alerts.outbound import Outbound
from alerts.receivers import Receiver


def open_channel(receiver: Receiver, outbound: Outbound) -> Webhook:
    """Open a webhook that takes service problem events."""
    return Webhook(receiver, outbound, tmf.problem_event)
