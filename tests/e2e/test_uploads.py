"""Uploads through a real server: large, slow, cut off anywhere; and no temporary file stays open or behind."""

import hashlib
import os
import socket
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import PATIENCE, Server, Workshop, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="open files are looked up in /proc"),
]

APP = """
    import asyncio
    import hashlib
    import threading
    from typing import Annotated

    from flasgo import Depends, Flasgo, Form, UploadedFile
    from flasgo.http.uploads import Spool

    app = Flasgo(settings={"CSRF_ENABLED": False})
    disk_works, in_vain = threading.Event(), []
    disk_works.set()
    write = Spool._write


    def write_when_the_disk_works(self, data):
        if not disk_works.is_set():
            print("a write waits", flush=True)
        if not disk_works.wait(10):
            in_vain.append(len(data))
        return write(self, data)


    Spool._write = write_when_the_disk_works


    @app.get("/disk/<state>")
    async def disk(state: str) -> str:
        (disk_works.set if state == "works" else disk_works.clear)()
        return f"waited {len(in_vain)} times in vain"


    async def noted():
        try:
            yield
        except BaseException as error:
            print("ended by", type(error).__name__, flush=True)
            raise


    @app.post("/digest", max_file_bytes=12_000_000)
    async def digest(name: Annotated[str, Form()], file: UploadedFile, _: Annotated[None, Depends(noted)]) -> str:
        found = hashlib.sha256()
        async for piece in file:
            found.update(piece)
        return f"{name} {file.size} {found.hexdigest()}"


    @app.post("/fail")
    def fail(file: UploadedFile) -> str:
        raise LookupError


    @app.get("/")
    async def alive() -> str:
        return "alive"
"""
CONTENT = os.urandom(65_536) * 128  # 8 MiB
HEAD = (
    b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nann\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\nContent-Type: application/octet-stream\r\n\r\n'
)
BODY = HEAD + CONTENT + b"\r\n--b--\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("uploads")
    workshop = Workshop(root / "shop")
    workshop.root.mkdir()
    spool = workshop.root / "spool"
    spool.mkdir()
    workshop.environment["TMPDIR"] = str(spool)
    workshop.write("app.py", APP)
    server = workshop.serve("app.py")
    yield server
    workshop.close()


def spool_of(server: Server) -> Path:
    return server.log.parent / "shop" / "spool"


def connect(server: Server) -> socket.socket:
    where = urlsplit(server.url)
    return socket.create_connection((where.hostname, where.port), timeout=PATIENCE)


def request(path: str, length: int = len(BODY)) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def answer(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    return received


def spooled(server: Server) -> list[str]:
    """Temporary files that the server has open, or left behind."""
    found = [str(path) for path in spool_of(server).iterdir()]
    for link in Path(f"/proc/{server.process.pid}/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue
        if target.startswith(str(spool_of(server))):
            found.append(target)
    return found


def nothing_stays(server: Server) -> None:
    wait_for("the end of every temporary file", lambda: not spooled(server))


def test_eight_mebibytes_arrive_whole(server):
    with closing(connect(server)) as connection:
        connection.sendall(request("/digest") + BODY)
        assert f"ann {len(CONTENT)} {hashlib.sha256(CONTENT).hexdigest()}".encode() in answer(connection)
    nothing_stays(server)


def test_a_slow_upload_holds_up_nobody(server):
    with closing(connect(server)) as connection:
        connection.sendall(request("/digest") + BODY[:2_000_000])
        wait_for("the spool", lambda: spooled(server))
        assert server.get("/") == (200, "alive")
        connection.sendall(BODY[2_000_000:])
        assert b" 200 " in answer(connection).partition(b"\r\n")[0]
    nothing_stays(server)


def test_an_upload_to_a_disk_that_stands_still_holds_up_nobody(server):
    """CVE-2025-54121 (Starlette): if a write were waited for on the event loop, nobody could say that the disk works again."""
    server.get("/disk/stands")
    with closing(connect(server)) as connection:
        connection.sendall(request("/digest") + BODY[:2_000_000])
        server.wait_for_line("a write waits")
        assert server.get("/") == (200, "alive")
        assert server.get("/disk/works") == (200, "waited 0 times in vain")
        connection.sendall(BODY[2_000_000:])
        assert f"ann {len(CONTENT)} {hashlib.sha256(CONTENT).hexdigest()}".encode() in answer(connection)
    assert server.get("/disk/works") == (200, "waited 0 times in vain")
    nothing_stays(server)


@pytest.mark.parametrize("path", ["/digest", "/fail"])
def test_an_upload_that_is_cut_off_anywhere_leaves_nothing(server, path):
    offsets = [0, 1, 3, 40, len(HEAD) - 1, len(HEAD), len(HEAD) + 200_000, 3_000_000, len(BODY) - 6, len(BODY) - 1]
    for offset in offsets:
        with closing(connect(server)) as connection:
            connection.sendall(request(path) + BODY[:offset])
    assert server.get("/") == (200, "alive")
    nothing_stays(server)


def test_a_handler_that_fails_leaves_nothing(server):
    with closing(connect(server)) as connection:
        connection.sendall(request("/fail") + BODY)
        assert b" 500 " in answer(connection).partition(b"\r\n")[0]
    nothing_stays(server)


def test_what_announces_too_much_is_refused_before_it_comes(server):
    with closing(connect(server)) as connection:
        connection.sendall(request("/digest", 2_000_000_000) + BODY[:1000])
        assert b" 413 " in answer(connection).partition(b"\r\n")[0]
    nothing_stays(server)
