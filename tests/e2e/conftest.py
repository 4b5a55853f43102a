import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from shutil import which
from textwrap import dedent
from typing import TypeVar

import pytest

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds until something that should happen counts as not happening."""


def wait_for(what: str, look: Callable[[], T]) -> T:
    """The first true answer of `look`."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(0.02)
    return found


def _is_running(pid: int) -> bool:
    """Whether the process lives; one that ended but was not waited for does not (Linux)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Server:
    """A real server process on a free loopback port, and what it wrote on its terminal."""

    def __init__(self, arguments: tuple[str, ...], project: Path, log: Path, environment: dict[str, str]) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                (sys.executable, *arguments),
                cwd=project,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own, as a terminal gives one: Ctrl+C goes to the whole group
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def url(self) -> str:
        def look() -> str:
            assert self.process.poll() is None, f"the server ended: {self.said}"
            _, _, rest = self.said.partition(" on http://")
            return f"http://{rest.split()[0]}" if rest else ""

        return wait_for("the line that says where", look)

    def get(self, path="/"):
        """Status and text of the answer."""
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=PATIENCE)
        with closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def wait_for_line(self, text: str, *, times: int = 1) -> None:
        wait_for(f"{text!r} in {self.said!r}", lambda: self.said.count(text) >= times)

    def children(self) -> list[int]:
        """The processes that it started."""
        if sys.platform != "linux":
            pytest.skip("processes are looked up in /proc")
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(number) for task in tasks for number in task.read_text().split()]

    def wait_until_gone(self, *pids: int) -> None:
        for pid in pids:
            wait_for(f"the end of process {pid}", lambda pid=pid: not _is_running(pid))

    def stop(self, number: signal.Signals = signal.SIGINT, *, group: bool = False) -> int:
        """Send the signal, to the group as a terminal does or to the process alone; the exit status."""
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)


class Workshop:
    """A working directory in which commands and servers are started."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.servers: list[Server] = []
        self.environment = {**os.environ, "PYTHONUNBUFFERED": "1"}

    def write(self, path: str, source: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(source))
        return file

    def serve(self, *arguments: str) -> Server:
        """A server started with `flasgo run` on a free port."""
        return self.start("-m", "flasgo", "run", "--port", "0", *arguments)

    def start(self, *arguments: str) -> Server:
        """A server started with Python."""
        server = Server(arguments, self.root, self.root.parent / f"log{len(self.servers)}", self.environment)
        self.servers.append(server)
        return server

    def flasgo(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command that ends by itself."""
        return subprocess.run(
            (sys.executable, "-m", "flasgo", *arguments),
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def close(self) -> None:
        for server in self.servers:
            for pid in (*server.children(), server.process.pid) if server.process.poll() is None else ():
                os.kill(pid, signal.SIGKILL)
            server.process.wait(PATIENCE)


@pytest.fixture
def wait():
    return wait_for


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    root = tmp_path / "project"
    root.mkdir()
    workshop = Workshop(root)
    yield workshop
    workshop.close()


class RedisServer:
    """A Redis of its own, on a free port, that keeps nothing."""

    def __init__(self, *options: str) -> None:
        self.options = options
        while True:  # somebody else may take the port before the server does
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            if self.start():
                return

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> bool:
        """Does it serve? False where it ended at once."""
        self.process = subprocess.Popen(
            ("redis-server", "--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--port", str(self.port),
             *self.options),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(16).startswith(b"+PONG"):
                        return True
            except OSError:
                time.sleep(0.01)
        self.kill()
        return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def redis_servers() -> Iterator[Callable[..., RedisServer]]:
    """Starts a Redis of its own, with these options; all are killed at the end."""
    started: list[RedisServer] = []

    def start(*options: str) -> RedisServer:
        started.append(RedisServer(*options))
        return started[-1]

    if which("redis-server") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("redis-server is not installed, and CI must test the Redis store")
        pytest.skip("redis-server is not installed")
    yield start
    for server in started:
        server.kill()
