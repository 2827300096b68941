"""The wheel: it holds what the program needs and no more, and works in an environment without the checkout."""

import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("records", "kpi", "kqi", "qoe", "customers", "store", "collectors", "alerts", "cemaphore", "dashboards")


def run(*command: str | Path, cwd: Path = ROOT, allowed: tuple[int, ...] = (0,)) -> str:
    """Standard output of a command that ends with an allowed exit code."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CEMAPHORE_", "PYTHON"))}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=clean)
    assert done.returncode in allowed, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a clean environment with the pinned packages, which also hold what builds the wheel."""
    place = tmp_path_factory.mktemp("clean") / "env"
    run(sys.executable, "-m", "venv", place)
    python = place / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--no-compile", "--require-hashes", "-r", ROOT / "requirements.txt")
    return python


@pytest.fixture(scope="module")
def wheel(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    target = tmp_path_factory.mktemp("wheel")
    run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", target, ROOT)
    (found,) = target.glob("cemaphore-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(python: Path, wheel: Path) -> Path:
    """The folder of commands of the clean environment, with the wheel installed."""
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    return python.parent


def test_the_wheel_holds_every_file_of_every_package(wheel: Path) -> None:
    """Modules, catalogues, migrations, words, icon and type markers are all in it."""
    names = set(ZipFile(wheel).namelist())
    tracked = set(run("git", "ls-files", "--", *PACKAGES).splitlines())
    assert {name for name in tracked if (ROOT / name).exists()} <= names
    assert {f"{package}/catalogue.toml" for package in ("kpi", "kqi", "qoe")} <= names
    assert {f"dashboards/locale/{language}.po" for language in ("en", "zh")} | {"dashboards/icon.png"} <= names
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "store/migrations").glob("*.sql")} <= names
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    """Neither tests nor benchmarks nor documents are installed beside other people's packages."""
    roots = {name.split("/")[0] for name in ZipFile(wheel).namelist()}
    assert {root for root in roots if not root.endswith(".dist-info")} == set(PACKAGES)
    assert not any("__pycache__" in name for name in ZipFile(wheel).namelist())


def test_every_module_imports_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    """No module leans on a file of the checkout or on an unpinned package; screens are scripts, not modules."""
    script = (
        "import importlib, pkgutil, re, sys\n"
        f"for root in {PACKAGES!r}:\n"
        "    package = importlib.import_module(root)\n"
        "    assert package.__file__.startswith(sys.prefix), package.__file__\n"
        "    for found in pkgutil.walk_packages(package.__path__, f'{root}.'):\n"
        "        if not re.search(r'^dashboards\\.(app|views\\.)|__main__$', found.name):\n"
        "            importlib.import_module(found.name)\n"
    )
    run(installed / "python", "-I", "-c", script, cwd=tmp_path)


def test_the_command_works_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    """`cem --help` lists the commands, `cem doctor` judges the machine; 4 means that something is in the way."""
    assert "doctor" in run(installed / "cem", "--help", cwd=tmp_path)
    found = json.loads(run(installed / "cem", "doctor", "--json", cwd=tmp_path, allowed=(0, 4)))
    assert found["checks"]


def test_the_catalogues_are_found_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    """The installed program reads the catalogues it was shipped with."""
    script = "from cemaphore import catalogues; print(len(catalogues.kpis().kpis), len(catalogues.quality().services))"
    counts = run(installed / "python", "-I", "-c", script, cwd=tmp_path).split()
    assert [int(count) > 0 for count in counts] == [True, True]
