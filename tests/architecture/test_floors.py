"""The floors of DESIGN hold: import-linter's contract in pyproject.toml, and the proof that it can fail."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import flasgo

ROOT = Path(__file__).parents[2]
PACKAGE = Path(flasgo.__file__).parent


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    """The contract of a directory's pyproject.toml, on the flasgo beside it or, where there is none, the installed one."""
    return subprocess.run(
        (
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


def test_imports_only_go_down() -> None:
    linted = lint_imports(ROOT)

    assert linted.returncode == 0, linted.stdout
    assert "1 kept, 0 broken" in linted.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(PACKAGE, tmp_path / "flasgo", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_an_import_that_goes_up_breaks_the_contract(copy: Path) -> None:
    with (copy / "flasgo/http/query.py").open("a") as module:
        module.write("from flasgo.request import Request\n")

    linted = lint_imports(copy)

    assert linted.returncode == 1
    assert "flasgo.http is not allowed to import flasgo.request" in linted.stdout


def test_a_new_room_must_be_given_a_floor(copy: Path) -> None:
    (copy / "flasgo/helpers.py").touch()

    linted = lint_imports(copy)

    assert linted.returncode == 1
    assert "flasgo.helpers" in linted.stdout


def test_the_floors_and_rooms_that_are_told_are_those_that_are_checked() -> None:
    told = (ROOT / "docs/explanation/architecture.md").read_text("utf-8")
    (contract,) = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    floors = [re.sub(r"[()]", "", floor) for floor in contract["layers"]]
    assert f"```text\n{chr(10).join(floors[1:])}\n```" in told

    rooms = re.findall(r"`(\w+)(?:/|\.py)`", "".join(re.findall(r"^\| (`.*?) \|", told, re.MULTILINE)))
    assert sorted(rooms) == sorted({name for floor in floors[1:] for name in floor.split(" | ")})
