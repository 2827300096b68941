"""`cem listen`: sources that push over HTTP."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `cem listen ...` to `app`."""
    listen = typer.Typer(help="Listen to sources that push: what is answered with 2xx is not lost.")
    listen.command("ves")(_ves)
    listen.command("tmf621")(_tmf621)
    listen.command("sessions")(_sessions)
    listen.command("password")(_password)
    app.add_typer(listen, name="listen", no_args_is_help=True)


def _ves(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8443,
    source: Annotated[str, typer.Option(help="Name of the source, as counters and alarms carry it.")] = "ves",
    certificate: Annotated[Path | None, typer.Option("--tls-certificate", help="PEM file, with its chain.")] = None,
    key: Annotated[Path | None, typer.Option("--tls-key", help="PEM file.")] = None,
    client_ca: Annotated[
        Path | None, typer.Option("--tls-client-ca", help="Hear only clients with a certificate of this authority.")
    ] = None,
    without_tls: Annotated[
        bool, typer.Option("--without-tls", help="Behind a proxy that ends TLS: plain HTTP on a network address.")
    ] = False,
    users: Annotated[Path | None, typer.Option(help="File of users, lines of `cem listen password`.")] = None,
    spill: Annotated[
        Path | None, typer.Option(help="Directory of the spill; default: spill/ves under the home.")
    ] = None,
    spill_mib: Annotated[int, typer.Option(min=1, help="Largest size of the spill (MiB).")] = 1024,
    patience_s: Annotated[
        float, typer.Option(min=0.1, help="A commit that takes longer sends events to the spill (seconds).")
    ] = 5.0,
) -> None:
    """Hear ONAP VES events (versions 5 to 7): perf3gpp and measurement to counters, fault to alarms."""
    from cemaphore.exits import exits
    from cemaphore.listening import Listener, tell, ves_server
    from cemaphore.settings import load_settings
    from collectors.listening.reception import Bounds
    from collectors.listening.server import Listening

    with exits():
        server = ves_server(
            load_settings(),
            Listener(
                source=source,
                listening=Listening(
                    host=host,
                    port=port,
                    certificate=certificate,
                    key=key,
                    client_ca=client_ca,
                    without_tls=without_tls,
                ),
                users=users,
                spill=spill,
                spill_mib=spill_mib,
                bounds=Bounds(patience_s=patience_s),
            ),
        )
        tell(f"VES events are heard at {'https' if certificate else 'http'}://{host}:{port}/eventListener/v7")
        server.run()


def _sessions(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8445,
    source: Annotated[str, typer.Option(help="Name of the source, where a record names none.")] = "http",
    certificate: Annotated[Path | None, typer.Option("--tls-certificate", help="PEM file, with its chain.")] = None,
    key: Annotated[Path | None, typer.Option("--tls-key", help="PEM file.")] = None,
    client_ca: Annotated[
        Path | None, typer.Option("--tls-client-ca", help="Hear only clients with a certificate of this authority.")
    ] = None,
    without_tls: Annotated[
        bool, typer.Option("--without-tls", help="Behind a proxy that ends TLS: plain HTTP on a network address.")
    ] = False,
    mapping: Annotated[
        str | None, typer.Option(help="Name of a mapping file under mappings/ that says what the columns mean.")
    ] = None,
    users: Annotated[Path | None, typer.Option(help="File of users, lines of `cem listen password`.")] = None,
    spill: Annotated[
        Path | None, typer.Option(help="Directory of the spill; default: spill/sessions under the home.")
    ] = None,
    spill_mib: Annotated[int, typer.Option(min=1, help="Largest size of the spill (MiB).")] = 4096,
    patience_s: Annotated[
        float, typer.Option(min=0.1, help="A commit that takes longer sends sessions to the spill (seconds).")
    ] = 5.0,
) -> None:
    """Hear sessions as NDJSON, plain or gzip, at /sessions."""
    from cemaphore.exits import exits
    from cemaphore.listening import Listener, session_server, tell
    from cemaphore.settings import load_settings
    from collectors.listening.reception import Bounds
    from collectors.listening.server import Listening

    listening = Listening(
        host=host, port=port, certificate=certificate, key=key, client_ca=client_ca, without_tls=without_tls
    )
    bounds = Bounds(patience_s=patience_s)
    with exits():
        listener = Listener(
            source=source, listening=listening, users=users, spill=spill, spill_mib=spill_mib, bounds=bounds
        )
        server = session_server(load_settings(), listener, mapping)
        tell(f"sessions are heard at {'https' if certificate else 'http'}://{host}:{port}/sessions")
        server.run()


def _tmf621(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8444,
    source: Annotated[str, typer.Option(help="Name of the source, as complaints carry it.")] = "tickets",
    certificate: Annotated[Path | None, typer.Option("--tls-certificate", help="PEM file, with its chain.")] = None,
    key: Annotated[Path | None, typer.Option("--tls-key", help="PEM file.")] = None,
    client_ca: Annotated[
        Path | None, typer.Option("--tls-client-ca", help="Hear only clients with a certificate of this authority.")
    ] = None,
    without_tls: Annotated[
        bool, typer.Option("--without-tls", help="Behind a proxy that ends TLS: plain HTTP on a network address.")
    ] = False,
    users: Annotated[Path | None, typer.Option(help="File of users, lines of `cem listen password`.")] = None,
    spill: Annotated[
        Path | None, typer.Option(help="Directory of the spill; default: spill/tmf621 under the home.")
    ] = None,
    spill_mib: Annotated[int, typer.Option(min=1, help="Largest size of the spill (MiB).")] = 256,
    patience_s: Annotated[
        float, typer.Option(min=0.1, help="A commit that takes longer sends events to the spill (seconds).")
    ] = 5.0,
) -> None:
    """Hear events of TMF621 trouble tickets (versions 4 and 5): created, changed, resolved; they become complaints."""
    from cemaphore.exits import exits
    from cemaphore.listening import Listener, tell, ticket_server
    from cemaphore.settings import load_settings
    from collectors.listening.reception import Bounds
    from collectors.listening.server import Listening

    listening = Listening(
        host=host, port=port, certificate=certificate, key=key, client_ca=client_ca, without_tls=without_tls
    )
    bounds = Bounds(patience_s=patience_s)
    with exits():
        listener = Listener(
            source=source, listening=listening, users=users, spill=spill, spill_mib=spill_mib, bounds=bounds
        )
        server = ticket_server(load_settings(), listener)
        tell(f"ticket events are heard at {'https' if certificate else 'http'}://{host}:{port}/listener")
        server.run()


def _password(name: Annotated[str, typer.Argument(help="Name of the sender.")]) -> None:
    """Ask for a password and print a line for the file of users."""
    from cemaphore.exits import exits
    from collectors.listening.credentials import line_for

    with exits():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        typer.echo(line_for(name, password))
