"""The page about VES says what the program does: its commands parse, and its codes are those of the sources."""

import re
import shlex
from pathlib import Path

import typer

from cemaphore.cli import listen

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "sources-ves.md").read_text()


def test_the_commands_on_the_page_parse() -> None:
    app = typer.Typer()
    listen.register(app)
    app.command("other")(lambda: None)
    commands = typer.main.get_command(app).commands["listen"].commands  # type: ignore[attr-defined]  # untyped there
    lines = re.findall(r"^cem listen .*$", PAGE, re.MULTILINE)
    assert len(lines) == 3
    for line in lines:
        words = shlex.split(line.partition(">>")[0], comments=True)
        commands[words[2]].make_context(words[2], words[3:])


def test_the_codes_on_the_page_are_those_of_the_sources() -> None:
    sources = "".join(
        path.read_text()
        for folder in ("collectors/ves", "collectors/listening", "collectors", "store")
        for path in (ROOT / folder).glob("*.py")
    )
    table = PAGE.partition("## What quarantined events say")[2]
    codes = [
        code for line in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for code in re.findall(r"`(\w+)`", line)
    ]
    assert len(codes) >= 12
    missing = [code for code in codes if f'"{code}"' not in sources]
    assert not missing
    ours = set(re.findall(r'code: str = "(\w+)"|code="(\w+)"', "".join(
        path.read_text() for path in (ROOT / "collectors" / "ves").glob("*.py")
    )))  # fmt: skip
    assert {one or other for one, other in ours} <= {*codes}
