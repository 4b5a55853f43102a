"""Rules for the package's sources that no linter has, and for each the proof that it can fail."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import flasgo

PACKAGE = Path(flasgo.__file__).parent
SOURCES = {str(path.relative_to(PACKAGE)): path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}

HOMES = {
    "inspect": ("plan/signature.py",),
    "click": ("cli/",),
    "dotenv": ("cli/",),
    "uvicorn": ("server/",),
    "httptools": ("server/",),
    "watchfiles": ("server/",),
    "multipart": ("http/",),
    "jinja2": ("templating",),
    "argon2": ("contrib/argon2",),
    "joserfc": ("contrib/jwt", "contrib/jwks"),
    "redis": ("contrib/",),
    "sqlite3": ("storage/sqlite.py",),
}
"""Modules that only these files may import."""

EVENTS = ("http.request", "http.response.", "http.disconnect", "lifespan.st", "lifespan.sh", "websocket.")
EVENT_HOMES = ("http/asgi.py", "app.py", "lifespan.py", "testing/")
"""Where ASGI's events may be spelled: in the wire's own room, by those who answer its protocols, and by the test server."""

NOT_BY_IMPORT = frozenset({
    "click", "dotenv", "email", "flasgo.openapi", "flasgo.server", "flasgo.testing", "html", "http.client", "http.server", "httptools", "jinja2", "json", "mimetypes",
    "multipart", "multiprocessing", "redis", "sqlite3", "tempfile", "unittest", "urllib.request", "uvicorn", "uvloop", "watchfiles", "xml",
    "zoneinfo",
})  # fmt: skip
"""What `import flasgo` must not load: it costs time that a program may never need."""

FILE_LIMIT = 500
LONG_FILES = {"validation/issues.py": 650}  # one walk over every kind of type
FUNCTION_LIMIT = 80
"""Both are where to stop; a file of 150 lines and a function of 20 are what to aim at."""

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str, tuple[str, ...]]]:
    """Every import: its statement, the module, and the names taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node, node.module or "", tuple(alias.name for alias in node.names)


def faults(file: str, source: str) -> list[str]:
    """What breaks a rule in one file of the package, given by its path inside it."""
    tree = ast.parse(source)
    return [f"{file}:{line}: {fault}" for rule in RULES for line, fault in rule(file, tree)]


def stays_home(file: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node, module, _ in imports(tree):
        top = module.partition(".")[0]
        if top in HOMES and not file.startswith(HOMES[top]):
            yield node.lineno, f"{top} is imported by {' and '.join(HOMES[top])} alone"


LOADED_LATE = frozenset({"__init__.py", "app.py", "templating/engine.py"})
"""Where TYPE_CHECKING names what is loaded by its first use: Jinja2, the test client, serving. The floors hold for these imports, too."""


def has_no_guarded_import(file: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree) if file not in LOADED_LATE else ():
        if (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING") or (
            isinstance(node, ast.Attribute) and node.attr == "TYPE_CHECKING"
        ):
            yield node.lineno, "TYPE_CHECKING means that a floor is wrong"
    for node, module, _names in imports(tree):
        if module == "__future__":
            yield node.lineno, "annotations are read at run time: no __future__"
    for function in ast.walk(tree):
        if isinstance(function, DEFINITIONS):
            for node, module, _names in imports(function):
                if module.partition(".")[0] == "flasgo":
                    yield node.lineno, "a first-party import inside a function means that a floor is wrong"


def goes_to_the_module_itself(_: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node, module, names in imports(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "write the whole name of the module"
        folder = PACKAGE.parent.joinpath(*module.split("."))
        if module.partition(".")[0] == "flasgo" and folder.is_dir():
            for name in names:
                if not (folder / name).is_dir() and not (folder / f"{name}.py").is_file():
                    yield node.lineno, f"import {name} from its own module, not through {module}"


def leaves_events_to_their_rooms(file: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    if not file.startswith(EVENT_HOMES):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(EVENTS):
                yield node.lineno, f"{node.value!r} is spelled in {', '.join(EVENT_HOMES)} alone"


def is_no_heap(file: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    length = max((node.end_lineno or 0 for node in ast.walk(tree) if isinstance(node, ast.stmt)), default=0)
    limit = LONG_FILES.get(file, FILE_LIMIT)
    if length > limit:
        yield length, f"more than {limit} lines: is it about one thing?"
    for node in ast.walk(tree):
        if isinstance(node, DEFINITIONS) and (node.end_lineno or 0) - node.lineno >= FUNCTION_LIMIT:
            yield node.lineno, f"{node.name} has more than {FUNCTION_LIMIT} lines"


RULES = (
    stays_home,
    has_no_guarded_import,
    goes_to_the_module_itself,
    leaves_events_to_their_rooms,
    is_no_heap,
)


def test_the_sources_follow_the_rules() -> None:
    assert [fault for file, source in SOURCES.items() for fault in faults(file, source)] == []


def test_the_sources_are_found() -> None:
    assert {"app.py", "http/asgi.py", "plan/signature.py", *LONG_FILES} <= SOURCES.keys()


@pytest.mark.parametrize(
    ("file", "source", "fault"),
    [
        ("plan/types.py", "import inspect", "plan/types.py:1: inspect is imported by plan/signature.py alone"),
        (
            "app.py",
            "def run():\n    from uvicorn.config import Config",
            "app.py:2: uvicorn is imported by server/ alone",
        ),
        ("current.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING: ...", "current.py:2: TYPE_CHECKING"),
        ("current.py", "import typing\nif typing.TYPE_CHECKING: ...", "current.py:2: TYPE_CHECKING"),
        ("app.py", "from __future__ import annotations", "app.py:1: annotations are read at run time"),
        ("app.py", "async def run():\n    import flasgo.request", "app.py:2: a first-party import inside a function"),
        ("app.py", "from flasgo import Request", "app.py:1: import Request from its own module, not through flasgo"),
        ("app.py", "from flasgo.http import Headers", "app.py:1: import Headers from its own module"),
        ("app.py", "from .request import Request", "app.py:1: write the whole name"),
        ("request.py", "kind = 'http.response.start'", "request.py:1: 'http.response.start' is spelled in"),
        ("app.py", "\n" * 500 + "x = 1", "app.py:501: more than 500 lines"),
        ("app.py", "def f():\n" + "    pass\n" * 80, "app.py:1: f has more than 80 lines"),
    ],
)
def test_a_source_that_breaks_a_rule_is_caught(file: str, source: str, fault: str) -> None:
    assert any(found.startswith(fault) for found in faults(file, source))


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("plan/signature.py", "import inspect"),
        ("plan/types.py", "import msgspec.inspect\nfrom msgspec.inspect import FloatType"),
        ("server/serve.py", "def run():\n    import uvicorn"),
        ("app.py", "from flasgo.http import asgi\nfrom flasgo.http.asgi import Scope"),
        ("validation/issues.py", "\n" * 550 + "x = 1"),
        ("app.py", "def f():\n" + "    pass\n" * 79),
        ("testing/transport.py", "kind = 'http.request'"),
    ],
)
def test_a_source_that_follows_the_rules_passes(file: str, source: str) -> None:
    assert faults(file, source) == []


def loaded_by(program: str) -> set[str]:
    """The modules that a program has loaded when it ends."""
    ended = subprocess.run(
        (sys.executable, "-I", "-c", f"import sys\n{program}\nprint(*sys.modules)"),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(ended.stdout.split())


def test_importing_flasgo_loads_nothing_that_a_program_may_never_need() -> None:
    before = loaded_by("")
    loaded = loaded_by("import flasgo")

    assert "flasgo.app" in loaded
    assert (loaded - before) & NOT_BY_IMPORT == set()
    assert "json" in loaded_by("import json") & NOT_BY_IMPORT
