"""What really leaves by a socket when a path, or a target in a query, tries to lead away."""

import socket
from urllib.parse import quote

SOURCE = """
    from flasgo import Flasgo, redirect

    app = Flasgo(settings={"SECRET_KEY": "test-redirects-0123456789abcdefghij"})

    @app.get("/<name>/")
    async def one(name: str) -> str:
        return name

    @app.get("/<a>/<b>/")
    async def two(a: str, b: str) -> str:
        return f"{a} {b}"

    @app.get("/go")
    async def go(to: str):
        return redirect(to)
"""

PATHS = [
    b"//evil.example", b"//evil.example/", b"//evil.example/a", b"///evil.example", b"/%2f%2fevil.example", b"/%2fevil.example",
    b"/%2Fevil.example/..", b"/%5cevil.example", b"/%5c%5cevil.example/a", b"/\\evil.example", b"/\\\\evil.example/a",
    b"/%09/evil.example", b"/a/%0d%0alocation:%20//evil.example", b"/.//evil.example", b"/..//evil.example", b"/%2e%2e//evil.example",
    b"/https:%2f%2fevil.example", b"/evil.example%2f", b"http://evil.example//evil.example", b"/%252f%252fevil.example",
]  # fmt: skip

TARGETS = [
    "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "javascript:alert(1)", "/\t/evil.example",
    "https:evil.example", "https://localhost@evil.example", "http://localhost.evil.example", " //evil.example",
    "/\r\nLocation: //evil.example", "http://localhost:1/", "https://lоcalhost/", "",
]  # fmt: skip


def ask(address: tuple[str, int], target: bytes) -> tuple[int, list[str]]:
    """The status and every Location of the answer to one raw request."""
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(b"GET %b HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n" % (target, address[1]))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return int(head[0].split()[1]), [line[10:] for line in head[1:] if line.lower().startswith("location: ")]


def test_no_redirect_leads_away(workshop):
    workshop.write("app.py", SOURCE)
    server = workshop.serve("app.py")
    port = int(server.url.rpartition(":")[2])
    address = ("127.0.0.1", port)

    assert ask(address, b"/a") == (308, ["/a/"])
    assert ask(address, b"/a/b?c=//d") == (308, ["/a/b/?c=//d"])
    for path in PATHS:
        status, locations = ask(address, path)
        assert status < 500, path
        for location in locations:
            assert location.startswith("/"), path
            assert location[1] not in "/\\\t", path

    assert ask(address, b"/go?to=/next%3Fa=b") == (302, ["/next?a=b"])
    assert ask(address, b"/go?to=http://localhost:%d/next" % port) == (302, [f"http://localhost:{port}/next"])
    for target in TARGETS:
        assert ask(address, f"/go?to={quote(target)}".encode()) == (400, []), target
    server.wait_for_line("redirect-refused", times=len(TARGETS))
    assert "Traceback" not in server.said
    assert (
        'redirect-refused method=GET path=/go client=127.0.0.1 reason=control target="/\\r\\nLocation: //evil.example"'
        in server.said
    )
