"""Files and streams through a real server, in raw bytes."""

import socket
from contextlib import closing

import pytest

SOURCE = """
import asyncio
import sys
import threading

from flasgo import Flasgo

app = Flasgo(static_folder="static")


@app.get("/admin")
async def admin() -> str:
    return "the admin page"


@app.get("/endless")
async def endless():
    try:
        while True:
            yield "tick"
            await asyncio.sleep(0.01)
    finally:
        print("endless: released", flush=True)


@app.get("/waiting")
async def waiting():
    try:
        yield "tick"
        await asyncio.sleep(3600)
    finally:
        print("waiting: released", flush=True)


@app.get("/threaded")
def threaded():
    try:
        while True:
            yield "tick"
    finally:
        print("threaded: released", flush=True)


@app.get("/broken")
async def broken():
    yield "first"
    raise RuntimeError("unwell")


@app.get("/early")
async def early():
    raise RuntimeError("unwell")
    yield "never"


@app.get("/lines")
async def lines():
    for number in range(3):
        yield f"{number}\\n"
"""


@pytest.fixture
def server(workshop):
    workshop.write("app.py", SOURCE)
    workshop.write("secret.txt", "secret")
    workshop.write("static-sibling/secret.txt", "secret")
    workshop.write("static/app.css", "body {}")
    workshop.write("static/.env", "secret")
    (workshop.root / "static" / "large.bin").write_bytes(bytes(range(256)) * 4096)
    (workshop.root / "static" / "link.txt").symlink_to("../secret.txt")
    return workshop.serve("app.py")


def connect(server):
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def exchange(server, target: bytes, *fields: bytes, method: bytes = b"GET") -> bytes:
    """Everything that comes back."""
    head = b"\r\n".join(
        (method + b" " + target + b" HTTP/1.1", b"Host: localhost", b"Connection: close", *fields, b"", b"")
    )
    with closing(connect(server)) as connection:
        connection.sendall(head)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    return answer


def test_paths_and_ranges_in_raw_bytes(server):
    css = exchange(server, b"/static/app.css")
    assert css.startswith(b"HTTP/1.1 200 ")
    assert css.endswith(b"\r\n\r\nbody {}")
    assert b"set-cookie" not in css.lower()

    refused = [
        b"/static/../secret.txt", b"/static/%2e%2e/secret.txt", b"/static/..%2fsecret.txt", b"/static/..%5csecret.txt",
        b"/static/../static-sibling/secret.txt", b"/static/.env", b"/static/%2eenv", b"/static/link.txt", b"/static//app.css",
        b"/static/app.css%00", b"/static/app.css%0a", b"/static/app.css.", b"/static/app.css%20", b"/static/con", b"/static/%ff",
        b"/static/%c0%ae%c0%ae/secret.txt", b"/static/" + b"x" * 300, b"/static/app.css:x", b"/static/%252e%252e/secret.txt",
    ]  # fmt: skip
    for target in refused:
        answer = exchange(server, target)
        assert answer.startswith(b"HTTP/1.1 404 "), target
        assert answer.endswith(b"\r\n\r\nThere is no such file."), target

    for target in (b"/admin%0a", b"/admin;x", b"//admin", b"/static/../admin", b"/./admin", b"/admin%00", b"/%2fadmin"):
        assert b"the admin page" not in exchange(server, target), target
    assert b"the admin page" in exchange(server, b"/admin")

    whole = bytes(range(256)) * 4096
    large = exchange(server, b"/static/large.bin")
    assert large.endswith(b"\r\n\r\n" + whole)
    part = exchange(server, b"/static/large.bin", b"Range: bytes=256-511")
    assert part.startswith(b"HTTP/1.1 206 ")
    assert part.endswith(b"\r\n\r\n" + bytes(range(256)))
    several = exchange(server, b"/static/large.bin", b"Range: bytes=0-0,2-2")
    assert several.startswith(b"HTTP/1.1 206 ")
    assert b"multipart/byteranges" in several
    head = exchange(server, b"/static/large.bin", method=b"HEAD")
    assert head.endswith(b"\r\n\r\n")
    assert b"content-length: 1048576" in head
    assert exchange(server, b"/static/app.css", b"If-None-Match: *").startswith(b"HTTP/1.1 304 ")


def test_a_stream_is_complete_or_visibly_not(server):
    assert exchange(server, b"/lines").endswith(b"2\n\r\n0\r\n\r\n")
    broken = exchange(server, b"/broken")
    assert broken.startswith(b"HTTP/1.1 200 ")
    assert broken.endswith(b"first\r\n")  # and no final chunk
    assert exchange(server, b"/early").startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize("path", ["endless", "waiting", "threaded"])
def test_a_client_that_leaves_in_mid_stream_releases_the_generator(server, path):
    with closing(connect(server)) as connection:
        connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        while b"tick" not in connection.recv(65_536):
            pass
    server.wait_for_line(f"{path}: released")
    assert server.get("/admin")[0] == 200
