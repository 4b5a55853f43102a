import os
import signal
import socket
import ssl
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


def free_port() -> int:
    """A port that nobody listens at now; somebody else may take it before its server does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def unused_port() -> int:
    return free_port()


class RedisServer:
    """A Redis of its own, on a free port, that keeps nothing."""

    scheme = "redis"

    def __init__(self, *options: str) -> None:
        self.options = options
        for _ in range(10):
            self.port = free_port()
            if self.start():
                return
        pytest.fail(f"redis-server does not start with {' '.join(options)}")

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/0"

    def start(self) -> bool:
        """Does it serve? False where it ended at once."""
        self.process = subprocess.Popen(
            ("redis-server", "--save", "", "--appendonly", "no", "--bind", "127.0.0.1", *self.at_port(), *self.options),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                with self.connected() as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(16).startswith(b"+PONG"):
                        return True
            except OSError:
                time.sleep(0.01)
        self.kill()
        return False

    def at_port(self) -> tuple[str, ...]:
        return "--port", str(self.port)

    def connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 1)

    def command(self, *words: object) -> str:
        """What redis-cli says."""
        line = ("redis-cli", "-p", str(self.port), *map(str, words))
        return subprocess.run(line, check=True, capture_output=True, text=True, timeout=30).stdout

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class TLSRedisServer(RedisServer):
    """A Redis that speaks TLS alone, with a certificate for 127.0.0.1 that nobody has signed but itself."""

    scheme = "rediss"

    def __init__(self, folder: Path) -> None:
        self.certificate, self.key = folder / "cert.pem", folder / "key.pem"
        made = (
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(self.key), "-out", str(self.certificate),
        )  # fmt: skip
        subprocess.run(made, check=True, capture_output=True)
        super().__init__(
            *("--tls-cert-file", str(self.certificate), "--tls-key-file", str(self.key)),
            *("--tls-ca-cert-file", str(self.certificate), "--tls-auth-clients", "no"),
        )

    def at_port(self) -> tuple[str, ...]:
        return "--port", "0", "--tls-port", str(self.port)

    def connected(self) -> socket.socket:
        context = ssl.create_default_context(cafile=str(self.certificate))
        return context.wrap_socket(super().connected(), server_hostname="127.0.0.1")


class RedisCluster:
    """Three servers, each with a third of the slots."""

    def __init__(self, folder: Path) -> None:
        self.servers: list[RedisServer] = []
        self.buses: list[int] = []
        for number in range(3):
            bus = free_port()
            place = folder / str(number)
            place.mkdir()
            options = ("--cluster-enabled", "yes", "--cluster-port", str(bus), "--dir", str(place))
            self.servers.append(RedisServer(*options, "--cluster-node-timeout", "5000"))
            self.buses.append(bus)
        for number, server in enumerate(self.servers):
            server.command("cluster", "addslotsrange", number * 5461, 16383 if number == 2 else number * 5461 + 5460)
            server.command("cluster", "set-config-epoch", number + 1)
        for other, bus in zip(self.servers[1:], self.buses[1:], strict=True):
            self.servers[0].command("cluster", "meet", "127.0.0.1", other.port, bus)
        wait_for("a cluster that is whole", self._is_whole)

    @property
    def url(self) -> str:
        return f"redis+cluster://127.0.0.1:{self.servers[0].port}"

    def _is_whole(self) -> bool:
        told = [server.command("cluster", "info") for server in self.servers]
        return all("cluster_state:ok" in info and "cluster_known_nodes:3" in info for info in told)

    def kill(self) -> None:
        for server in self.servers:
            server.kill()


@pytest.fixture(scope="session")
def redis_tls(redis_servers, tmp_path_factory) -> Iterator[TLSRedisServer]:
    server = TLSRedisServer(tmp_path_factory.mktemp("tls"))
    yield server
    server.kill()


@pytest.fixture(scope="session")
def redis_cluster(redis_servers, tmp_path_factory) -> Iterator[RedisCluster]:
    cluster = RedisCluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.kill()


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
