"""Serving the screens: Streamlit as a process of its own, on a free port, asking nothing of the outside."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from cemaphore.login import refuse_open_screens, streamlit_secrets
from cemaphore.settings import Settings
from records.errors import TransientError

_PORTS_TRIED = 50


def free_port(host: str, first: int) -> int:
    """Return the first port from `first` on that nobody listens on.

    Raises TransientError when `_PORTS_TRIED` in a row are taken.
    """
    for port in range(first, min(first + _PORTS_TRIED, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise TransientError(f"ports {first} to {first + _PORTS_TRIED - 1} of {host} are all taken; set another port.")


def start(settings: Settings, port: int) -> subprocess.Popen[bytes]:
    """Start the screens on that port and return their process; the settings reach it through its environment.

    Raises `ConfigError` where others would reach them without a log-in, or a secret of the log-in is missing.
    """
    refuse_open_screens(settings)
    streamlit_secrets(settings)
    return subprocess.Popen(command(settings, port), env={**os.environ, "CEMAPHORE_HOME": str(settings.home)})


def wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for the screens to end and return their exit code; whoever ends this program ends them too."""
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        return process.wait()
    finally:
        signal.signal(signal.SIGTERM, before)


def command(settings: Settings, port: int) -> list[str]:
    """Return the command line that serves the screens on that port; it holds no secret."""
    app = Path(__file__).parent.parent / "dashboards" / "server.py"
    # What does not change lies beside the application, in .streamlit/config.toml.
    options = {"server.address": settings.host, "server.port": str(port)}
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(app), *flags]
