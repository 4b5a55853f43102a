"""Every promise of docs/explanation/security.md and SECURITY.md names the tests that prove it, and they are there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
PROMISES = (ROOT / "docs" / "explanation" / "security.md", ROOT / "SECURITY.md")

PROOF = re.compile(r"`([\w/]+\.py(?:::\w+)+)`")
ROW = re.compile(r"^\| (?!promise \||---)(?P<promise>[^|]+) \| (?P<proof>[^|]+) \|$", re.MULTILINE)

SUBJECTS = (
    "Signing", "Sessions", "CSRF", "Hosts and proxies", "Headers and caches", "Bodies", "Time and connections",
    "Throttles and limits", "Files and redirects", "Outbound requests", "Logins, errors, pages and logs", "Before you serve it",
)  # fmt: skip
LESSONS = [
    "CVE-2023-25577",
    "CVE-2023-30798",
    "CVE-2023-30861",
    "CVE-2023-46136",
    "CVE-2024-24762",
    "CVE-2024-39329",
    "CVE-2024-52804",
    "CVE-2025-48432",
    "CVE-2025-54121",
    "CVE-2025-59152",
    "CVE-2025-62727",
    "CVE-2025-67726",
    "CVE-2026-25480",
    "CVE-2026-3902",
    "CVE-2026-48061",
    "CVE-2026-48818",
]


@cache
def named_in(file: str) -> frozenset[str]:
    """The tests of a file, by the names after its path."""
    path = TESTS / file
    if not path.is_file():
        return frozenset()
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}::{inner.name}"
                for inner in node.body
                if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef))
            }
    return frozenset(name for name in found if name.rpartition("::")[2].startswith("test_"))


def unproved(text: str) -> list[str]:
    """The promises without a test, and the tests that are not there."""
    rows = [(row["promise"], PROOF.findall(row["proof"])) for row in ROW.finditer(text)]
    return [
        *(promise for promise, proofs in rows if not proofs),
        *(proof for proof in PROOF.findall(text) if proof.partition("::")[2] not in named_in(proof.partition("::")[0])),
    ]


@pytest.mark.parametrize("document", PROMISES, ids=lambda path: path.name)
def test_every_promise_has_its_tests(document: Path) -> None:
    assert unproved(document.read_text()) == []


def test_nothing_is_left_out() -> None:
    text = PROMISES[0].read_text()
    assert set(SUBJECTS) <= set(re.findall(r"^## (.+)$", text, re.MULTILINE))
    assert all(len(list(ROW.finditer(part))) >= 1 for part in text.split("\n## ")[1:])
    assert [lesson for lesson in LESSONS if lesson not in text] == []


def test_a_promise_without_a_test_is_caught() -> None:
    here = "architecture/test_threats.py::test_a_promise_without_a_test_is_caught"
    assert unproved(f"| promise | proof |\n| --- | --- |\n| kept | `{here}` |\n") == []
    assert unproved("| not kept | by nothing |\n") == ["not kept"]
    assert unproved(f"| gone | `{here}_any_more` |\n") == [f"{here}_any_more"]
    assert unproved("| gone | `e2e/test_nowhere.py::test_it` |\n") == ["e2e/test_nowhere.py::test_it"]
    assert unproved("| no test | `architecture/test_threats.py::named_in` |\n") == [
        "architecture/test_threats.py::named_in"
    ]
