"""Documents are executed: what a reader would type is run, what they would see is compared.

    ```python              run, in one module for each document; `title="app.py"` also puts it into the working directory,
                           where other blocks can import it
    ```sh                  every command must succeed
    ```console             `$ command`, and below it what it prints; `...` stands for any text
    ```text, json, …       nothing to run

`<!-- not run: reason -->` on the line above a block leaves it out. The working directory is an empty one with the
repository's `examples`. A command `flasgo run …` serves until the document ends, on a free port that takes the place of 8000.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
"""Seconds that a command may take."""

INSTALL = "python3 -m pip install -q uv && "
"""What a bare machine needs before `uv run`; where tests run, it is there."""

INERT = frozenset({"text", "json", "toml", "html", "http", "ini"})
FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]+) -->\n+)?```(?P<language>\w*)(?P<info>[^\n]*)\n(?P<text>.*?)^```$",
    re.M | re.S,
)
TITLE = re.compile(r'title="([^"]+)"')
SERVING = re.compile(r" on http://127\.0\.0\.1:(\d+)")


class Block(NamedTuple):
    language: str
    title: str | None
    text: str
    line: int
    """Of its first line of text, counted from 1."""
    left_out: bool


def blocks_of(document: Path) -> list[Block]:
    source = document.read_text()
    blocks = []
    for fence in FENCE.finditer(source):
        title = TITLE.search(fence["info"])
        line = source.count("\n", 0, fence.start("text")) + 1
        blocks.append(Block(fence["language"], title and title[1], fence["text"], line, fence["reason"] is not None))
    assert source.count("\n```") + source.startswith("```") == 2 * len(blocks), (
        f"{document.name}: a fence is not closed"
    )
    return blocks


class Terminal:
    """A shell in a working directory, with the commands of this environment."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "80",
        }
        self.environment.pop("PYTEST_ADDOPTS", None)
        self.server: subprocess.Popen[bytes] | None = None
        self.port = "8000"

    def run(self, command: str) -> tuple[int, str]:
        """The exit status of a command and what it prints."""
        command = command.removeprefix(INSTALL).removeprefix("python3 -m uv run ")
        command = command.removeprefix("uv run ")
        if command.startswith("flasgo run ") and "&&" not in command:
            return self._serve(command)
        if command.startswith("curl ") and shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        ended = subprocess.run(
            ("bash", "-c", command.replace(":8000", f":{self.port}")),
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
        return ended.returncode, self._as_shown(ended.stdout)

    def _serve(self, command: str) -> tuple[int, str]:
        """Start a server. Its output is what it says until it serves; a command that ends by itself is run to its end."""
        self.close()
        log = self.directory.parent / "server.log"
        with log.open("wb") as output:
            self.server = subprocess.Popen(
                (sys.executable, "-m", *shlex.split(command), "--port", "0"),
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + PATIENCE
        while not (serving := SERVING.search(log.read_text())):
            assert time.monotonic() < deadline, f"{command}: nothing was served: {log.read_text()}"
            status = self.server.poll()
            if status is not None:
                return status, self._as_shown(log.read_bytes())
            time.sleep(0.02)
        self.port = serving[1]
        return 0, self._as_shown(log.read_bytes())

    def _as_shown(self, output: bytes) -> str:
        return output.decode().replace("\r\n", "\n").replace(f":{self.port}", ":8000")

    def close(self) -> None:
        if self.server is not None:
            self.server.send_signal(signal.SIGINT)
            try:
                self.server.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
                pytest.fail(f"Ctrl+C did not end the server: {(self.directory.parent / 'server.log').read_text()}")
        self.server = None


def run_document(document: Path, directory: Path) -> None:
    """Run every block of a document, in order. Raises AssertionError, and whatever its Python raises."""
    directory.mkdir()
    (directory / "examples").symlink_to(ROOT / "examples")
    terminal = Terminal(directory)
    with ExitStack() as stack:
        stack.enter_context(chdir(directory))
        stack.callback(terminal.close)
        stack.enter_context(chdir(directory))
        stack.enter_context(_importable(directory))
        module = stack.enter_context(_module(f"document_{document.stem}"))
        for block in blocks_of(document):
            where = f"{document.name}:{block.line}"
            assert block.language, f"{where}: a block needs a language"
            if block.left_out:
                continue
            if block.language == "python":
                if block.title is not None:
                    (directory / block.title).write_text(block.text)
                # Empty lines before it, so that tracebacks and registration errors name lines of the document.
                exec(compile("\n" * (block.line - 1) + block.text, document, "exec"), module.__dict__)
            elif block.language == "sh":
                _run_commands(terminal, block.text, where)
            elif block.language == "console":
                _compare_session(terminal, block.text, where)
            else:
                assert block.language in INERT, f"{where}: nobody knows how to run {block.language!r}"


@contextmanager
def _module(name: str) -> Generator[ModuleType]:
    module = sys.modules[name] = ModuleType(name)
    try:
        yield module
    finally:
        del sys.modules[name]


@contextmanager
def _importable(directory: Path) -> Generator[None]:
    """Blocks with a title may import one another; what they have imported is forgotten with them."""
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path.remove(str(directory))
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(f"{directory}{os.sep}"):
                del sys.modules[name]


def _run_commands(terminal: Terminal, text: str, where: str) -> None:
    for line in text.replace("\\\n", " ").splitlines():
        command = line.partition("  #")[0].strip()
        if command and not command.startswith("#"):
            status, output = terminal.run(command)
            assert status == 0, f"{where}: `{command}` ended with {status}: {output}"


def _compare_session(terminal: Terminal, text: str, where: str) -> None:
    assert text.startswith("$ "), f"{where}: a console block begins with `$ `"
    for entry in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, expected = entry.replace("\\\n", "\0").partition("\n")
        _, output = terminal.run(command.replace("\0", " "))
        expected = expected.replace("\0", "\\\n").strip()
        pattern = ".*?".join(re.escape(part) for part in expected.split("..."))
        shown = "\n".join(line.rstrip() for line in output.splitlines()).strip()
        assert re.fullmatch(pattern, shown, re.S), (
            f"{where}: `{command}` prints\n{shown}\n\nand the document shows\n{expected}"
        )


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Path], None]:
    """Run every block of a document."""
    return lambda document: run_document(document, tmp_path / "reader")
