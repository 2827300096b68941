"""`cem doctor`: whether this installation can work, and what to do where it cannot."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `cem doctor` to `app`."""
    app.command("doctor")(_doctor)


def _doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Look at everything this installation needs; exit code 4 when something is in the way."""
    import json
    import os
    from dataclasses import asdict

    from cemaphore.doctor import Level, examine
    from cemaphore.exits import Exit, exits
    from cemaphore.settings import load_settings

    with exits():
        findings = examine(load_settings(), os.environ)
    failed = any(finding.level is Level.FAIL for finding in findings)
    if as_json:
        typer.echo(json.dumps({"ok": not failed, "checks": [asdict(finding) for finding in findings]}))
    else:
        for finding in findings:
            typer.echo(f"{finding.level:5}{finding.check:17}{finding.found}")
            if finding.level is not Level.OK:
                typer.echo(f"{'':22}-> {finding.remedy}")
    if failed:
        raise typer.Exit(Exit.CONFIGURATION)
