"""The house's rules that a machine can hold: arrows between rooms, sizes, and what a repository must not name."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("records", "kpi", "kqi", "qoe", "customers", "store", "collectors", "alerts", "cemaphore", "dashboards")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_imports_follow_the_arrows() -> None:
    """The import-linter contracts of pyproject.toml hold."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_short_and_say_what_they_are_for(path: Path) -> None:
    """Every module opens with a docstring and stays below 300 lines."""
    source = path.read_text()
    assert source.count("\n") <= 300
    assert ast.get_docstring(ast.parse(source)), "a module opens with one sentence that says what it is for"


@pytest.mark.parametrize("package", ["records", "kpi", "kqi", "qoe", "customers"])
def test_cores_touch_nothing_outside(package: str) -> None:
    """The pure cores neither print, log, open files, nor read the clock or the environment."""
    impure = re.compile(
        r"\b(print\(|open\(|logging\b|os\.environ|getenv|datetime\.now|time\.time\(|perf_counter|read_text|read_bytes)"
    )
    for path in (ROOT / package).rglob("*.py"):
        found = impure.search(path.read_text())
        assert found is None, f"{path.relative_to(ROOT)}: {found.group() if found else ''}"


def test_screens_compute_no_score_and_read_no_raw_table() -> None:
    """Dashboards read through store.screens alone: no SQL and no core of theirs beside labels."""
    for path in (ROOT / "dashboards").rglob("*.py"):
        source = path.read_text()
        assert "SELECT " not in source
        assert not re.search(r"^from (kpi|kqi|qoe|customers)\b", source, re.MULTILINE)


def test_screens_import_neither_engines_nor_scoring() -> None:
    """What computes a score is not reached from a screen, but for the explanation of one customer."""
    scoring = re.compile(r"^\s*(from|import) cemaphore\.(engines|pipeline)\b", re.MULTILINE)
    for path in (ROOT / "dashboards").rglob("*.py"):
        assert not scoring.search(path.read_text()), path.name
    explaining = [
        path.name for path in (ROOT / "dashboards").rglob("*.py") if "import Explanation, explain" in path.read_text()
    ]
    assert explaining == ["page.py"]


def test_every_reading_of_one_customer_is_audited() -> None:
    """What `store` reads of a `customer_key` comes to the screens through `look`, which audits, never `read`."""
    of_one = set()
    for path in (ROOT / "store").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and [each.arg for each in node.args.args[1:2]] == ["customer_key"]:
                of_one.add((path.stem, node.name))
    assert ("screens", "customer_days") in of_one
    for path in (ROOT / "dashboards").rglob("*.py"):
        source = path.read_text()
        modules = dict(re.findall(r"^from store import (\w+) as (\w+)$", source, re.MULTILINE))
        named = {alias: name for name, alias in modules.items()}
        for alias, function in re.findall(r"\bread(?:_persons)?\(\s*(\w+)\.(\w+)", source):
            assert (named.get(alias, alias), function) not in of_one, f"{path.name}: {function} is read unaudited"


def test_every_list_of_persons_is_audited() -> None:
    """A function of the screens that reads lists of persons says in the audit that somebody looked."""
    readers = set()
    for path in (ROOT / "dashboards").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                called = {each.func.id for each in ast.walk(node) if isinstance(each, ast.Call)
                          and isinstance(each.func, ast.Name)}  # fmt: skip
                if "read_persons" in called:
                    readers.add(path.stem)
                    assert called & {"looked", "looked_at_list"}, f"{path.name}: {node.name} reads persons unaudited"
    assert readers == {"complaints", "complaints_table", "customer_search", "silent"}


def test_raw_sessions_reach_the_screens_of_one_customer_alone() -> None:
    """Views and functions for end roles read cem.session only where they are given one customer's key."""
    for path in sorted((ROOT / "store" / "migrations").glob("*.sql")):
        for made in re.split(r"(?m)^(?=CREATE )", path.read_text()):
            if re.match(r"CREATE (OR REPLACE )?(VIEW|FUNCTION) (api|act)\.", made) and "cem.session " in made:
                assert "asked_key" in made, f"{path.name}: {made[:80]}"


def test_repository_names_no_machine_and_no_registry() -> None:
    """No path of a developer's machine and no host of a package registry or mirror is committed."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    forbidden = re.compile(
        rb"files\.python"
        + rb"hosted\.org|pypi\.org/si"
        + rb"mple|deb\.debian"
        + rb"\.org|registry\.npm"
        + rb"js\.org|/wo"
        + rb"rk/main"
    )
    for name in filter(None, tracked):
        path = ROOT / name.decode()
        if path.is_file():
            assert not forbidden.search(path.read_bytes()), name.decode()
