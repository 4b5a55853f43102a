"""No client writes a line of the log, whatever it puts where (CWE-117, Django CVE-2025-48432)."""

import socket

SOURCE = """
    from flasgo import Flasgo, Response

    app = Flasgo(settings={"SECRET_KEY": "test-forging-0123456789abcdefghijklm", "LOG_SECURITY_EVENTS": ENABLED})

    @app.get("/fail/<path:rest>")
    async def fail(rest: str) -> str:
        raise ValueError(f"cannot do {rest}")

    class Half(Response):
        async def send(self, send, **options):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            raise RuntimeError("half\\nforged-event\\x1b[31m")

    @app.get("/half")
    async def half() -> Response:
        return Half("whole")

    @app.post("/post/<path:rest>")
    async def post(rest: str) -> str:
        return rest
"""

FORGED = b"%0aforged-event%20method=GET%0d%1b[31mred%e2%80%a8%c2%85forged-event"


def talk(url: str, request: bytes) -> int:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request)
        return int(b"".join(iter(lambda: connection.recv(65536), b"")).split()[1])


def test_no_client_writes_a_line_of_the_log(workshop):
    workshop.write("app.py", SOURCE.replace("ENABLED", "True"))
    server = workshop.serve("app.py")
    tail = b"\r\nConnection: close\r\n\r\n"
    assert talk(server.url, b"GET /fail/" + FORGED + b" HTTP/1.1\r\nHost: localhost" + tail) == 500
    assert (
        talk(server.url, b"POST /post/" + FORGED + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0" + tail) == 403
    )
    assert talk(server.url, b"GET / HTTP/1.1\r\nHost: evil\xe2\x80\xa8\x85" + tail) == 400
    assert talk(server.url, b"GET /fail/" + b"%0a" * 3_000 + b" HTTP/1.1\r\nHost: localhost" + tail) == 500
    assert talk(server.url, b"GET /half HTTP/1.1\r\nHost: localhost" + tail) == 200
    server.wait_for_line("ValueError: cannot do", times=2)
    server.wait_for_line("Exception in ASGI application")
    server.wait_for_line("RuntimeError: half", times=2)

    text = server.log.read_bytes().decode()
    lines = text.split("\n")
    assert not any(line.startswith("forged-event") for line in text.splitlines())
    assert all(line.isprintable() for line in lines if not line.lstrip().startswith("\x1b"))
    assert all(len(line) < 8_300 for line in lines if "unhandled" in line or "failed" in line)
    for event in ("unhandled-exception", "csrf-check-failed", "host-check-failed"):
        assert event in text
    assert "Traceback (most recent call last):" in text
    assert text.count("csrf-check-failed") == 1
    assert text.count("host-check-failed") == 1


def test_unhandled_exceptions_are_logged_where_security_events_are_not(workshop):
    workshop.write("app.py", SOURCE.replace("ENABLED", "False"))
    server = workshop.serve("app.py")
    tail = b"\r\nConnection: close\r\n\r\n"
    assert talk(server.url, b"GET / HTTP/1.1\r\nHost: evil.example" + tail) == 400
    assert talk(server.url, b"GET /fail/x HTTP/1.1\r\nHost: localhost" + tail) == 500
    server.wait_for_line("ValueError: cannot do x")
    assert "host-check-failed" not in server.said
