"""Telling systemd that the program is ready, alive or stopping: one datagram each, where asked for (sd_notify)."""

import os
import socket
from contextlib import suppress


def notify(state: str) -> bool:
    """Send a state such as `READY=1` to the socket that systemd names in NOTIFY_SOCKET; False without one."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return False
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(state.encode(), "\0" + path[1:] if path.startswith("@") else path)
        return True
    return False
